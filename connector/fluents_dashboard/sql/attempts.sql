-- Which attempt reaches people; the tenth and later ones are one row.
select
    least(attempt_number, 10) as attempt_number,
    sum(attempt_count)::bigint as attempt_count,
    sum(known_count)::bigint as known_count,
    sum(answered_count)::bigint as answered_count,
from analytics.attempts_daily
where is_shown(
    first_event_on, webhook, agent, null, $from_day, $until_day, $webhook, $agent, null
)
group by all
order by all
