-- The lines of `sequenced` with what is a backchannel, without what nobody heard, and with the
-- turn of its sequence that each belongs to.
-- needs: steps.sequenced
with

-- What the wholes, or the chunks, mark as a backchannel is one in the others, if these mark none.
bracketed_sounds as (
    select distinct
        call_id,
        not is_whole as is_whole,
        words,
    from steps.sequenced
    where
        is_bracketed
        and speaker = 'human'
        and (call_id, not is_whole) not in (
            select (call_id, is_whole) from steps.sequenced where is_bracketed
        )
),

seated as (
    select
        sequenced.*,
        bracketed_sounds.call_id is not null as is_marked_elsewhere,
        case when not (is_bracketed or is_sound or is_unheard) then speaker end as speaks,
        row_number() over (
            partition by call_id, talk_id order by clock_seconds, sequence_id, line
        ) as seat,
    from steps.sequenced
    left join bracketed_sounds using (call_id, is_whole, words)
    where sequenced.may_have_backchannels
),

-- arg_max, as last_value(… ignore nulls) takes the square of the rows where many are null.
neighbours as (
    select
        * exclude (seat),
        arg_max(speaks, seat) over before_this as speaker_before,
        arg_max(case when speaks is not null then text end, seat) over before_this as text_before,
        coalesce(
            seat < max(case when speaks is not null then seat end)
                over (partition by call_id, talk_id),
            false
        ) as speech_follows,
    from seated
    window
        before_this as (
            partition by call_id, talk_id order by seat
            rows between unbounded preceding and 1 preceding
        )
),

-- A sound between two utterances of the bot tells that somebody listens; after a question it is
-- an answer, and at the end it is the last word.
marked as (
    select
        * exclude (speaks, is_marked_elsewhere, speaker_before, text_before, speech_follows),
        is_bracketed
        or (
            is_sound
            and speaker = 'human'
            and (
                is_marked_elsewhere
                or (
                    speaker_before = 'bot'
                    and speech_follows
                    and not regexp_matches(text_before, '[?？؟][^\p{L}\p{N}]*$')
                )
            )
        ) as is_backchannel,
    from neighbours
),

-- Where the bot was cut off before the first word of an utterance, it had not ended the one before.
interrupted as (
    select
        *,
        speaker = 'bot'
        and not is_backchannel
        and coalesce(
            lead(is_unheard and speaker = 'bot') over (
                partition by call_id, sequence_id, is_backchannel order by line
            ),
            lead(is_unheard and speaker = 'bot') over (
                partition by call_id, talk_id, is_backchannel
                order by clock_seconds, sequence_id, line
            ),
            false
        ) as is_interrupted,
    from marked
),

lines as (
    select
        * exclude (is_interrupted) replace (
            case when is_interrupted and not is_cut_off then text || '-' else text end as text,
            is_cut_off or is_interrupted as is_cut_off
        ),
    from interrupted
    union all by name
    select
        *,
        false as is_backchannel,
    from steps.sequenced
    where not may_have_backchannels
),

-- Who spoke before, among those who count: a backchannel, and what nobody heard, does not.
started as (
    select
        *,
        not (is_backchannel or is_unheard)
        and (
            speaker = 'unknown'
            or speaker is distinct from lag(speaker) over (
                partition by call_id, sequence_id, is_backchannel or is_unheard order by line
            )
        ) as is_start,
    from lines
),

turned as (
    select
        *,
        -- a backchannel, and what nobody heard, goes with the turn before it
        greatest(
            sum(is_start::bigint) over (partition by call_id, sequence_id order by line), 1
        )::bigint as turn,
    from started
)

select
    call_id,
    sequence_id,
    is_whole,
    event_id,
    line,
    turn,
    speaker,
    text,
    words,
    offset_seconds,
    said_at,
    clock_seconds,
    is_cut_off,
    is_sound,
    is_backchannel,
from turned
where not is_unheard
