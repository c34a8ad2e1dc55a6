"""What reads the published warehouse: queries, exports, the SQL server, the notebooks."""
