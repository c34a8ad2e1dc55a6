-- A call has a transfer that an action asked for, or that was joined, where its summary says so.
select
    call_id,
    coalesce(any_value(calls.has_transfer), false) as has_transfer,
    count(transfers.event_id) > 0 as is_asked_for,
    any_value(calls.transfer_result) as result_of_call,
    case
        when bool_or(transfers.transcript_result = 'joined') then 'joined'
        else any_value(transfers.transcript_result)
    end as result_of_transfers,
from analytics.call_summary as calls
left join analytics.transfers using (call_id)
anti join analytics.calls_not_computed using (call_id)
group by call_id
having has_transfer <> is_asked_for or result_of_call is distinct from result_of_transfers
