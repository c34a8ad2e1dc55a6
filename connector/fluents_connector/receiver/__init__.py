"""The receiver: takes a delivery over HTTP, validates and authenticates it, and stores it."""
