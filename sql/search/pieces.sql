-- Pieces of words in the form that texts have in `analytics.search_texts`, in the same order.
select
    list_transform(
        $pieces::varchar[],
        lambda piece: replace(lower(upper(strip_accents(piece))), 'ß', 'ss')
    )
