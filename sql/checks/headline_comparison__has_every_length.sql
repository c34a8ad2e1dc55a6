-- Each figure that there is in a length of time is there in every longer one.
select shorter.day_count, shorter.figure
from analytics.headline_comparison as shorter
cross join (values (7), (28)) as longer (day_count)
where longer.day_count > shorter.day_count
    and (longer.day_count, shorter.figure) not in (
        select (day_count, figure) from analytics.headline_comparison
    )
