-- The newest delivery of each type.
select
    webhook,
    type,
    delivery_count,
    local_text(last_received_at) as last_received_at,
    last_delay_seconds,
    behind_newest_seconds,
from analytics.freshness
where $webhook::varchar is null or webhook = $webhook
order by webhook, type
limit $rows
