-- The envelope of each accepted delivery. Everything that no column can hold is in `extra`.
with

envelopes as (
    select
        *,
        json_extract(
            body, ['$.from_number', '$.to_number', '$.is_outgoing', '$.payload']
        ) as fields,
        json_keys(body) as keys,
    from deliveries
    where reason is null
),

judged as (
    select
        *,
        fields[1] as from_number_json,
        fields[2] as to_number_json,
        fields[3] as is_outgoing_json,
        nullif(fields[4], 'null') as payload,
        phone_number_text(fields[1]) as from_number,
        phone_number_text(fields[2]) as to_number,
        try_cast(scalar_text(fields[3]) as boolean) as is_outgoing,
    from envelopes
),

-- A merge patch (RFC 7396) with a null for each field that a column holds leaves the others.
patched as (
    select
        *,
        case
            -- Two fields of one name: which one counts is anybody's guess, so keep the text.
            when len(list_distinct(keys)) < len(keys) then json_object('body', body)
            when
                len(
                    list_filter(
                        keys,
                        lambda key: key not in (
                            'call_id', 'type', 'from_number', 'to_number', 'is_outgoing', 'payload'
                        )
                    )
                ) > 0
                or (from_number is null and from_number_json <> 'null')
                or (to_number is null and to_number_json <> 'null')
                or (is_outgoing is null and is_outgoing_json <> 'null')
            then
                json_merge_patch(
                    body,
                    '{"call_id":null,"type":null,"payload":null'
                    || if(
                        from_number is null and from_number_json <> 'null',
                        '',
                        ',"from_number":null'
                    )
                    || if(to_number is null and to_number_json <> 'null', '', ',"to_number":null')
                    || if(
                        is_outgoing is null and is_outgoing_json <> 'null',
                        '',
                        ',"is_outgoing":null'
                    )
                    || '}'
                )
        end as extra,
    from judged
)

select
    event_id,
    call_id,
    received_at,
    webhook,
    type,
    from_number,
    to_number,
    is_outgoing,
    payload,
    extra,
    duplicate_of,
    redacted as redacted_count,
    buffer_id,
    position,
from patched
