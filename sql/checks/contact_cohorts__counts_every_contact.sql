-- The weeks of first calls add up to the contacts, and nobody is in touch again who is none of them.
select 'contacts are missing' as problem
where (
        select coalesce(sum(contact_count), 0)
        from analytics.contact_cohorts
        where weeks_later = 0
    ) <> (select count(*) from analytics.contact_history)
union all by name
select 'there are too many' as problem
from analytics.contact_cohorts
where again_count > contact_count
    or again_count not between greatest(calling_count, called_count) and calling_count + called_count
