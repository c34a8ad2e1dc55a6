"""What the dashboard is made of: `snapshot` asks, `tables` and `charts` show."""
