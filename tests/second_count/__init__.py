"""Every figure of the overview, counted a second time from `fluents.events` alone.

This is plain Python after docs/figures.md and docs/conversations.md, and shares no SQL with the
models: `events` reads the rows, `texts` what a delivered transcript says, `conversations` the
turns of a call, `calls` what became of it, `figures` counts calls.
"""
