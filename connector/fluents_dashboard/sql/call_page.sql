-- The calls that match the list's filters, sorted; all of them where $rows is NULL.
with

found as (
    select
        *,
        case $sort
            when 'began' then epoch(first_event_at)
            when 'duration' then duration_seconds
            when 'turns' then human_turn_count
            when 'errors' then error_count
            when 'cost' then cost
        end as sort_number,
        case $sort
            when 'outcome' then outcome
            when 'contact' then contact_number
            when 'agent' then agent
            when 'direction' then direction
            when 'result' then latest_result_text
        end as sort_text,
    from found_calls(
        $from_day, $until_day, $webhook, $agent, $direction,
        $outcome, $min_seconds, $max_seconds, $having, $path, $value, $search
    )
)

select
    call_id,
    local_text(first_event_at) as began_at,
    direction,
    agent,
    webhook,
    contact_number,
    outcome,
    did_not_connect_reason,
    duration_seconds,
    human_turn_count,
    error_count,
    cost,
    latest_result_text as result,
    latest_result_json::varchar as result_json,
from found
order by
    case when not $is_descending then sort_number end nulls last,
    case when $is_descending then sort_number end desc nulls last,
    case when not $is_descending then sort_text end nulls last,
    case when $is_descending then sort_text end desc nulls last,
    first_event_at desc,
    call_id
limit $rows offset $skip
