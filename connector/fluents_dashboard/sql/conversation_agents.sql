-- How the conversations of each agent went.
select
    agent,
    sum(conversation_count)::bigint as conversation_count,
    sum(bot_turn_count)::bigint as bot_turn_count,
    sum(cut_off_count)::bigint as cut_off_count,
    sum(reply_count)::bigint as reply_count,
    sum(total_human_to_bot_seconds) as total_human_to_bot_seconds,
    sum(bot_character_count)::bigint as bot_character_count,
    sum(bot_character_count + human_character_count)::bigint as character_count,
from analytics.conversations_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by agent
order by conversation_count desc, agent
