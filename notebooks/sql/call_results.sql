-- The post-call results of one call, the latest first.
select
    utc_text(received_at) as received_at,
    coalesce(json_pretty(result_json), result_text) as result,
from fluents.post_call_results
where call_id = $call_id
order by post_call_results.received_at desc, event_id desc
limit $rows
