-- The turns of each conversation, however it was delivered: in chunks, as one text, as several,
-- or both. docs/conversations.md says it in words. Here and nowhere else is decided what a turn is.
-- grain: one turn; besides, without a turn_index, backchannels and what is in doubt
-- key: call_id, line_index
-- materialized: table
-- questions: Who said what, in which order? Which transcripts of a call contradict each other?
with

-- Letters and digits alone, so that case, punctuation, spaces and a cut-off do not differ.
spoken as (
    select
        event_id,
        call_id,
        turn_index as line_index,
        speaker,
        text,
        utterance_count,
        offset_seconds,
        said_at,
        coalesce(is_cut_off, false) as is_cut_off,
        coalesce(
            nullif(
                trim(
                    regexp_replace(lower(nfc_normalize(text)), '[^\p{L}\p{M}\p{N}]+', ' ', 'g')
                ),
                ''
            ),
            text
        ) as words,
        regexp_full_match(trim(text), '\[[^\[\]]*\]') as is_bracketed,
        text = '-' as is_unheard,
        regexp_full_match(
            words, '((m+|m+ ?h+m*|h+m+|o+h+|a+h+|a+ha+|u+m+|u+h+|u+h+ ?h+u+h+|e+h+|e+r+m?)( |$))+'
        ) as is_sound,
    from fluents.transcript_turns
    where speaker in ('bot', 'human', 'unknown') and regexp_matches(text, '\S')
        -- no talk is longer, and the cost has a limit: data_quality counts transcript_too_long
        and turn_index <= 10000
),

counted_utterances as (
    select
        *,
        sum(utterance_count) over (partition by event_id) as delivered_count,
        delivered_count = 1 and said_at is not null and offset_seconds is null as is_timed_chunk,
    from spoken
),

-- A delivery of several utterances is a whole, and where chunks say when they were said, so is
-- every one that does not. The others are chunks: one sequence of a call.
deliveries as (
    select
        *,
        delivered_count > 1
        or (not is_timed_chunk and bool_or(is_timed_chunk) over (partition by call_id))
            as is_whole,
    from counted_utterances
),

sequenced as (
    select
        *,
        case when is_whole then event_id else '' end as sequence_id,
        coalesce(epoch(said_at), offset_seconds) as stated_seconds,
        bool_and(said_at is not null) over of_kind as all_say_when,
        bool_and(offset_seconds is not null) over of_kind as all_have_offsets,
        bool_or(said_at is not null) over (partition by call_id) as some_say_when,
    from deliveries
    window of_kind as (partition by call_id, is_whole)
),

-- Chunks that say the same and do not state different times are one.
distinct_chunks as (
    select *
    from sequenced
    where not is_whole
    qualify
        row_number() over (
            partition by call_id, speaker, words, stated_seconds order by event_id
        ) = 1
        and (
            stated_seconds is not null
            or not bool_or(stated_seconds is not null) over (partition by call_id, speaker, words)
        )
),

-- Apart, as wholes, which are the most, need no look at what others say.
distinct_lines as (
    select *
    from sequenced
    where is_whole
    union all by name
    select *
    from distinct_chunks
),

ordered_lines as (
    select
        *,
        row_number() over (
            partition by call_id, sequence_id
            order by
                case
                    when not is_whole and (all_say_when or all_have_offsets) then stated_seconds
                end,
                event_id,
                line_index
        ) as line,
    from distinct_lines
),

-- What the wholes, or the chunks, mark as a backchannel is one in the others, if these mark none.
bracketed_sounds as (
    select distinct
        call_id,
        not is_whole as is_whole,
        words,
    from ordered_lines
    where
        is_bracketed
        and speaker = 'human'
        and (call_id, not is_whole) not in (
            select (call_id, is_whole) from ordered_lines where is_bracketed
        )
),

