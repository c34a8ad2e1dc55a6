"""What comes after what in a call."""

from __future__ import annotations

from typing import Any

from vocode.streaming.models import events
from vocode.streaming.models.events import Sender

from tests.ancestor.draw.actions import ACTIONS, end, transfer
from tests.ancestor.draw.call import Call
from tests.ancestor.draw.words import BOT, CUT_OFF, HUMAN, SOUNDS, STATUSES, WORDS


def bot_speaks(call: Call) -> None:
    """Some lines in a row; sounds of the human between them, and at times it is cut off."""
    for n in range(call.random.choice([1, 1, 1, 2, 3])):
        if n and call.random.random() < 0.3:
            call.backchannel(call.random.choice(SOUNDS))
        call.bot(call.random.choice(BOT))


def human_speaks(call: Call) -> None:
    """What vocode took for backchannels enters the transcript just before it."""
    if call.random.random() < 0.2:
        call.cut_off(*call.random.choice(CUT_OFF))
    elif call.random.random() < 0.04:
        call.cut_off(call.random.choice(BOT), "")
    if call.random.random() < 0.15:
        call.backchannel(call.random.choice([*SOUNDS, *WORDS]))
    for _ in range(call.random.choice([1, 1, 1, 2])):
        call.human(call.random.choice(HUMAN))


def transferred(call: Call) -> None:
    """A transfer, and who joins and leaves."""
    drawn = transfer(call)
    call.action(drawn)
    kind = call.random.choice(["participant_joined", "participant_unanswered", "voicemail"])
    call.conference_event(kind, "transfer", "+15550199")
    if kind == "participant_joined":
        if call.random.random() < 0.5:
            call.human("Hello, this is the front desk.")
        call.conference_event("participant_left", "primary", call.other)


def conversation(call: Call) -> None:
    """Exchanges with all that can come between them."""
    bot_speaks(call)
    for _ in range(call.random.choice([0, 1, 2, 3, 4, 4, 5, 6, 8])):
        human_speaks(call)
        if call.random.random() < 0.03:
            call.cut_off(call.random.choice(BOT), "")
            call.human(call.random.choice(HUMAN))
        if call.random.random() < 0.1:
            call.other_line(Sender.VECTOR_DB, "Found 2 similar documents:\nopening hours\nprices")
        if call.random.random() < 0.4:
            call.action(call.random.choice(ACTIONS)(call))
        if call.random.random() < 0.05:
            call.now += 1500  # on hold, so that minutes pass 60
        bot_speaks(call)
    if call.random.random() < 0.3:
        transferred(call)
    elif call.random.random() < 0.5:
        call.action(end(call))


def draw(seed: int) -> dict[str, Any]:
    """One call."""
    call = Call(seed)
    if call.random.random() < 0.12:
        status = call.random.choice(list(STATUSES))
        call.facts = {"did_not_connect_reason": STATUSES[status], "telephony_status": status}
        call.send(
            events.PhoneCallDidNotConnectEvent(conversation_id=call.id, telephony_status=status)
        )
        return call.made()
    call.send(
        events.PhoneCallConnectedEvent(
            conversation_id=call.id,
            to_phone_number=call.other if call.is_outgoing else call.own,
            from_phone_number=call.own if call.is_outgoing else call.other,
        )
    )
    if call.random.random() < 0.1:
        detected = "no_human"
        bot_speaks(call)
    else:
        detected = call.random.choice(["human", None])
        conversation(call)
    if detected:  # the library has no event for it: the payload is that of its hosted API
        call.facts["human_detection"] = detected
        call.timeline.insert(1, {"type": "event_human_detection", "payload": {"result": detected}})
    minutes = call.random.choice([0.0, round(call.seconds() / 60, 2), None])
    if minutes is not None:
        call.facts["stated_minutes"] = minutes
        call.send(events.PhoneCallEndedEvent(conversation_id=call.id, conversation_minutes=minutes))
    if call.random.random() < 0.4:
        url = f"https://recordings.test/{call.name}.wav"
        call.facts["recording_url"] = url
        call.send(events.RecordingEvent(conversation_id=call.id, recording_url=url))
    return call.made()
