-- The days add up to the conversations, and no share is above 1.
select 'conversations are missing' as problem
where (select coalesce(sum(conversation_count), 0) from analytics.conversations_daily)
    <> (select count(bot_turn_count) from analytics.conversation_statistics)
union all by name
select 'a share is above 1' as problem
from analytics.conversations_daily
where cut_off_count > bot_turn_count or interrupted_count > conversation_count