-- Where all deliveries of a kind say when, what stands before and after a sound is known across
-- them.
clocked as (
    select
        *,
        case
            when is_whole and all_say_when then epoch(said_at)
            -- a chunk's point in time may be of another clock
            when all_have_offsets and not all_say_when and (is_whole or not some_say_when)
            then offset_seconds
        end as clock_seconds,
        case when clock_seconds is null then sequence_id else 'all' end as talk_id,
        bracketed_sounds.call_id is not null as is_marked_elsewhere,
    from ordered_lines
    left join bracketed_sounds using (call_id, is_whole, words)
),

seated as (
    select
        *,
        case when not (is_bracketed or is_sound or is_unheard) then speaker end as speaks,
        row_number() over (
            partition by call_id, talk_id order by clock_seconds, sequence_id, line
        ) as seat,
    from clocked
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
        ) as goes_on,
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
        *,
        is_bracketed
        or (
            is_sound
            and speaker = 'human'
            and (
                is_marked_elsewhere
                or (
                    speaker_before = 'bot'
                    and goes_on
                    and not regexp_matches(text_before, '[?？؟][^\p{L}\p{N}]*$')
                )
            )
        ) as is_backchannel,
    from neighbours
),

started as (
    select
        *,
        not (is_backchannel or is_unheard)
        and (
            speaker = 'unknown'
            or speaker is distinct from arg_max(
                case when not (is_backchannel or is_unheard) then speaker end, line
            ) over (
                partition by call_id, sequence_id order by line
                rows between unbounded preceding and 1 preceding
            )
        ) as is_start,
    from marked
),

turned as (
    select
        *,
        -- a backchannel, and what nobody heard, goes with the turn before it
        greatest(
            sum(is_start::bigint) over (partition by call_id, sequence_id order by line), 1
        )::bigint as turn,
    from started
),

-- Where the bot was cut off before the first word of an utterance, it had not ended the one before.
lines as (
    select
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
        * replace (
            case when is_interrupted and not is_cut_off then text || '-' else text end as text,
            is_cut_off or is_interrupted as is_cut_off
        ),
    from turned
    qualify not is_unheard
),

turns as (
    select
        call_id,
        sequence_id,
        turn,
        any_value(speaker) as speaker,
        string_agg(words, ' ' order by line) as words,
        arg_max(is_cut_off, line) as is_cut_off,
        bool_and(is_sound) as is_sound,
        min(clock_seconds) as clock_seconds,
        max(clock_seconds) as last_seconds,
    from lines
    where not is_backchannel
    group by call_id, sequence_id, turn
),

-- The best whole comes first: one that names speakers, with most text, then with most turns, then
-- the latest; chunks last.
sequences as (
    select
        call_id,
        sequence_id,
        count(*) as turn_count,
        row_number() over (
            partition by call_id
            order by
                sequence_id <> '' desc,
                bool_or(speaker <> 'unknown') desc,
                sum(strlen(words)) desc,
                turn_count desc,
                sequence_id desc
        ) as rank,
        count(*) over (partition by call_id) as sequence_count,
    from turns
    group by call_id, sequence_id
),

-- Calls with one sequence, the most, need no comparison.
texts as (
    select
        turns.call_id,
        turns.sequence_id,
        any_value(sequences.turn_count) as turn_count,
        any_value(sequences.rank) as rank,
        ' ' || string_agg(words, ' ' order by turn) || ' ' as words,
        coalesce(' ' || string_agg(words, ' ' order by turn) filter (speaker = 'bot') || ' ', '')
            as bot_words,
        coalesce(' ' || string_agg(words, ' ' order by turn) filter (speaker = 'human') || ' ', '')
            as human_words,
        case
            when bool_and(clock_seconds is not null)
            then string_agg(clock_seconds || ' ' || words, ' ' order by turn)
        end as timed_words,
        case when bool_and(clock_seconds is not null) then min(clock_seconds) end as first_seconds,
        case when bool_and(clock_seconds is not null) then max(last_seconds) end as last_seconds,
    from turns
    inner join sequences
        on sequences.call_id = turns.call_id
        and sequences.sequence_id = turns.sequence_id
        and sequences.sequence_count > 1
    group by turns.call_id, turns.sequence_id
),

