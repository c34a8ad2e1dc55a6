-- How many calls last how long, as stated or by the receipt of their reports.
with

timed as (
    select
        outcome,
        duration_seconds as seconds,
    from shown_calls($from_at, $until_at, $webhook, $direction)
    where duration_seconds is not null
)

select
    list_position(
        list_transform([10, 30, 60, 120, 300, 600], lambda limit_: seconds < limit_), true
    ) as place,
    coalesce(
        ['under 10 s', '10–30 s', '30–60 s', '1–2 min', '2–5 min', '5–10 min'][place],
        '10 min or more'
    ) as length,
    outcome,
    count(*) as call_count,
from timed
group by all
order by place nulls last, outcome
