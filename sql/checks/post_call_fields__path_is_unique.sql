-- A value occurs once in its result. A JSON object with two fields of one name breaks this.
select event_id, item_path, count(*) as row_count
from analytics.post_call_fields
group by event_id, item_path
having count(*) > 1
