-- How fresh the figures are, in seconds since 1970.
select
    (select epoch(max(received_at)) from fluents.events) as received_at,
    (select local_text(max(received_at)) from fluents.events) as received_text,
