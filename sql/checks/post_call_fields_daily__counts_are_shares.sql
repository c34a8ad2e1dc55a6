-- No field is filled in more results than there are.
select *
from analytics.post_call_fields_daily
where
    filled_count > result_count
    or true_count > boolean_count
    or top_text_count > text_count
