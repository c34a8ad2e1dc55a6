-- Post-call results with a column for each field that `[post_call_columns]` in the settings names.
-- grain: one post-call result
-- key: event_id
-- materialized: table
-- questions: Which calls ended so? How do sentiment and outcome go together?
with

-- The settings' values stand in the view, as its readers have no variables.
chosen as (
    select
        event_id,
        call_id,
        received_at,
        json_transform(
            to_json(
                map(
                    list_concat(['result_text'], getvariable('post_call_names')),
                    list_concat(
                        [to_json(result_text)],
                        json_extract(coalesce(result_json, '{}'), getvariable('post_call_paths'))
                    )
                )
            ),
            getvariable('post_call_types')
        ) as fields,
    from fluents.post_call_results
)

select
    -- The event that brought the result.
    event_id,
    -- The call, as Fluents names it.
    call_id,
    -- When the receiver got it.
    received_at,
    -- The result's text, or the field of its JSON that the settings name; NULL where it has none.
    unnest(fields),
from chosen
