-- How many calls match the list's filters.
select count(*) as call_count
from found_calls(
    $from_day, $until_day, $webhook, $agent, $direction,
    $outcome, $min_seconds, $max_seconds, $having, $path, $value, $search
)
