-- Why those that did not connect did not.
select
    coalesce(did_not_connect_reason, 'not_stated') as reason,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
where outcome = 'did_not_connect'
group by all
order by call_count desc, reason
limit 8
