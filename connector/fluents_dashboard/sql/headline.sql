-- The headline figures of the days shown and of as many days before, with what each divides. Days
-- without calls have no rows: their calls are known to be none, but no minutes are known.
with

summed as (
    select
        figure,
        any_value(unit) as unit,
        sum(numerator) filter (first_event_on >= $from_day) as numerator,
        sum(denominator) filter (first_event_on >= $from_day)::bigint as denominator,
        sum(numerator) filter (first_event_on < $from_day) as numerator_before,
        sum(denominator) filter (first_event_on < $from_day)::bigint as denominator_before,
    from analytics.headline_daily
    where is_shown(
        first_event_on, webhook, agent, direction, $before_day, $until_day, $webhook, $agent, $direction
    )
    group by figure
)

select
    figure,
    unit,
    case when unit in ('calls', 'share') then coalesce(numerator, 0) else numerator end
        as numerator,
    case when unit in ('share', 'seconds') then coalesce(denominator, 0) end as denominator,
    case when unit in ('calls', 'share') then coalesce(numerator_before, 0) else numerator_before end
        as numerator_before,
    case when unit in ('share', 'seconds') then coalesce(denominator_before, 0) end
        as denominator_before,
from summed
