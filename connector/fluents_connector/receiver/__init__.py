"""The receiver: takes a delivery over HTTP, authenticates and validates it, and stores it."""
