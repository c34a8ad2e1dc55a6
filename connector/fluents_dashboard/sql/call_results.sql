-- The post-call results of one call, the latest first.
select
    local_text(received_at) as received_at,
    result_text,
    result_json::varchar as result_json,
from fluents.post_call_results
where call_id = $call_id
order by post_call_results.received_at desc, event_id desc
limit $rows