-- What the best one holds word for word, of the same speakers, needs no closer look.
compared as (
    select
        texts.call_id,
        texts.sequence_id,
        texts.turn_count,
        texts.rank,
        texts.first_seconds,
        texts.last_seconds,
        contains(best.words, texts.words)
        and (
            best.bot_words || best.human_words = ''  -- it names no speakers
            or (
                contains(best.bot_words, texts.bot_words)
                and contains(best.human_words, texts.human_words)
            )
        )
        -- where both say when, at the same times
        and coalesce(contains(best.timed_words, texts.timed_words), true)
        -- no conversation is that long, and the cost has a limit
        or texts.turn_count > 5000 as is_held,
    from texts
    inner join texts as best using (call_id)
    where best.rank = 1 and texts.rank > 1
),

pairs as (
    select
        compared.call_id,
        compared.sequence_id,
        better.sequence_id as better_id,
        better.rank as better_rank,
        compared.turn_count,
        better.turn_count as better_turn_count,
    from compared
    inner join texts as better
        on better.call_id = compared.call_id
        and better.rank < compared.rank
        and better.rank <= 4  -- so that the cost has a limit
        and better.sequence_id <> ''
        -- what was said before or after all of it is another part of the conversation
        and coalesce(
            compared.first_seconds <= better.last_seconds
            and compared.last_seconds >= better.first_seconds,
            true
        )
    left join compared as itself
        on itself.call_id = better.call_id and itself.sequence_id = better.sequence_id
    where not compared.is_held and not coalesce(itself.is_held, false)
),

-- Turns as they are compared, only of calls that need it.
compared_turns as (
    select
        turns.*,
        count(*) over (partition by turns.call_id, turns.sequence_id, turns.words) = 1 as is_unique,
    from turns
    semi join pairs on pairs.call_id = turns.call_id
),

-- Anchors: what is said once in either, in the same order in both.
equal as (
    select
        pairs.call_id,
        pairs.sequence_id,
        pairs.better_id,
        one.turn,
        other.turn as better_turn,
    from pairs
    inner join compared_turns as one
        on one.call_id = pairs.call_id and one.sequence_id = pairs.sequence_id and one.is_unique
    inner join compared_turns as other
        on other.call_id = pairs.call_id
        and other.sequence_id = pairs.better_id
        and other.is_unique
        and other.words = one.words
    where (one.speaker = other.speaker or 'unknown' in (one.speaker, other.speaker))
        and coalesce(abs(one.clock_seconds - other.clock_seconds) <= 5, true)
),

anchors as (
    select *
    from equal
    qualify
        coalesce(better_turn > max(better_turn) over (
            partition by call_id, sequence_id, better_id order by turn
            rows between unbounded preceding and 1 preceding
        ), true)
        and coalesce(better_turn < min(better_turn) over (
            partition by call_id, sequence_id, better_id order by turn
            rows between 1 following and unbounded following
        ), true)
),

-- Between two anchors, each turn is compared with those at about its place.
placed as (
    select
        pairs.*,
        one.turn,
        one.speaker,
        one.words,
        one.is_cut_off,
        one.clock_seconds,
        anchors.better_turn as anchor_turn,
        coalesce(last_value(anchors.better_turn ignore nulls) over before_this, 0) as least,
        coalesce(
            last_value(case when anchors.better_turn is not null then one.turn end ignore nulls)
                over before_this,
            0
        ) as least_at,
        coalesce(
            first_value(anchors.better_turn ignore nulls) over after_this,
            pairs.better_turn_count + 1
        ) as most,
        coalesce(
            first_value(case when anchors.better_turn is not null then one.turn end ignore nulls)
                over after_this,
            pairs.turn_count + 1
        ) as most_at,
        count(anchors.better_turn) over (
            partition by pairs.call_id, pairs.sequence_id, pairs.better_id
        ) > 0 as has_anchor,
    from pairs
    inner join compared_turns as one
        on one.call_id = pairs.call_id and one.sequence_id = pairs.sequence_id
    left join anchors
        on anchors.call_id = pairs.call_id
        and anchors.sequence_id = pairs.sequence_id
        and anchors.better_id = pairs.better_id
        and anchors.turn = one.turn
    window
        before_this as (
            partition by pairs.call_id, pairs.sequence_id, pairs.better_id order by one.turn
            rows between unbounded preceding and 1 preceding
        ),
        after_this as (
            partition by pairs.call_id, pairs.sequence_id, pairs.better_id order by one.turn
            rows between 1 following and unbounded following
        )
),

