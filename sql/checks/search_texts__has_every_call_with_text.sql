-- Every call with a turn, a message or a post-call result has a row.
with

said as (
    select call_id, text
    from analytics.conversation_turns
    union all
    select call_id, text
    from fluents.messages
    union all
    select call_id, result_text as text
    from fluents.post_call_results
)

select distinct call_id
from said
anti join analytics.search_texts using (call_id)
where text <> ''
