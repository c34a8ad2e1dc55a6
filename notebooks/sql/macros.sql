-- What the dashboard's queries share. $from_at and $until_at are instants, $webhook a label,
-- $direction outbound, inbound or unknown; a filter that is NULL lets all pass.
create temp macro shown_calls(from_at, until_at, webhook_label, call_direction) as table (
    select *
    from analytics.call_summary
    where first_event_at >= from_at::timestamptz
        and first_event_at < until_at::timestamptz
        and (webhook_label::varchar is null or webhook = webhook_label)
        and (call_direction::varchar is null or coalesce(direction, 'unknown') = call_direction)
);

-- The same, by the explorer's own filters: search is part of a call id or of a number.
create temp macro found_calls(
    from_at, until_at, webhook_label, call_direction, call_outcome, only_errors, search
) as table (
    select *
    from shown_calls(from_at, until_at, webhook_label, call_direction)
    where (call_outcome::varchar is null or outcome = call_outcome)
        and (not only_errors or has_error)
        and (
            search = ''
            or contains(call_id, search)
            or contains(from_number, search)
            or contains(to_number, search)
        )
);

create temp macro utc_text(moment) as strftime(moment at time zone 'UTC', '%Y-%m-%d %H:%M:%S');
