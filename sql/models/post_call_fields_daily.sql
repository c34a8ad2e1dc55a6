-- How the fields of post-call results develop, by the UTC day of the result's receipt. Of a call
-- that was analysed more than once, the latest result that is JSON counts.
-- grain: one day and field of the results that are JSON
-- key: received_on, path
-- questions: How often is a field filled in? What is its mean, its share of true, its usual value?
with

-- Rounding an instant to a day of a time zone takes ten times as long.
latest as (
    select make_timestamp(epoch_us(arg_max(received_at, event_id)))::date as received_on
    from fluents.post_call_results
    where result_json is not null
    group by call_id
),

results as (
    select received_on, count(*) as result_count
    from latest
    group by received_on
),

fields as (
    select
        *,
        make_timestamp(epoch_us(received_at))::date as received_on,
        type <> 'null' and text <> '' as is_filled,
        item_path <> path as is_item,
    from analytics.post_call_fields
    where is_latest
),

counted as (
    select
        received_on,
        path,
        count(*) filter (is_filled and not is_item) as plain_count,
        count(number) as number_count,
        avg(number) as mean_number,
        median(number) as median_number,
        count(boolean) as boolean_count,
        count(*) filter (boolean) as true_count,
        count(*) filter (type = 'text') as text_count,
    from fields
    group by all
),

-- The items of a list share a path, and no other values of a result do. A count of its own, because
-- a distinct one beside the others takes ten times as long.
lists as (
    select received_on, path, count(distinct event_id) as list_count
    from fields
    where is_filled and is_item
    group by all
),

texts as (
    select received_on, path, text, count(*) as text_count
    from fields
    where type = 'text' and length(text) <= 60
    group by all
),

-- of equally frequent ones the first by the alphabet, so that it is always the same
top_texts as (
    select
        received_on,
        path,
        max(text_count) as top_text_count,
        min({'count': -text_count, 'text': text}).text as top_text,
    from texts
    group by all
)

select
    -- UTC day on which the results were received.
    received_on,
    -- Where in the JSON the field is, such as $.details.topic; all items of a list are $.tags[*].
    path,
    -- Calls whose latest result that is JSON came on that day: the results counted here.
    result_count,
    -- Results in which the field holds something: neither null nor an empty text.
    plain_count + coalesce(list_count, 0) as filled_count,
    -- filled_count of result_count.
    filled_count / nullif(result_count, 0) as filled_rate,
    -- Values that are numbers: one a result, but for items of lists.
    number_count,
    -- Mean of the numbers.
    mean_number,
    -- Median of the numbers.
    median_number,
    -- Values that are true or false.
    boolean_count,
    -- Values that are true.
    true_count,
    -- true_count of boolean_count.
    true_count / nullif(boolean_count, 0) as true_rate,
    -- Values that are other texts.
    text_count,
    -- The most frequent text of up to 60 characters.
    top_text,
    -- Values that are that text.
    top_text_count,
    -- top_text_count of text_count.
    top_text_count / nullif(text_count, 0) as top_text_rate,
from counted
inner join results using (received_on)
left join lists using (received_on, path)
left join top_texts using (received_on, path)