candidates as (
    select distinct
        * exclude (anchor_turn),
        -- the only turn between two neighbours that match is that turn, corrected
        has_anchor and most - least = 2 and most_at - least_at = 2 as is_only_one,
        unnest(
            [least + turn - least_at + step for step in [-3, -2, -1, 0, 1, 2, 3]]
            || [most - most_at + turn + step for step in [-3, -2, -1, 0, 1, 2, 3]]
        ) as better_turn,
    from placed
    where anchor_turn is null
),

scored as (
    select
        candidates.call_id,
        candidates.sequence_id,
        candidates.better_id,
        candidates.turn,
        candidates.better_turn,
        abs(candidates.better_turn - candidates.least - candidates.turn + candidates.least_at)
            as distance,
        left(candidates.words, 200) as one,
        left(other.words, 200) as better,
        list_distinct(string_split(left(candidates.words, 2000), ' ')) as one_words,
        list_distinct(string_split(left(other.words, 2000), ' ')) as better_words,
        least(len(one_words), len(better_words)) as fewest_words,
        case
            when candidates.words = other.words then 1
            when
                (other.is_cut_off or strlen(better) >= 8)
                and starts_with(candidates.words, other.words)
            then 0.95
            when
                (candidates.is_cut_off or strlen(one) >= 8)
                and starts_with(other.words, candidates.words)
            then 0.95
            when strlen(one) >= 8 and contains(other.words, candidates.words) then 0.9
            when strlen(better) >= 8 and contains(candidates.words, other.words) then 0.9
            when
                fewest_words >= 3
                and len(list_intersect(one_words, better_words)) >= 0.7 * fewest_words
            then 0.8
            else
                greatest(
                    1 - levenshtein(one, better) / greatest(length(one), length(better), 1),
                    case when candidates.is_only_one then 0.6 else 0 end
                )
        end as likeness,
    from candidates
    inner join compared_turns as other
        on other.call_id = candidates.call_id
        and other.sequence_id = candidates.better_id
        and other.turn = candidates.better_turn
    where candidates.better_turn > candidates.least
        and candidates.better_turn < candidates.most
        and (
            candidates.speaker = other.speaker
            or 'unknown' in (candidates.speaker, other.speaker)
        )
        and coalesce(abs(candidates.clock_seconds - other.clock_seconds) <= 5, true)
),

likeliest as (
    select *
    from scored
    where likeness >= 0.6
    qualify
        row_number() over (
            partition by call_id, sequence_id, better_id, turn
            order by likeness desc, distance, better_turn
        ) = 1
),

found as (
    select call_id, sequence_id, better_id, turn, better_turn
    from likeliest
    qualify
        row_number() over (
            partition by call_id, sequence_id, better_id, better_turn
            order by likeness desc, distance, turn
        ) = 1
    union all by name
    select call_id, sequence_id, better_id, turn, better_turn
    from anchors
),

found_turns as (
    select distinct call_id, sequence_id, turn
    from found
),

