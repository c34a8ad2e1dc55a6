-- What several table transforms share. A payload's facts are looked for under several names;
-- the names come from the settings, as session variables: $transcript_paths and so on.

-- The first of `paths` that holds something, as JSON. An empty text only where all are empty.
create or replace macro found(payload, paths) as
    coalesce(
        list_filter(
            json_extract(payload, paths),
            lambda value: value is not null and value <> 'null' and value <> '""'
        )[1],
        list_filter(
            json_extract(payload, paths), lambda value: value is not null and value <> 'null'
        )[1]
    );

-- The same, or the payload itself where it is no object: 'BOT: hello' is its own transcript.
create or replace macro found_or_whole(payload, paths) as
    case when json_type(payload) = 'OBJECT' then found(payload, paths) else payload end;

-- JSON as people read it: a string without its quotes, anything else as JSON text.
create or replace macro as_text(value) as value ->> '$';

-- Only what is a single value: text that is not empty, a number, true or false.
create or replace macro scalar_text(value) as
    case when json_type(value) not in ('OBJECT', 'ARRAY', 'NULL') then nullif(value ->> '$', '') end;

-- The same, but true or false is no telephone number.
create or replace macro phone_number_text(value) as
    case when json_type(value) <> 'BOOLEAN' then scalar_text(value) end;

-- The first of `paths` that holds a single value, as text.
create or replace macro found_text(payload, paths) as
    list_filter(
        list_transform(json_extract(payload, paths), lambda value: scalar_text(value)),
        lambda text_value: text_value is not null
    )[1];

-- The first of `paths` that may be a telephone number, as text.
create or replace macro found_phone_number(payload, paths) as
    list_filter(
        list_transform(json_extract(payload, paths), lambda value: phone_number_text(value)),
        lambda text_value: text_value is not null
    )[1];

-- The first single value, or the payload itself where it is no object: 'busy' is its own reason.
create or replace macro found_text_or_whole(payload, paths) as
    case
        when json_type(payload) = 'OBJECT' then found_text(payload, paths)
        else scalar_text(payload)
    end;

-- The first of `paths` that holds a list with something in it.
create or replace macro found_list(payload, paths) as
    list_filter(
        json_extract(payload, paths), lambda value: json_type(value) = 'ARRAY' and value <> '[]'
    )[1];

-- The first of `paths` that holds an error: neither nothing, nor false, nor 0, nor an empty one.
create or replace macro found_error(payload, paths) as
    list_filter(
        json_extract(payload, paths),
        lambda value:
            value is not null and value not in ('null', 'false', '0', '""', '"null"', '{}', '[]')
    )[1];

-- Whether one of the texts is, as a whole, what the regular expression says.
create or replace macro any_matches(texts, expression) as
    list_bool_or(
        list_transform(texts, lambda each_text: regexp_full_match(each_text, expression))
    );

-- The object or list that a text holds, or NULL.
create or replace macro json_in(text_value) as
    case
        when
            json_type(try_cast(text_value as json)) in ('OBJECT', 'ARRAY')
            -- DuckDB takes NaN and Infinity, which are no JSON
            and not regexp_matches(
                regexp_replace(text_value, '"(?:[^"\\]|\\.)*"', '', 'g'), '(?i)nan|inf'
            )
        then json_extract(try_cast(text_value as json), '$')
    end;

-- A point in time from epoch seconds (milli-, micro-, nanoseconds by their size) or ISO 8601;
-- without a zone it is UTC. NULL for anything outside 2000 to 2100, such as an offset in seconds.
create or replace macro point_in_time(text_value) as (
    with
    moment as (
        select
            try_cast(text_value as double) as number,
            try_cast(text_value as timestamptz) as stated_at,
    ),
    scaled as (
        select
            stated_at,
            number / case
                when number >= 1e17 then 1e9
                when number >= 1e14 then 1e6
                when number >= 1e11 then 1e3
                else 1
            end as seconds,
        from moment
    )
    select
        case
            when seconds between 946684800 and 4102444800 then to_timestamp(seconds)
            when stated_at between '2000-01-01 00:00:00+00' and '2100-01-01 00:00:00+00'
            then stated_at
        end
    from scaled
);

-- Why a call did not connect, in one spelling: telephony providers write no-answer and NoAnswer.
create or replace macro normal_reason(raw) as (
    with words as (select trim(regexp_replace(lower(raw), '[\s_-]+', '_', 'g'), '_. ') as word)
    select
        case
            when word in ('noanswer', 'unanswered', 'human_unanswered', 'not_answered', 'timeout')
            then 'no_answer'
            when word in ('cancelled', 'cancel', 'call_canceled', 'call_cancelled')
            then 'canceled'
            when word in ('fail', 'failure', 'call_failed')
            then 'failed'
            when word in ('user_busy', 'line_busy', 'call_busy')
            then 'busy'
            when word in ('reject', 'declined', 'call_rejected')
            then 'rejected'
            else nullif(word, '')
        end
    from words
);

-- A number that can count something: finite and not negative.
create or replace macro stated_amount(text_value) as
    case
        when try_cast(text_value as double) >= 0 and isfinite(try_cast(text_value as double))
        then try_cast(text_value as double)
    end;

-- Whether a text is no more than the sound of somebody who listens: "Mhm.", "uh-huh".
create or replace macro is_sound(text_value) as
    case
        -- the first letter that no sound has tells, and nearly every text has one
        when regexp_matches(text_value, '(?i)[b-df-gi-lnp-qs-tv-z]|[^\x00-\x7f]') then false
        else
            regexp_full_match(
                trim(regexp_replace(lower(text_value), '[^a-z]+', ' ', 'g')),
                '((m+|m+ ?h+m*|h+m+|o+h+|a+h+|a+ha+|u+m+|u+h+|u+h+ ?h+u+h+|e+h+|e+r+m?)( |$))+'
            )
    end;
