"""The dashboard: pages about the calls, of the published warehouse, rendered by the server."""
