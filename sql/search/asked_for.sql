-- Which of some calls are of the webhook, agent and direction that were asked for.
select call_id
from analytics.call_summary
where call_id in (select unnest($call_ids::varchar[]))
    and first_event_at between $since and $until
    and ($webhook::varchar is null or webhook = $webhook)
    and ($agent::varchar is null or coalesce(agent, 'unknown') = $agent)
    and ($direction::varchar is null or coalesce(direction, 'unknown') = $direction)
