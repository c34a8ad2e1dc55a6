"""A staging buffer in a Postgres database, shared by receivers on several machines."""
