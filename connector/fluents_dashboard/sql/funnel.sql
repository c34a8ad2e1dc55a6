-- How far the calls came; days of the model add up.
select
    stage_number,
    stage,
    sum(call_count)::bigint as call_count,
    sum(unknown_count)::bigint as unknown_count,
    sum(candidate_count)::bigint as candidate_count,
from analytics.call_funnel
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by all
order by stage_number
