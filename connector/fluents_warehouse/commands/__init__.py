"""One module for each command, which imports what it needs only when it runs."""
