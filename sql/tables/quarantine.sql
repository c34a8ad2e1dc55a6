-- Each delivery that could not be an event, whole.
select
    event_id as delivery_id,
    received_at,
    webhook,
    reason,
    detail,
    coalesce(body, body_base64) as body,
    case when body is not null then 'utf-8' when body_base64 is not null then 'base64' end
        as body_encoding,
    redacted as redacted_count,
    buffer_id,
    position,
from deliveries
where reason is not null
