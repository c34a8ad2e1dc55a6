"""Loads the staging buffer into the warehouse: read, normalize in SQL, load by dlt, publish."""
