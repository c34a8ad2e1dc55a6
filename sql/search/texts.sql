-- The texts of the calls that began from $since until $until which hold each of $pieces, newest call
-- first: turns of conversations, messages that are no turn in the same words, post-call results.
-- $longest is the longest piece. Texts and pieces are compared in lower case and without accents.
-- The calls' events came until $last_event_at: DuckDB skips what is older or newer.
with

turns as materialized (
    select
        call_id,
        'transcripts' as source,
        line_index as place,
        speaker,
        text,
        lower(strip_accents(text)) as compared,
    from analytics.conversation_turns
    where list_contains($sources, 'transcripts')
        and first_event_at >= $since
        and first_event_at < $until
        and contains(compared, $longest)
),

messages as (
    select
        call_id,
        'messages' as source,
        null as place,
        sender as speaker,
        text,
        lower(strip_accents(text)) as compared,
    from fluents.messages
    where list_contains($sources, 'messages')
        and received_at >= $since
        and received_at <= $last_event_at
        and contains(compared, $longest)
),

results as (
    select
        call_id,
        'results' as source,
        null as place,
        null as speaker,
        result_text as text,
        lower(strip_accents(result_text)) as compared,
    from fluents.post_call_results
    where list_contains($sources, 'results')
        and received_at >= $since
        and received_at <= $last_event_at
        and contains(compared, $longest)
),

found as (
    from turns
    union all by name
    select * from messages anti join turns using (call_id, text)
    union all by name
    from results
)

select
    found.call_id,
    calls.first_event_at,
    found.source,
    found.place,
    found.speaker,
    found.text,
    instr(found.compared, $longest) as position,
from found
inner join analytics.call_summary as calls using (call_id)
where calls.first_event_at >= $since
    and calls.first_event_at < $until
    and list_bool_and(
        list_transform($pieces, lambda piece: contains(found.compared, piece))
    )
order by calls.first_event_at desc, found.call_id, found.source desc, found.place, found.text
limit $rows
