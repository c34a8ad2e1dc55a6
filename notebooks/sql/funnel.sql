-- How far the calls came; days of the model add up.
select
    stage_number,
    stage,
    sum(call_count)::bigint as call_count,
    sum(unknown_count)::bigint as unknown_count,
    sum(candidate_count)::bigint as candidate_count,
    sum(call_count) / nullif(sum(candidate_count), 0) as conversion_rate,
from analytics.call_funnel
where first_event_on >= ($from_at::timestamptz at time zone 'UTC')::date
    and first_event_on < ($until_at::timestamptz at time zone 'UTC')::date
    and ($webhook::varchar is null or webhook = $webhook)
    and ($direction::varchar is null or direction = $direction)
group by all
order by stage_number
