"""Measures how fast the connector is, against the engines under it. See `__main__`."""
