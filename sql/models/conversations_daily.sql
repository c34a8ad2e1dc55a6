-- How conversations go, by the day of the call's first event. Counts and totals add up over days,
-- directions, webhooks and agents; for percentiles of other spans there is response_times_daily.
-- grain: one day, direction, webhook and agent with conversations whose speakers are known
-- key: first_event_on, direction, webhook, agent
-- questions: How long do people wait for the bot? How often is it interrupted? Who talks more, and
--   how long at a stretch?
with

conversations as (
    select
        calls.first_event_on,
        coalesce(calls.direction, 'unknown') as direction,
        calls.webhook,
        coalesce(calls.agent, 'unknown') as agent,
        statistics.*,
    from analytics.conversation_statistics as statistics
    inner join analytics.call_summary as calls using (call_id)
    -- both are known of the same calls, and fewer of them are to be joined
    where statistics.bot_turn_count is not null and calls.human_turn_count is not null
),

counted as (
    select
        first_event_on,
        direction,
        webhook,
        agent,
        count(*) as conversation_count,
        sum(human_turn_count)::bigint as human_turn_count,
        sum(bot_turn_count)::bigint as bot_turn_count,
        sum(cut_off_count)::bigint as cut_off_count,
        count(*) filter (cut_off_count > 0) as interrupted_count,
        sum(bot_character_count)::bigint as bot_character_count,
        sum(human_character_count)::bigint as human_character_count,
        max(longest_bot_turn_words) as longest_bot_turn_words,
        max(longest_human_turn_words) as longest_human_turn_words,
        coalesce(sum(human_to_bot_count), 0)::bigint as reply_count,
        sum(mean_human_to_bot_seconds * human_to_bot_count) as total_human_to_bot_seconds,
        max(max_human_to_bot_seconds) as max_human_to_bot_seconds,
        flatten(list(human_to_bot_seconds) filter (human_to_bot_count > 0)) as replies,
        count(longest_gap_seconds) as gap_conversation_count,
        sum(longest_gap_seconds) as total_longest_gap_seconds,
        max(longest_gap_seconds) as longest_gap_seconds,
    from conversations
    group by all
),

-- To round the percentiles gives those of the rounded values in response_times_daily.
exact as (
    select
        *,
        list_aggregate(replies, 'quantile_disc', 0.5) as p50,
        list_aggregate(replies, 'quantile_disc', 0.9) as p90,
        list_aggregate(replies, 'quantile_disc', 0.95) as p95,
    from counted
)

select
    -- Day of the call's first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Calls whose transcript names bot or human: all figures are of these.
    conversation_count,
    -- Turns of the human.
    human_turn_count,
    -- Turns of the bot.
    bot_turn_count,
    -- Those of them that were cut off: interruptions.
    cut_off_count,
    -- cut_off_count of bot_turn_count.
    cut_off_count / nullif(bot_turn_count, 0) as cut_off_rate,
    -- Conversations in which the bot was interrupted.
    interrupted_count,
    -- interrupted_count of conversation_count.
    interrupted_count / nullif(conversation_count, 0) as interrupted_rate,
    -- Characters of the bot.
    bot_character_count,
    -- Characters of the human.
    human_character_count,
    -- The bot's share: bot_character_count of bot_character_count + human_character_count.
    bot_character_count / nullif(bot_character_count + human_character_count, 0) as bot_talk_rate,
    -- Words of the bot's longest turn: its longest monologue.
    longest_bot_turn_words,
    -- Words of the human's longest turn.
    longest_human_turn_words,
    -- Replies: times that the bot spoke right after the human, where both turns say when they start.
    reply_count,
    -- From the start of the human's turn to the start of the bot's, the human's talk included: all
    -- replies together.
    total_human_to_bot_seconds,
    -- Half of the replies took no longer; to a tenth of a second below 10, else to a second.
    case when p50 < 10 then p50 else floor(p50 + 0.5) end as p50_human_to_bot_seconds,
    -- 90 of 100 replies took no longer.
    case when p90 < 10 then p90 else floor(p90 + 0.5) end as p90_human_to_bot_seconds,
    -- 95 of 100 replies took no longer.
    case when p95 < 10 then p95 else floor(p95 + 0.5) end as p95_human_to_bot_seconds,
    -- The slowest reply.
    max_human_to_bot_seconds,
    -- Conversations of which two turns in a row say when they start.
    gap_conversation_count,
    -- The longest time of each of them from the start of a turn to that of the next, all together.
    total_longest_gap_seconds,
    -- The longest of all: no silence between two turns was longer.
    longest_gap_seconds,
from exact