-- What has less than half of its text in a better one is another part of the conversation.
parts as (
    select call_id, sequence_id
    from sequences
    where rank = 1
    union all by name
    select turns.call_id, turns.sequence_id
    from turns
    inner join compared
        on compared.call_id = turns.call_id and compared.sequence_id = turns.sequence_id
    left join found_turns
        on found_turns.call_id = turns.call_id
        and found_turns.sequence_id = turns.sequence_id
        and found_turns.turn = turns.turn
    where not compared.is_held
    group by turns.call_id, turns.sequence_id
    having
        2 * coalesce(sum(strlen(turns.words)) filter (found_turns.turn is not null), 0)
        < sum(strlen(turns.words))
),

matched as (
    select
        found.call_id,
        found.sequence_id,
        found.turn,
        found.better_id,
        found.better_turn,
        pairs.better_turn_count,
    from found
    inner join pairs using (call_id, sequence_id, better_id)
    semi join parts on parts.call_id = found.call_id and parts.sequence_id = found.better_id
    qualify
        row_number() over (
            partition by found.call_id, found.sequence_id, found.turn order by pairs.better_rank
        ) = 1
),

-- Where one part ends with the turns that another begins with, these are the same turns.
beside as (
    select
        turns.call_id,
        turns.sequence_id,
        turns.turn,
        turns.words,
        turns.is_sound,
        parts.sequence_id is not null as is_part,
        matched.better_turn is not null as is_matched,
        {
            'id': matched.better_id,
            'turn': matched.better_turn,
            'is_first': matched.better_turn = 1,
            'is_last': matched.better_turn = matched.better_turn_count
        } as place,
        count(matched.better_turn) over (
            partition by turns.call_id, turns.sequence_id, matched.better_id,
                matched.better_turn - turns.turn
        ) = case
            when matched.better_turn >= turns.turn
            then matched.better_turn_count - (matched.better_turn - turns.turn)
            else compared.turn_count - (turns.turn - matched.better_turn)
        end as is_overlap,
    from turns
    inner join compared
        on compared.call_id = turns.call_id
        and compared.sequence_id = turns.sequence_id
        and not compared.is_held
    left join matched
        on matched.call_id = turns.call_id
        and matched.sequence_id = turns.sequence_id
        and matched.turn = turns.turn
    left join parts
        on parts.call_id = turns.call_id and parts.sequence_id = turns.sequence_id
),

bounded as (
    select
        *,
        last_value(case when is_matched then place end ignore nulls) over before_this as place_before,
        first_value(case when is_matched then place end ignore nulls) over after_this as place_after,
    from beside
    window
        before_this as (
            partition by call_id, sequence_id order by turn
            rows between unbounded preceding and 1 preceding
        ),
        after_this as (
            partition by call_id, sequence_id order by turn
            rows between 1 following and unbounded following
        )
),

-- What goes on behind the end of a part, or before its start, is counted; what stands between
-- turns that are counted already is in doubt.
judged as (
    select
        call_id,
        sequence_id,
        turn,
        case
            when is_part and is_matched and coalesce(is_overlap, false) then 'held'
            when is_part and is_matched and strlen(words) >= 12 then 'counted in doubt'
            when is_part then 'counted'
            -- a backchannel that a text ended with while the talk went on
            when is_matched or is_sound then 'held'
            when
                coalesce(place_before.is_last, true)
                and coalesce(place_after.is_first, true)
            then 'counted'
            else 'in doubt'
        end as verdict,
        case when is_part then null else coalesce(place_before.id, place_after.id) end as beside_id,
        case when is_part then null else coalesce(place_before.turn, place_after.turn - 1) end as beside_turn,
    from bounded
    union all by name
    select
        turns.call_id,
        turns.sequence_id,
        turns.turn,
        'counted' as verdict,
        null as beside_id,
        null as beside_turn,
    from turns
    inner join sequences using (call_id, sequence_id)
    where sequences.rank = 1
),

part_starts as (
    select
        call_id,
        sequence_id,
        min(said_at) as said_at,
        min(offset_seconds) as offset_seconds,
        min(event_id) as event_id,
    from lines
    semi join parts on parts.call_id = lines.call_id and parts.sequence_id = lines.sequence_id
    group by call_id, sequence_id
),

