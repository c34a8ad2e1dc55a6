-- What became of the calls, and why those that did not connect did not.
select
    outcome,
    case
        when outcome = 'did_not_connect' then coalesce(did_not_connect_reason, 'reason not stated')
        else ''
    end as reason,
    count(*) as call_count,
from shown_calls($from_at, $until_at, $webhook, $direction)
group by all
order by call_count desc, outcome, reason
