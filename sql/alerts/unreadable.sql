-- The warehouse or the buffer cannot be read, so the other alerts may miss what there is to find. A
-- buffer that is not there is no finding: it may be on another machine. Nor is a warehouse that is
-- not there before the first load has ended: lag is found if that takes long.
-- severity: critical
-- says: The {subject} cannot be read: {error}
-- link: docs/alerts.md#unreadable
-- grain: what cannot be read
-- key: subject
-- questions: Can the warehouse be read? And the buffer?
with

errors as (
    select 'warehouse' as subject, getvariable('warehouse_error') as error
    union all by name
    select 'buffer' as subject, getvariable('buffer_error') as error
)

select
    -- warehouse or buffer.
    subject,
    -- Why, in a sentence.
    error,
from errors
where error is not null
order by subject
