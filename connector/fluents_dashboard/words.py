"""What the warehouse's identifiers are called on a page."""

from __future__ import annotations

OUTCOMES = {
    "human": "With a human",
    "no_human": "Voicemail",
    "connected": "Connected, by whom is unknown",
    "did_not_connect": "Did not connect",
    "unknown": "Not known",
}
"""In the order in which charts stack them; style.css and the notebook give each its colour."""

TRANSFERS = {"succeeded": "Succeeded", "failed": "Failed", "unknown": "Not known"}
DELIVERIES = {"event": "Events", "duplicate": "Repeated", "quarantined": "Refused"}

_OTHERS = {
    "outbound": "Outbound",
    "inbound": "Inbound",
    "unknown": "Not known",
    "no_answer": "Nobody answered",
    "busy": "Busy",
    "failed": "Failed",
    "canceled": "Canceled",
    "rejected": "Rejected",
    "in_progress": "In progress",
    "ended": "Ended",
    "error": "Ended with an error",
    "joined": "Somebody joined",
    "did_not_join": "Nobody joined",
    "stated": "as the sender states",
    "receipt": "between the reports of its start and end",
    "attempted": "Attempted",
    "engaged": "Engaged: more than three human turns",
    "post_call_done": "Analysed after the call",
    "start": "started",
    "finish": "finished",
    "event_message": "Message",
    "event_action": "Action",
    "event_transcript": "Transcript",
    "event_transcript_complete": "Whole transcript",
    "event_error": "Error",
    "event_recording": "Recording",
    "event_human_detection": "Human detection",
    "event_phone_call_did_not_connect": "Call did not connect",
    "event_phone_call_connected": "Call connected",
    "event_phone_call_ended": "Call ended",
    "event_post_call_processing_completed": "Post-call result",
    "action_transfer_call": "Transfer",
    "action_end_conversation": "End of the conversation",
    "action_dtmf": "Keys pressed",
    "action_external": "External action",
}
_STAGES = {"human": "With a human", "connected": "Connected"}


def said(identifier: str | None) -> str:
    """An identifier as words: those above, or its own with spaces; nothing for None."""
    if identifier is None:
        return ""
    known = OUTCOMES.get(identifier) or _OTHERS.get(identifier)
    return known or readable(identifier)


def outcome(identifier: str) -> str:
    """What became of a call."""
    return OUTCOMES.get(identifier) or readable(identifier)


def speaker(identifier: str | None) -> str:
    """Who speaks in a transcript or a message."""
    return {"bot": "Agent", "human": "Human"}.get(identifier or "", readable(identifier or ""))


def stage(identifier: str) -> str:
    """A stage of the funnel, of which `connected` means all that connected."""
    return _STAGES.get(identifier) or said(identifier)


def field(path: str) -> str:
    """A field of a post-call result, as its JSON names it."""
    return path[2:] if path.startswith("$.") else path


def readable(identifier: str) -> str:
    """`snake_case` as a sentence begins; what is no identifier stays as it is."""
    if not identifier or not identifier.isascii() or not identifier.replace("_", "a").isalnum():
        return identifier
    if identifier != identifier.lower() or not identifier[0].isalpha():
        return identifier
    words = identifier.removeprefix("event_").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
