"""The embedded staging buffer: one SQLite file, shared by receivers and the loader."""
