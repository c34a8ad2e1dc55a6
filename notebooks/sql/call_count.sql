-- How many calls match the explorer's filters.
select count(*) as call_count
from found_calls(
    $from_at, $until_at, $webhook, $direction, $outcome, $only_errors, $search
)
