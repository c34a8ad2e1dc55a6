-- The days add up to the replies.
select
    (select sum(reply_count) from analytics.response_times_daily) as counted_by_day,
    (select sum(human_to_bot_count) from analytics.conversation_statistics) as counted,
where counted_by_day is distinct from counted
