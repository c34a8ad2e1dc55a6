-- No stage has more calls than the one before it.
select first_event_on, direction, webhook, stage, call_count, candidate_count
from analytics.call_funnel
where call_count > candidate_count or unknown_count < 0
