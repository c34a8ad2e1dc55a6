-- No numerator of a share is above its denominator or below 0.
select *
from analytics.headline_daily
where unit = 'share' and not numerator between 0 and denominator
