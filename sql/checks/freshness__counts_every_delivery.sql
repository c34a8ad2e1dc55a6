-- The types add up to the deliveries.
select
    (select sum(delivery_count) from analytics.freshness) as counted_by_type,
    (select count(*) from fluents.events) as counted,
where counted_by_type is distinct from nullif(counted, 0)
