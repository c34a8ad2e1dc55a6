-- The headline figures, as numerators and denominators that add up: a figure of any span of days
-- and any choice of directions, webhooks and agents is sum(numerator) / sum(denominator), or
-- sum(numerator) where there is no denominator.
-- grain: one figure of a day, direction, webhook and agent with calls
-- key: first_event_on, direction, webhook, agent, figure
-- questions: How was last week beside the week before? How does a figure develop?
with

days as (
    select
        calls.*,
        minutes.talk_minutes,
        minutes.cost,
    from analytics.calls_daily as calls
    left join analytics.minutes_daily as minutes
        using (first_event_on, direction, webhook, agent)
),

figures as (
    select
        first_event_on,
        direction,
        webhook,
        agent,
        unnest(
            [
                {'figure': 'calls', 'unit': 'calls', 'numerator': call_count, 'denominator': null},
                {
                    'figure': 'connection_rate', 'unit': 'share', 'numerator': connected_count,
                    'denominator': connected_count + did_not_connect_count
                },
                {
                    'figure': 'human_rate_of_connected', 'unit': 'share', 'numerator': human_count,
                    'denominator': human_count + no_human_count
                },
                {
                    'figure': 'engaged_rate', 'unit': 'share', 'numerator': engaged_count,
                    'denominator': human_with_turns_count
                },
                {
                    'figure': 'transfer_rate', 'unit': 'share', 'numerator': transfer_count,
                    'denominator': connected_count
                },
                {
                    'figure': 'error_call_rate', 'unit': 'share', 'numerator': error_call_count,
                    'denominator': call_count
                },
                {
                    'figure': 'mean_duration_seconds', 'unit': 'seconds',
                    'numerator': mean_duration_seconds * timed_call_count,
                    'denominator': timed_call_count
                },
                {
                    'figure': 'talk_minutes', 'unit': 'minutes', 'numerator': talk_minutes,
                    'denominator': null
                },
                {'figure': 'cost', 'unit': 'cost', 'numerator': cost, 'denominator': null}
            ]::struct(figure varchar, unit varchar, numerator double, denominator bigint)[],
            recursive := true
        ),
    from days
)

select
    -- Day of the first event of the calls, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Name of the figure: calls, talk_minutes, cost, or a column of calls_daily.
    figure,
    -- One of calls, share, seconds, minutes or cost: what the figure is in.
    unit,
    -- What is counted or summed; NULL where it is not known.
    numerator,
    -- Of how many calls it is a share or a mean; NULL for what is a sum by itself.
    denominator,
from figures
