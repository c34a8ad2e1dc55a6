-- The texts of a field of a day add up to those that post_call_fields_daily counts; in a list one
-- may stand twice, and counts once here.
select received_on, agent, path, fields.text_count, sum(value_count) as value_count
from analytics.post_call_fields_daily as fields
left join analytics.post_call_values_daily as texts using (received_on, agent, path)
group by all
having coalesce(sum(value_count), 0) > fields.text_count
    or (path not like '%[*]%' and coalesce(sum(value_count), 0) < fields.text_count)
