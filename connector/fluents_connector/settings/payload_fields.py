"""For each fact, the names of the payload's fields that may hold it, in the order of preference.

They are from public sources: Fluents' documentation, Vocode's API and library, and clients that
others have published. `[fields]` in the settings adds names before them. A dot leads into an
object: `call.reason` is the field `reason` of the field `call`.

`action_success`, `action_error`, `action_failure_message`, `action_http_status` and
`action_status` are looked for within what `action_output` names, and then beside it,
`transfer_target` within what `action_input` names, and then beside it. Of errors, a list under a
name of `error_list` comes before a message beside it.
"""

from __future__ import annotations

MAX_PATH_CHARACTERS = 128

PAYLOAD_FIELDS: dict[str, list[str]] = {
    "action_error": ["response.result.error", "response.error", "error", "error_message", "errors"],
    "action_failure_message": [
        "response.result.info",
        "response.result.message",
        "response.result",
        "response.message",
        "json.result.info",
        "json.message",
        "message",
        "detail",
    ],
    "action_http_status": [
        "http_status_code",
        "response.http_status_code",
        "status_code",
        "status",
    ],
    "action_id": ["action_id", "id"],
    "action_input": ["action_input", "parameters", "input", "arguments"],
    "action_name": [
        "action_name",
        "action_input.action_config.name",
        "action_config.name",
        "action_label",
        "name",
    ],
    "action_output": ["action_output", "result", "output", "response"],
    "action_phase": ["phase", "event_type", "status"],
    "action_status": ["response.status", "status", "event_type", "phase"],
    "action_success": ["response.success", "success", "is_success", "json.success"],
    "action_time": ["timestamp", "occurred_at", "time", "created_at"],
    "action_type": [
        "action_type",
        "action_input.action_config.type",
        "action_output.action_type",
        "action_config.type",
        "type",
        "action",
    ],
    "did_not_connect_reason": ["telephony_status", "reason", "status", "error", "message"],
    "error_code": ["code", "error_code", "status_code", "statusCode", "type"],
    "error_list": ["errors"],
    "error_message": ["message", "error_message", "error", "errors", "detail", "details"],
    "from_number": ["from_phone_number", "from_number"],
    "human_detection": ["result", "human_detection_result", "detection_result", "status"],
    "message_sender": ["sender", "role", "speaker", "from"],
    "message_text": ["text", "message", "content", "body"],
    "message_time": ["timestamp", "sent_at", "time", "created_at"],
    "post_call": [
        "post_call_results",
        "post_call_result",
        "post_call_analysis",
        "post_call",
        "results",
        "result",
        "analysis",
        "summary",
        "output",
        "text",
    ],
    "recording_url": ["recording_url", "url", "recording", "audio_url"],
    "stated_minutes": ["conversation_minutes", "duration_minutes", "minutes"],
    "to_number": ["to_phone_number", "to_number"],
    "transcript": [
        "transcript",
        "transcript_chunk",
        "chunk",
        "text",
        "messages",
        "turns",
        "event_logs",
    ],
    "transfer_target": [
        "params.phone_number",
        "phone_number",
        "action_config.phone_number",
        "transfer_phone_number",
        "to_phone_number",
        "transfer_to",
        "target",
        "destination",
        "to",
    ],
}

SECRET_FIELDS = (
    "access_key",
    "access_token",
    "api_key",
    "auth_token",
    "authorization",
    "bearer_token",
    "client_secret",
    "credentials",
    "id_token",
    "passwd",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "secret_key",
    "signature_secret",  # Vocode has it in action_config
    "telephony_account_connection",  # may hold a telephony provider's token
    "token",
    "webhook_secret",
)
"""Fields whose values are replaced before a body is stored, unless the settings name others."""


def wrong_path(path: str) -> str:
    """What is wrong with the name or dotted path of a payload's field; "" if nothing is.

    DuckDB's JSON functions would refuse what is refused here, or take it for a pattern.
    """
    if not path:
        return "it is empty"
    if len(path) > MAX_PATH_CHARACTERS:
        return f"it is longer than {MAX_PATH_CHARACTERS} characters"
    parts = path.split(".")
    if "" in parts:
        return "a dot stands between two names"
    if {"$", "*"} & set(parts) or set(path) & set("\\[]"):
        return "it is no JSONPath: leave $ * [ ] and backslashes away"
    if not path.isprintable() or any(part != part.strip() for part in parts):
        return "it holds a control character, or a space around a name"
    return ""
