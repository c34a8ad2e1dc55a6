"""Calls of which unusual things are reported, in drawn combinations, as no simulated call has."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.deliveries import body

OWN, OTHER = "+15550100", "+15550199"
SAID = "BOT: Hello, this is Ada.\nHUMAN: {}\nBOT: May I help you?\nHUMAN: Yes, with a parcel."
MORE = "\nBOT: Which one?\nHUMAN: The blue box.\nBOT: It comes today.\nHUMAN: Lovely, goodbye."
LIST = [{"role": "assistant", "content": "Who is it?"}, {"role": "user", "content": "Me again."}]
WHOLE = (
    "[00:00.31] BOT: Good morning, this is Bia.",
    "[00:05.29] HUMAN: Wrong number.",
    "[00:09.72] BOT: I see. There is a fee of 63 euros, which I can take off once for you.",
    "[00:15.85] BOT: To confirm: 63 euros less, and the first payment is tomorrow. Is that all?",
    "[00:21.43] HUMAN: It is.",
    "[00:22.79] BOT: Have a nice day!",
    "[00:25.98] HUMAN: Bye.",
)
IN_PIECES = (WHOLE, WHOLE[:3], WHOLE[3:])
"""A transcript, and two pieces of it that part a turn of the bot; three turns are the human's."""
REPORTS: dict[str, tuple[Any, ...]] = {
    "event_phone_call_connected": (
        None,
        {"from_phone_number": OWN, "to_phone_number": OTHER},
        {"from_number": OTHER, "to_number": OWN},
    ),
    "event_phone_call_did_not_connect": (
        *({}, None, "user-busy", {"telephony_status": "No Answer"}, {"reason": "CANCELLED"}),
        *({"telephony_status": "Line under repair"}, {"status": "declined"}),
    ),
    "event_phone_call_ended": (
        *(None, {}, {"conversation_minutes": 0}, {"conversation_minutes": 1.25}, "2.5"),
        *({"conversation_minutes": "0.75"}, {"duration_minutes": 2}, {"minutes": -1}),
    ),
    "event_human_detection": (
        *({"result": "human"}, {"result": "no_human"}, {"result": "Human"}, "no_human"),
        *({"detection_result": "human"}, {"result": None}, [{"result": "human"}]),
    ),
    "event_transcript": (
        *(None, {}, {"transcript": ""}, {"transcript": "HUMAN: Please leave a message."}),
        *({"transcript": SAID.format("Hi.")}, {"transcript": SAID.format("Hi.") + MORE}),
        *({"transcript": LIST}, {"transcript": "Hello? Is anybody there?"}, SAID.format("Yes?")),
        *({"text": "Who is calling?", "sender": "human", "timestamp": 1767225600.5}, LIST),
        {"transcript": "ACTION_WORKER: nothing\nCONFERENCE_EVENT: somebody joined"},
    ),
    "event_error": (None, {}, "Timeout", {"errors": ["one", "two"]}),
    "event_action": (
        *({"action_type": "action_transfer_call"}, {"type": "TRANSFER"}, {"name": "to_transfer"}),
        *({"action_type": "action_dtmf", "name": "transfer"}, {}, None, "transfer"),
        {"action_input": {"action_config": {"type": "action_transfer_call"}}},
    ),
    "event_post_call_processing_completed": (
        *(None, {}, {"result": ""}, {"result": "  "}, {"summary": "Sold."}, "Sold.", ["Sold"]),
        {"post_call_results": {"sold": True}},
    ),
    "event_something_new": ({"a": 1},),
}
ENVELOPES: tuple[dict[str, Any], ...] = (
    {},
    {"is_outgoing": None, "from_number": OWN, "to_number": OTHER},
    {"is_outgoing": True, "from_number": OWN, "to_number": OTHER},
    {"is_outgoing": False, "from_number": OTHER, "to_number": OWN},
    {"is_outgoing": True},
    {"is_outgoing": True, "from_number": "", "to_number": ""},
)


def odd_calls(random: Random, count: int) -> Iterator[list[bytes]]:
    """The bodies of each of `count` calls, and of one whose transcript comes in pieces too.

    Each type is there at most twice, and a transcript once.
    """
    if count:
        yield [
            body("event_transcript", {"transcript": "\n".join(lines)}, call_id="pieces")
            for lines in IN_PIECES
        ]
    for number in range(count):
        envelope = random.choice(ENVELOPES)
        types = random.sample(sorted(REPORTS), random.randrange(1, 7))
        types += [type_ for type_ in types if type_ != "event_transcript" and random.random() < 0.3]
        random.shuffle(types)
        yield [
            body(type_, random.choice(REPORTS[type_]), call_id=f"odd-{number}", **envelope)
            for type_ in types
        ]