timed_parts as (
    select
        *,
        bool_and(said_at is not null) over (partition by call_id) as all_say_when,
        bool_and(offset_seconds is not null) over (partition by call_id) as all_have_offsets,
    from part_starts
),

-- Parts follow each other by their stated times, where all state one, else by receipt.
ordered_parts as (
    select
        call_id,
        sequence_id,
        row_number() over (
            partition by call_id
            order by
                case when all_say_when then said_at end,
                case when all_have_offsets then offset_seconds end,
                event_id
        ) as part,
    from timed_parts
),

kept as (
    select
        lines.call_id,
        lines.event_id,
        lines.speaker,
        lines.text,
        lines.said_at,
        lines.is_cut_off,
        lines.is_backchannel,
        lines.sequence_id <> '' as is_whole,
        judged.verdict like '%doubt' as is_doubtful,
        not lines.is_backchannel and judged.verdict like 'counted%' as is_counted,
        coalesce(
            lines.offset_seconds,
            (
                epoch_us(lines.said_at)
                - min(epoch_us(lines.said_at)) over (partition by lines.call_id)
            ) / 1e6
        ) as offset_seconds,
        row_number() over (
            partition by lines.call_id
            order by
                ordered_parts.part,
                coalesce(judged.beside_turn, lines.turn),
                judged.beside_turn is not null,
                lines.sequence_id,
                lines.line
        ) as place,
    from lines
    inner join judged using (call_id, sequence_id, turn)
    left join ordered_parts
        on ordered_parts.call_id = lines.call_id
        and ordered_parts.sequence_id = coalesce(judged.beside_id, lines.sequence_id)
    where judged.verdict <> 'held'
),

numbered as (
    select
        *,
        is_counted
        and speaker is distinct from arg_max(case when is_counted then speaker end, place) over (
            partition by call_id order by place
            rows between unbounded preceding and 1 preceding
        ) as is_start,
    from kept
),

counted as (
    select
        *,
        case
            when is_counted then sum(is_start::bigint) over (partition by call_id order by place)
        end::bigint as turn_index,
    from numbered
),

joined as (
    select
        call_id,
        turn_index,
        min(place) as place,
        arg_min(event_id, place) as event_id,
        any_value(speaker) as speaker,
        string_agg(text, ' ' order by place) as text,
        arg_min(offset_seconds, place) as offset_seconds,
        arg_min(said_at, place) as said_at,
        case when any_value(speaker) = 'bot' then arg_max(is_cut_off, place) end as is_cut_off,
        bool_or(is_backchannel) as is_backchannel,
        bool_or(is_doubtful) as is_doubtful,
        bool_and(is_whole) as is_whole,
    from counted
    group by call_id, turn_index, case when turn_index is null then place end
)

select
    -- The call, as Fluents names it.
    call_id,
    -- Place of the row in the call, from 1.
    row_number() over (partition by call_id order by place) as line_index,
    -- Place of the turn in the conversation, from 1; NULL for what is not counted as a turn.
    turn_index,
    -- bot, human, or unknown where the transcript does not say.
    speaker,
    -- What was said until another spoke, without speaker and time.
    text,
    -- Its start after the start of the call, or after the first chunk; NULL where nothing tells.
    offset_seconds,
    -- Its start as a point in time, where one is stated.
    said_at,
    -- Whether the bot was interrupted: its text ends in '-'.
    is_cut_off,
    -- Whether it is a sound of the human while the bot spoke, such as [mhm]: no turn.
    is_backchannel,
    -- Whether transcripts of the call contradict each other here, so that it may be said elsewhere
    -- in other words.
    is_doubtful,
    -- Whether it comes from a transcript of several utterances, and not from chunks.
    is_whole,
    -- The delivery that it comes from: of several, the first.
    event_id,
from joined
