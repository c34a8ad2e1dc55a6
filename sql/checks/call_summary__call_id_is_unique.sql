-- A call has one row.
select call_id, count(*) as row_count
from analytics.call_summary
group by call_id
having count(*) > 1
