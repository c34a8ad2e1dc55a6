-- Every result has one row.
select event_id
from fluents.post_call_results
full join analytics.post_call_wide as wide using (event_id)
group by event_id
having count(wide.event_id) <> 1
