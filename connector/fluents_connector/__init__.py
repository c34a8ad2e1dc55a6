"""Receives Fluents.ai webhooks and keeps them durably until they are in the warehouse."""

__version__ = "0.1.0"
