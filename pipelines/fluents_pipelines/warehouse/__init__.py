"""The warehouse: where loaded events, tables and models are kept and made visible to readers."""
