"""Receives Fluents.ai webhooks and keeps each durably until the warehouse holds it."""

__version__ = "0.1.0"
