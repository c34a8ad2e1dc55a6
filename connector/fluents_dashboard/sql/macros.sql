-- What the queries share. $from_day and $until_day are days in time_zone of the settings, both
-- included; a filter that is NULL lets all pass. The session's time zone is that of the settings.
create macro memory.main.is_shown(
    first_event_on, webhook, agent, direction, from_day, until_day, of_webhook, of_agent, of_direction
) as first_event_on between from_day and until_day
    and (of_webhook::varchar is null or webhook = of_webhook)
    and (of_agent::varchar is null or agent = of_agent)
    and (of_direction::varchar is null or direction = of_direction);

create macro memory.main.shown_calls(from_day, until_day, of_webhook, of_agent, of_direction) as table (
    select calls.* replace (
        coalesce(direction, 'unknown') as direction,
        coalesce(agent, 'unknown') as agent
    )
    from analytics.call_summary as calls
    where is_shown(
        first_event_on, webhook, coalesce(agent, 'unknown'), coalesce(direction, 'unknown'),
        from_day, until_day, of_webhook, of_agent, of_direction
    )
);

-- The calls of the list: search is part of a call id or of a number, path and value are a field of
-- the call's latest post-call result that is JSON.
create macro memory.main.found_calls(
    from_day, until_day, of_webhook, of_agent, of_direction,
    of_outcome, min_seconds, max_seconds, holding, path_, value_, search
) as table (
    select *
    from shown_calls(from_day, until_day, of_webhook, of_agent, of_direction) as calls
    where (of_outcome::varchar is null or outcome = of_outcome)
        and (min_seconds::double is null or duration_seconds >= min_seconds)
        and (max_seconds::double is null or duration_seconds < max_seconds)
        and case holding::varchar
            when 'error' then has_error
            when 'recording' then has_recording
            when 'result' then has_post_call_result
            when 'transfer' then has_transfer
            when 'transcript' then has_transcript
            else true
        end
        and (
            path_::varchar is null
            or call_id in (
                select call_id
                from analytics.post_call_fields
                where is_latest and path = path_ and (value_::varchar is null or text = value_)
            )
        )
        and (
            search::varchar is null
            or contains(call_id, search)
            or contains(from_number, search)
            or contains(to_number, search)
        )
);

-- A place of the time axis: the hour, day or month of a call's first event.
create macro memory.main.step_of(grain, first_event_on, first_event_hour) as strftime(
    date_trunc(grain, first_event_on + to_hours(first_event_hour)), '%Y-%m-%d %H'
);

create macro memory.main.local_text(moment) as strftime(moment, '%Y-%m-%d %H:%M:%S');
