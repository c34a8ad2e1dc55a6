-- What there is to choose from, and how fresh it is.
select
    (select min(first_event_at) at time zone 'UTC' from fluents.calls)::date as first_day,
    (select max(first_event_at) at time zone 'UTC' from fluents.calls)::date as last_day,
    (select list(distinct webhook order by webhook) from fluents.calls) as webhooks,
    (select utc_text(max(received_at)) from fluents.events) as last_received_at,
    (select utc_text(max(inserted_at)) from fluents._dlt_loads) as last_loaded_at,
