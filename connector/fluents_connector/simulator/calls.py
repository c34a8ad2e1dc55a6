"""How a call unfolds: which events it sends, and when each of them reaches us.

It promises at least one event a call, and that no two events of it have the same body, save
messages and actions that carry no time of their own: those may say the same thing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from fluents_connector.simulator import payloads, proportions, results, transcripts
from fluents_connector.simulator.envelope import Envelope
from fluents_connector.simulator.payloads import pick
from fluents_connector.simulator.proportions import Span
from fluents_connector.simulator.speech import choose_business, converse, leave_message, new_facts
from fluents_connector.simulator.talk import Conversation, Facts, Turn
from fluents_connector.simulator.transcripts import Style
from fluents_connector.simulator.words import Business

_WITHOUT_IDENTITY = frozenset({"event_message", "event_action"})


class Sent(NamedTuple):
    """One event on its way: when it arrives, in seconds since 1970, and what arrives."""

    arrives_at: float
    type: str
    body: bytes
    may_be_repeated: bool


class _Happened(NamedTuple):
    at: float
    type: str
    payload: object


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that one call keeps to: of `MESSAGE_MIX`, of `ACTION_MIX`, and its transcripts."""

    message: str
    action: str
    style: Style


def _chosen_shapes(rng: Random) -> Shapes:
    style = Style(
        pick(rng, proportions.TRANSCRIPT_MIX),
        pick(rng, proportions.ACTION_LINES_MIX),
        "  " if rng.random() < proportions.TWO_SPACES else " ",
    )
    return Shapes(pick(rng, proportions.MESSAGE_MIX), pick(rng, proportions.ACTION_MIX), style)


def _analysed_anyhow(rng: Random, said: Conversation) -> payloads.Payload:
    key = pick(rng, proportions.RESULT_KEY_MIX)
    return {key: results.analyse(rng, said, pick(rng, proportions.RESULT_MIX))}


@dataclass(frozen=True, slots=True)
class Call:
    """What is settled of a call before it begins; the rest is chance, by `proportions`.

    `numbers` are the own one and that of the other side, where they are settled; a caller of None
    withholds it. `shapes` are drawn where they are None. The shares are those of `proportions` by
    their names. `analysis` gives the payload of the analysis of what was said.
    """

    business: Business
    is_outgoing: bool
    numbers: tuple[str, str | None] | None = None
    shapes: Shapes | None = None
    unanswered: float = proportions.UNANSWERED
    voicemail: float = proportions.VOICEMAIL
    broken: float = proportions.BROKEN
    error: float = proportions.ERROR
    reports_messages: float = proportions.REPORTS_MESSAGES
    analysis: Callable[[Random, Conversation], payloads.Payload] = _analysed_anyhow


def unfold(rng: Random, started_at: float, call: Call | None = None) -> tuple[str, list[Sent]]:
    """The id of a new call and its events, in the order in which they arrive.

    A call of which nothing is settled is of one of the account's businesses.
    """
    if call is None:
        business = choose_business(rng)
        is_outgoing = not business.inbound or (
            bool(business.outbound) and rng.random() < proportions.OUTBOUND
        )
        call = Call(business, is_outgoing)
    facts = new_facts(rng, call.business)
    envelope = Envelope(
        rng,
        call.business,
        company=facts["company"],
        is_outgoing=call.is_outgoing,
        numbers=call.numbers,
    )
    answered_at = started_at + rng.uniform(*proportions.RINGING)
    return envelope.call_id, _send(rng, envelope, _fate(rng, answered_at, envelope, call, facts))


def _fate(
    rng: Random, at: float, envelope: Envelope, call: Call, facts: Facts
) -> Iterator[_Happened]:
    fate = rng.random()
    if call.is_outgoing and fate < call.unanswered:
        return _unanswered(rng, at, call.error)
    if call.is_outgoing and fate < call.unanswered + call.voicemail:
        speaks = rng.random() < proportions.VOICEMAIL_GETS_A_MESSAGE
        said = leave_message(rng, call.business, facts=facts, speaks=speaks)
        return _conversation(rng, at, envelope, call, said, is_human=False)
    if fate > 1 - call.broken:
        return iter([_Happened(at, "event_error", payloads.error(rng))])
    said = converse(rng, call.business, is_outgoing=call.is_outgoing, facts=facts)
    is_human = True if rng.random() < proportions.HUMAN_DETECTED and call.is_outgoing else None
    return _conversation(rng, at, envelope, call, said, is_human=is_human)


