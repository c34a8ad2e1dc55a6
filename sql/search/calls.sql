-- Calls that may say all of the pieces in one text, newest first, and how long their texts are.
-- `before_call` is where an earlier answer ended: the last of its calls, at `until`.
select
    call_id,
    first_event_at,
    last_event_at,
    strlen(coalesce(transcripts, '')) + strlen(coalesce(messages, ''))
    + strlen(coalesce(results, '')) as bytes,
from analytics.search_texts
where first_event_at >= $since
    and (first_event_at < $until or (first_event_at = $until and call_id < $before_call))
    and (
        (
            ($in_transcripts or $in_messages)
            and contains(transcripts, $longest)
            and list_bool_and(
                list_transform($all_pieces::varchar[], lambda piece: contains(transcripts, piece))
            )
        )
        or (
            $in_messages
            and contains(messages, $longest)
            and list_bool_and(
                list_transform($all_pieces::varchar[], lambda piece: contains(messages, piece))
            )
        )
        or (
            $in_results
            and contains(results, $longest)
            and list_bool_and(
                list_transform($all_pieces::varchar[], lambda piece: contains(results, piece))
            )
        )
    )
order by first_event_at desc, call_id desc
limit $rows
