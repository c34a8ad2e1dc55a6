-- Each headline figure of the last 1, 7 and 28 whole days beside that of as many days before. The
-- last whole day is the one before the day of the newest call, so nothing here depends on the
-- present time.
-- grain: one figure and length of time
-- key: day_count, figure
-- questions: How was last week beside the week before? Of how many calls does that speak?
with

bounds as (
    select
        min(first_event_on) as first_on,
        max(first_event_on) as newest_on,
    from analytics.call_summary
),

spans as (
    select
        day_count,
        (newest_on - day_count::integer) as begins_on,
        newest_on as ends_before,
        (newest_on - 2 * day_count::integer) as previous_begins_on,
        first_on <= newest_on - 2 * day_count::integer as has_previous,
    from bounds
    cross join (values (1), (7), (28)) as lengths (day_count)
    where newest_on is not null
),

headline as materialized (
    select *
    from analytics.headline_daily
),

figures as (
    select distinct
        figure,
        unit,
        unit in ('calls', 'share') as is_count,
        unit in ('share', 'seconds') as is_ratio,
    from headline
),

summed as (
    select
        spans.day_count,
        spans.begins_on,
        spans.ends_before,
        spans.has_previous,
        figures.figure,
        figures.unit,
        figures.is_count,
        figures.is_ratio,
        sum(headline.numerator) filter (headline.first_event_on >= spans.begins_on) as numerator,
        sum(headline.denominator) filter (headline.first_event_on >= spans.begins_on)
            as denominator,
        sum(headline.numerator) filter (headline.first_event_on < spans.begins_on)
            as previous_numerator,
        sum(headline.denominator) filter (headline.first_event_on < spans.begins_on)
            as previous_denominator,
    from spans
    cross join figures
    left join headline
        on headline.figure = figures.figure
        and headline.first_event_on >= spans.previous_begins_on
        and headline.first_event_on < spans.ends_before
    group by all
),

-- Days without calls have no rows: their calls are known to be none, but no minutes are known.
known as (
    select
        day_count,
        begins_on,
        ends_before,
        figure,
        unit,
        is_ratio,
        case when is_count then coalesce(numerator, 0) else numerator end as numerator,
        case when is_ratio then coalesce(denominator, 0) end::bigint as denominator,
        case
            when has_previous and is_count then coalesce(previous_numerator, 0)
            when has_previous then previous_numerator
        end as previous_numerator,
        case when has_previous and is_ratio then coalesce(previous_denominator, 0) end::bigint
            as previous_denominator,
    from summed
)

select
    -- How many days the span has: 1, 7 or 28.
    day_count,
    -- Name of the figure, as in headline_daily.
    figure,
    -- One of calls, share, seconds, minutes or cost: what it is in.
    unit,
    -- First day of the span; the one before it ends the day before.
    begins_on,
    -- Last day of the span.
    ends_before - 1 as ends_on,
    -- What is counted or summed in the span.
    numerator,
    -- Of how many calls; NULL for what is a sum by itself.
    denominator,
    -- The figure: numerator of denominator, or numerator where there is no denominator.
    case when is_ratio then numerator / nullif(denominator, 0) else numerator end as value,
    -- What is counted or summed in the days before; NULL where the warehouse is younger than they.
    previous_numerator,
    -- Of how many calls.
    previous_denominator,
    -- The figure of the days before; NULL where the warehouse is younger than they.
    case
        when is_ratio then previous_numerator / nullif(previous_denominator, 0)
        else previous_numerator
    end as previous_value,
    -- value less previous_value; of shares as a share too, so 0.05 is five percentage points.
    value - previous_value as difference,
from known
