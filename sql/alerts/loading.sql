-- What the last load could not do: load, publish, or make a model of yours. It selects from no
-- table: what it says is in the report of that load, which `status` shows too.
-- severity: warning
-- says: {problem}
-- link: docs/alerts.md#loading
-- grain: one thing that the last load could not do
-- key: subject
-- questions: Did the last load succeed?
with

-- Not what the errors say, which may quote a delivery.
problems as (
    select
        'load' as subject,
        'The last load failed: `fluents-warehouse status` shows why.' as problem,
    where getvariable('load_error') is not null
    union all by name
    select 'publish' as subject, getvariable('publish_waits') as problem
    union all by name
    select
        'model' as subject,
        'Models of yours are wrong: `fluents-warehouse models` names files and lines.' as problem,
    where len(getvariable('model_errors')) > 0
)

select
    -- load, publish or model.
    subject,
    -- What went wrong, in a sentence.
    problem,
from problems
where problem is not null
order by subject
