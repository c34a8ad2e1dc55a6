-- What the last load could not do: load, publish, or make a model of yours. It selects from no
-- table: what it says is in the report of that load, which `status` shows too.
-- severity: warning
-- says: {problem}
-- link: docs/alerts.md#loading
-- grain: one thing that the last load could not do
-- key: subject
-- questions: Did the last load succeed?
with

problems as (
    select
        'load' as subject,
        'The last load failed: ' || getvariable('load_error') as problem,
    union all by name
    select 'publish' as subject, getvariable('publish_waits') as problem
    union all by name
    select
        'model' as subject,
        'A model of yours is wrong: ' || getvariable('model_errors')[1] as problem,
)

select
    -- load, publish or model.
    subject,
    -- What went wrong, in a sentence.
    problem,
from problems
where problem is not null
order by subject
