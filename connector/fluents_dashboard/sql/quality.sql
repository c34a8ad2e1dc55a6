-- What is missing, late, refused or repeated, in the whole warehouse.
select issue, affected_count, examined_count, affected_rate, meaning
from analytics.data_quality
order by affected_rate desc nulls last, issue
