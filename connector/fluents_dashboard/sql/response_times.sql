-- How many replies of the bot took how long, in all the days shown.
select
    human_to_bot_seconds,
    sum(reply_count)::bigint as reply_count,
    sum(sum(reply_count)) over (order by human_to_bot_seconds)::bigint as up_to_here_count,
    sum(sum(reply_count)) over ()::bigint as all_count,
from analytics.response_times_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by human_to_bot_seconds
order by human_to_bot_seconds
