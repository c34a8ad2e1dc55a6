-- Which turn of a sequence is which turn of a better one.
-- needs: steps.pairs
with

-- Turns as they are compared, only of calls that need it.
compared_turns as (
    select
        turns.*,
        count(*) over (partition by turns.call_id, turns.sequence_id, turns.words) = 1 as is_unique,
        left(words, 200) as start,
        length(start) as start_length,
        list_distinct(string_split(left(words, 2000), ' ')) as distinct_words,
    from steps.turns
    semi join steps.pairs on pairs.call_id = turns.call_id
),

-- Anchors: what is said once in either, in the same order in both.
equal as (
    select
        pairs.call_id,
        pairs.sequence_id,
        pairs.better_id,
        one.turn,
        other.turn as better_turn,
    from steps.pairs
    inner join compared_turns as one
        on one.call_id = pairs.call_id and one.sequence_id = pairs.sequence_id and one.is_unique
    inner join compared_turns as other
        on other.call_id = pairs.call_id
        and other.sequence_id = pairs.better_id
        and other.is_unique
        and other.words = one.words
    where (one.speaker = other.speaker or 'unknown' in (one.speaker, other.speaker))
        and coalesce(
            abs(one.clock_seconds - other.clock_seconds) <= 5
            or one.clock_seconds between other.clock_seconds and other.until_seconds
            or other.clock_seconds between one.clock_seconds and one.until_seconds,
            true
        )
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
    from steps.pairs
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
    select
        * exclude (anchor_turn),
        -- the only turn between two neighbours that match is that turn, corrected
        has_anchor and most - least = 2 and most_at - least_at = 2 as is_only_one,
        unnest(
            list_distinct(
                [least + turn - least_at + step for step in [-3, -2, -1, 0, 1, 2, 3]]
                || [most - most_at + turn + step for step in [-3, -2, -1, 0, 1, 2, 3]]
            )
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
        least(len(one.distinct_words), len(better.distinct_words)) as fewest_words,
        least(one.start_length, better.start_length) as shorter,
        greatest(one.start_length, better.start_length, 1) as longer,
        case
            when one.words = better.words then 1
            when
                (better.is_cut_off or strlen(better.start) >= 8)
                and starts_with(one.words, better.words)
            then 0.95
            when
                (one.is_cut_off or strlen(one.start) >= 8)
                and starts_with(better.words, one.words)
            then 0.95
            when strlen(one.start) >= 8 and contains(better.words, one.words) then 0.9
            when strlen(better.start) >= 8 and contains(one.words, better.words) then 0.9
            when
                fewest_words >= 3
                and len(list_intersect(one.distinct_words, better.distinct_words))
                    >= 0.7 * fewest_words
            then 0.8
            else
                greatest(
                    -- of texts so unlike in length it is below what is asked for
                    case
                        when shorter >= 0.5 * longer
                        then 1 - levenshtein(one.start, better.start) / longer
                        else 0
                    end,
                    case when candidates.is_only_one then 0.6 else 0 end
                )
        end as likeness,
    from candidates
    inner join compared_turns as one
        on one.call_id = candidates.call_id
        and one.sequence_id = candidates.sequence_id
        and one.turn = candidates.turn
    inner join compared_turns as better
        on better.call_id = candidates.call_id
        and better.sequence_id = candidates.better_id
        and better.turn = candidates.better_turn
    where candidates.better_turn > candidates.least
        and candidates.better_turn < candidates.most
        and (one.speaker = better.speaker or 'unknown' in (one.speaker, better.speaker))
        and coalesce(
            abs(one.clock_seconds - better.clock_seconds) <= 5
            or one.clock_seconds between better.clock_seconds and better.until_seconds
            or better.clock_seconds between one.clock_seconds and one.until_seconds,
            true
        )
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
)

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
