-- The days add up to the transfers, and each has succeeded, failed or is unknown.
select
    (select sum(succeeded_count + failed_count + unknown_count) from analytics.transfers_daily)
        as counted_by_day,
    (select count(*) from analytics.transfers) as counted,
where counted_by_day is distinct from nullif(counted, 0)
