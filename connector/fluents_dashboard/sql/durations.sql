-- How many calls last how long, as stated or by the receipt of their reports.
with

timed as (
    select
        outcome,
        coalesce(
            list_position(
                list_transform(
                    [10, 30, 60, 120, 300, 600], lambda limit_: duration_seconds < limit_
                ),
                true
            ),
            7
        ) as place,
    from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
    where duration_seconds is not null
)

select
    place,
    ['under 10 s', '10–30 s', '30–60 s', '1–2 min', '2–5 min', '5–10 min', '10 min or more'][place]
        as length,
    ([0, 10, 30, 60, 120, 300, 600])[place] as min_seconds,
    ([10, 30, 60, 120, 300, 600, null])[place] as max_seconds,
    outcome,
    count(*) as call_count,
from timed
group by all
order by place, outcome
