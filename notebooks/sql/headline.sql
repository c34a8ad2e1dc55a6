-- The figures on top of the overview, each rate with what it divides.
select
    count(*) as call_count,
    count(*) filter (outcome in ('human', 'no_human', 'connected')) as connected_count,
    count(*) filter (outcome <> 'unknown') as known_outcome_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome in ('human', 'no_human', 'did_not_connect')) as known_answer_count,
    count(*) filter (outcome = 'human' and is_engaged) as engaged_count,
    count(*) filter (outcome = 'human' and is_engaged is not null) as human_with_turns_count,
    count(*) filter (has_error) as error_call_count,
    count(duration_seconds) as timed_call_count,
    count(*) filter (duration_source = 'stated') as stated_duration_call_count,
    median(duration_seconds) as median_duration_seconds,
    quantile_cont(duration_seconds, 0.95) as p95_duration_seconds,
    date_diff('second', min(first_event_at), max(first_event_at)) as span_seconds,
from shown_calls($from_at, $until_at, $webhook, $direction)
