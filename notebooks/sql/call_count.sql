-- How many calls match the explorer's filters.
select count(*) as call_count
from shown_calls($from_at, $until_at, $webhook, $direction)
where ($outcome::varchar is null or outcome = $outcome)
    and (not $only_errors or has_error)
    and (
        $search = ''
        or contains(call_id, $search)
        or contains(from_number, $search)
        or contains(to_number, $search)
    )
