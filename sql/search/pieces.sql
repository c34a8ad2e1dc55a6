-- Pieces of a search as texts are compared with them.
select list_transform($pieces::varchar[], lambda piece: lower(strip_accents(piece)))
