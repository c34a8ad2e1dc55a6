-- Who was in touch again: the contacts of the weeks before the last day shown, by the week of their
-- first call, as contact_cohorts counts them. $weeks is how many weeks at most.
select
    first_week_on,
    weeks_later,
    bool_and(is_over) as is_over,
    sum(contact_count)::bigint as contact_count,
    sum(again_count)::bigint as again_count,
from analytics.contact_cohorts
where is_shown(
    first_week_on, webhook, agent, coalesce(direction, 'unknown'),
    $until_day - 7 * $weeks::integer + 1, $until_day, $webhook, $agent, $direction
)
    and first_week_on + 7 * weeks_later::integer <= $until_day
group by all
order by all
