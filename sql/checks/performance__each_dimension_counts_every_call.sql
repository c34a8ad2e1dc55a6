-- The webhooks add up to the calls, and so do the agents and the own numbers.
select dimension, sum(call_count) as counted_here
from analytics.performance
group by dimension
having counted_here <> (select count(*) from fluents.calls)
