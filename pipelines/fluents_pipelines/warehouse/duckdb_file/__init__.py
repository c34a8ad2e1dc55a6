"""The embedded warehouse: a DuckDB file of the loader's, and snapshots of it for readers."""
