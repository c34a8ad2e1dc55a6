-- Every call that has an event has a row.
select events.call_id
from fluents.events
anti join analytics.call_summary using (call_id)
where events.duplicate_of is null
