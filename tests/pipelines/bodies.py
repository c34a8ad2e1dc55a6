"""A pool of bodies over three calls: every type, odd payloads, and what is no event.

Small on purpose: what is drawn twice from it is a duplicate, or may be real a second time.
"""

from __future__ import annotations

from tests.deliveries import body

CALL_IDS = ("call-1", "call-2", "call-3")
POST_CALL = "event_post_call_processing_completed"


def _of_call(number: int, call_id: str) -> list[bytes]:
    numbers = {"from_number": f"+1555000{number}", "to_number": "+1999", "is_outgoing": number > 0}
    other = {**numbers, "from_number": f"+1777000{number}", "is_outgoing": number == 0}
    connected = {"from_phone_number": f"+1666000{number}", "to_phone_number": "+1888"}
    talk = "BOT: Hello.\nHUMAN:  Hi 🙂, is that\nGrüße?\nBOT: Yes, and-"
    found = '```json\n{"outcome": "sold"}\n```'
    return [
        body("event_phone_call_connected", connected, call_id=call_id),
        body("event_phone_call_connected", {"odd": [connected]}, call_id=call_id, **other),
        body("event_phone_call_did_not_connect", {"telephony_status": "busy"}, call_id=call_id),
        body(
            "event_phone_call_did_not_connect",
            {"telephony_status": "no_answer"},
            call_id=call_id,
            **numbers,
        ),
        body("event_phone_call_ended", {"conversation_minutes": 0}, call_id=call_id, **numbers),
        body("event_human_detection", {"result": "human"}, call_id=call_id, **numbers),
        body("event_human_detection", {"result": "no_human"}, call_id=call_id),
        body("event_recording", {"recording_url": "https://a.test/1.wav"}, call_id=call_id),
        body("event_recording", {"recording_url": "https://a.test/2.wav"}, call_id=call_id),
        body("event_recording", None, call_id=call_id, **other),
        body("event_transcript", {"transcript": talk}, call_id=call_id, **numbers),
        body("event_transcript", {"transcript": "[00:01.50] BOT: One"}, call_id=call_id),
        body(POST_CALL, {"post_call_results": found}, call_id=call_id, **numbers),
        body("event_error", {"message": "went wrong", "code": 7}, call_id=call_id, **other),
        body("event_message", {"text": "yes", "sender": "human"}, call_id=call_id),
        body("event_message", {"text": "no", "timestamp": 1_767_225_600}, call_id=call_id),
        body("event_action", {"action_input": {"n": 1}}, call_id=call_id, **numbers),
        body("event_action", {"id": "a1", "action_output": {}}, call_id=call_id),
    ]


GOOD = [content for number, id_ in enumerate(CALL_IDS) for content in _of_call(number, id_)]
ODD = [
    body("event_of_a_later_version", [1, {"a": None}], call_id="call-1", new_field={"b": 2}),
    body("event_transcript", [], call_id="call-2"),
    body("event_transcript", {"transcript": [{"role": "bot", "text": "x"}]}, call_id="call-2"),
    body(POST_CALL, 7, call_id="call-3"),
    body("event_error", ["a", {"b": "c"}], call_id="call-4"),
    b'{"call_id":"call-4","type":"event_error","payload":{"message":"\\ud83d half"}}',
    b'{"call_id":"call-4","type":"event_error","payload":1,"payload":"two of one name"}',
    b'{"call_id":"call-4","type":"event_message"}',
]
BAD = [b"{broken", b"[]", b"\xff\xfe", b'{"type":"event_error"}', b'{"call_id":"call-1"}', b""]

ANY = [*GOOD, *ODD, *BAD]
