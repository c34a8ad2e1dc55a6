-- No delivery is missing between the first and the last that a buffer gave the warehouse.
with

held as (
    select buffer_id, position from fluents.events
    union all by name
    select buffer_id, position from fluents.quarantine
)

select
    buffer_id,
    count(distinct position) as held_count,
    max(position) - min(position) + 1 as expected_count,
from held
group by buffer_id
having held_count <> expected_count
