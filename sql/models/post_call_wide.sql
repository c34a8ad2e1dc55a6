-- Post-call results with a column for each field that `[post_call_columns]` in the settings names.
-- Results of a call that was analysed twice are both here; is_latest tells which counts.
-- grain: one post-call result
-- key: event_id
-- materialized: table
-- needs: fluents.post_call_results
-- time: received_at
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
),

latest as (
    select max(event_id) as event_id
    from fluents.post_call_results
    where regexp_matches(result_text, '\S')
    group by call_id
)

select
    -- The event that brought the result.
    event_id,
    -- The call, as Fluents names it.
    call_id,
    -- When the receiver got it.
    received_at,
    -- Whether it is the latest result with text of its call: that of call_summary.latest_result_text.
    event_id in (select event_id from latest) as is_latest,
    -- The result's text, or the field of its JSON that the settings name; NULL where it has none.
    unnest(fields),
from chosen
