"""The command line: stands on the connector and the pipelines, which import nothing of it."""
