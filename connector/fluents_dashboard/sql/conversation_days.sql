-- The same day or month ($grain) by day, of what is drawn.
select
    strftime(date_trunc($grain, first_event_on), '%Y-%m-%d 00') as step,
    sum(bot_turn_count)::bigint as bot_turn_count,
    sum(cut_off_count)::bigint as cut_off_count,
    sum(reply_count)::bigint as reply_count,
    sum(total_human_to_bot_seconds) as total_human_to_bot_seconds,
from analytics.conversations_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by all
