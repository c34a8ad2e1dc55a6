-- No issue affects more than there is.
select *
from analytics.data_quality
where affected_count > examined_count or affected_count < 0
