-- When the second and later attempts of the days shown reach people, as next_attempt_rates says.
select
    first_event_weekday as weekday,
    first_event_hour as hour,
    count(is_answered) as known_count,
    count(*) filter (is_answered) as answered_count,
from analytics.call_attempts
where attempt_number > 1
    and is_shown(
        first_event_on, webhook, coalesce(agent, 'unknown'), null,
        $from_day, $until_day, $webhook, $agent, null
    )
group by all
order by all
