-- The errors of the calls shown, by type, as the model errors_daily tells types apart.
with

shown as (
    select call_id
    from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
)

select
    coalesce(code, left(regexp_replace(message, '\d+', '#', 'g'), 80), 'unknown') as error_type,
    arg_max(message, {'at': received_at, 'event_id': event_id, 'place': -error_index})
        as latest_message,
    count(*) as error_count,
    count(distinct call_id) as affected_call_count,
    (select count(*) from shown) as call_count,
    local_text(max(received_at)) as last_error_at,
from fluents.errors
semi join shown using (call_id)
group by all
order by error_count desc, error_type
limit $rows
