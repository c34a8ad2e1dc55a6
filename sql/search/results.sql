-- The post-call results of some calls in the order of their receipt.
select
    call_id,
    row_number() over (partition by call_id order by received_at, event_id) as place,
    null as speaker,
    result_text as text,
from fluents.post_call_results
where call_id in (select unnest($call_ids::varchar[]))
    and received_at between $since and $until
order by call_id, place