def _send(rng: Random, envelope: Envelope, happened: Iterator[_Happened]) -> list[Sent]:
    sent: list[Sent] = []
    bodies: set[bytes] = set()
    for at, type_, usual in happened:
        payload = payloads.made_odd(rng, usual)
        body = envelope.body(type_, payload)
        is_unique = type_ not in _WITHOUT_IDENTITY or payloads.is_identified(payload)
        if is_unique:
            if body in bodies:
                continue
            bodies.add(body)
        arrives_at = at + _within(rng, proportions.LATENCY)
        if rng.random() < proportions.STRAGGLES:
            arrives_at += _within(rng, proportions.STRAGGLING)
        sent.append(Sent(arrives_at, type_, body, is_unique))
    sent.sort(key=_by_arrival)
    return sent


def _by_arrival(event: Sent) -> float:
    return event.arrives_at


def _within(rng: Random, span: Span) -> float:
    least, most = span
    return least + (most - least) * rng.random()


def _unanswered(rng: Random, at: float, error: float) -> Iterator[_Happened]:
    yield _Happened(at, "event_phone_call_did_not_connect", payloads.not_connected(rng))
    if rng.random() < error:
        yield _Happened(at + 0.5, "event_error", payloads.error(rng))


def _conversation(
    rng: Random,
    at: float,
    envelope: Envelope,
    call: Call,
    said: Conversation,
    *,
    is_human: bool | None,
) -> Iterator[_Happened]:
    shapes = call.shapes or _chosen_shapes(rng)
    # Never both, so that every call leaves a trace.
    lost = rng.random()
    start_comes = lost >= proportions.START_NEVER_COMES
    end_comes = lost < 1 - proportions.END_NEVER_COMES
    if start_comes:
        numbers = envelope.from_number, envelope.to_number
        yield _Happened(at, "event_phone_call_connected", payloads.connected(rng, *numbers))
    if is_human is not None:
        detected = payloads.detected(is_human=is_human)
        yield _Happened(at + 1.5, "event_human_detection", detected)
    reports_messages = rng.random() < call.reports_messages
    yield from _while_talking(at, said, shapes, reports_messages=reports_messages)
    ended_at = at + said.seconds
    if rng.random() < call.error:
        fails_at = at + said.seconds * rng.random()
        yield _Happened(fails_at, "event_error", payloads.error(rng))
    if rng.random() < proportions.UNKNOWN_TYPE:
        yield _Happened(at + 0.2, *payloads.unknown(rng))
    if end_comes:
        payload = payloads.ended(rng, said.seconds, said.ending)
        yield _Happened(ended_at, "event_phone_call_ended", payload)
    yield from _transcripts(rng, ended_at, at, envelope.call_id, said, shapes)
    if rng.random() < proportions.ANALYSED:
        yield _analysis(rng, ended_at, call, said)
        if rng.random() < proportions.ANALYSED_TWICE:
            yield _analysis(rng, ended_at, call, said)


def _while_talking(
    at: float, said: Conversation, shapes: Shapes, *, reports_messages: bool
) -> Iterator[_Happened]:
    for turn in said.turns:
        happened_at = at + turn.at
        if turn.action is not None:
            payload = payloads.action(turn, turn.action, happened_at, shapes.action)
            yield _Happened(happened_at, "event_action", payload)
        if reports_messages:
            payload = payloads.message(turn, happened_at, shapes.message)
            yield _Happened(happened_at, "event_message", payload)


def _transcripts(
    rng: Random, ended_at: float, at: float, call_id: str, said: Conversation, shapes: Shapes
) -> Iterator[_Happened]:
    """The transcript and the recording."""
    if rng.random() < proportions.KEEPS_NOTHING:
        return
    in_chunks = rng.random() < proportions.CHUNKED_TRANSCRIPT
    if in_chunks:
        yield from _chunks(rng, at, said.turns, shapes.style)
    if not in_chunks or rng.random() < proportions.WHOLE_AFTER_CHUNKS:
        whole = {"transcript": transcripts.render(said.turns, shapes.style)}
        told_at = ended_at + _within(rng, proportions.TRANSCRIPT_AFTER)
        yield _Happened(told_at, "event_transcript", whole)
    if rng.random() < proportions.RECORDED:
        recorded_at = ended_at + _within(rng, proportions.RECORDING_AFTER)
        payload = payloads.recording(rng, call_id)
        yield _Happened(recorded_at, "event_recording", payload)


def _chunks(rng: Random, at: float, turns: list[Turn], style: Style) -> Iterator[_Happened]:
    position = 0
    while position < len(turns):
        part = turns[position : position + rng.randint(*proportions.CHUNK_LINES)]
        position += len(part)
        chunk = {"transcript": transcripts.render(part, style)}
        yield _Happened(at + part[-1].at + 1.0, "event_transcript", chunk)


def _analysis(rng: Random, ended_at: float, call: Call, said: Conversation) -> _Happened:
    at = ended_at + _within(rng, proportions.ANALYSIS_AFTER)
    return _Happened(at, "event_post_call_processing_completed", call.analysis(rng, said))
