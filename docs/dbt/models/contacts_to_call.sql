-- Numbers that were called more than once, and that no human has answered yet.
with

contacts as (
    select * from {{ source('analytics', 'contact_history') }}
)

select
    contact_number,
    outbound_count,
    voicemail_count,
    last_call_at,
from contacts
where outbound_count > 1 and answered_count = 0
