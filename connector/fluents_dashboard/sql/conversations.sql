-- How the conversations of the days shown went; all figures of the model that add up.
select
    sum(conversation_count)::bigint as conversation_count,
    sum(human_turn_count)::bigint as human_turn_count,
    sum(bot_turn_count)::bigint as bot_turn_count,
    sum(cut_off_count)::bigint as cut_off_count,
    sum(interrupted_count)::bigint as interrupted_count,
    sum(bot_character_count)::bigint as bot_character_count,
    sum(bot_character_count + human_character_count)::bigint as character_count,
    max(longest_bot_turn_words)::bigint as longest_bot_turn_words,
    sum(reply_count)::bigint as reply_count,
    sum(total_human_to_bot_seconds) as total_human_to_bot_seconds,
    max(max_human_to_bot_seconds) as max_human_to_bot_seconds,
    sum(gap_conversation_count)::bigint as gap_conversation_count,
    sum(total_longest_gap_seconds) as total_longest_gap_seconds,
    max(longest_gap_seconds) as longest_gap_seconds,
from analytics.conversations_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
