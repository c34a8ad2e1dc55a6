"""What a language and a business are to the simulator: parts from which speech is composed.

It promises only shapes; the words are in the modules beside this one. Every text may name facts of
the call in braces: {name} {agent} {company} {day} {time} {amount} {number} {street} {item}
{people} {minutes}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Lines = tuple[str, ...]


class Exchange(NamedTuple):
    """Two lines that follow each other, each one of several that mean the same."""

    first: Lines
    reply: Lines


class Task(NamedTuple):
    """An external action of an agent: what it sends and what it gets back."""

    label: str
    parameters: dict[str, str]
    result: dict[str, str | bool | int | None]


class Outcome(NamedTuple):
    """How a call went for the business: a word for machines and a sentence for people."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Language:
    """What people of one language have in common on the phone.

    `confirmations` answer an agent that reads back what it noted; `machine` is how an answering
    machine greets; `nobody_free` is what the agent says when a transfer fails.

    `phone` is the start of their E.164 numbers and how many digits follow. The starts are those
    that regulators keep for fiction, where there are any.
    """

    code: str
    phone: tuple[str, int]
    money: str
    names: Lines
    agents: Lines
    days: Lines
    times: Lines
    streets: Lines
    hesitations: Lines
    acknowledgements: Lines
    confirmations: Lines
    asides: tuple[Exchange, ...]
    transfer: Lines
    nobody_free: Lines
    machine: Lines


@dataclass(frozen=True, slots=True)
class Business:
    """One kind of business in one language.

    `inbound` and `outbound` are how the agent opens, and empty where no call goes that way;
    `reasons` is the human's answer to `inbound`, `identity` the answer to `outbound`. `steps`
    are in order, and the agent speaks first; in `asides` the human does. `amounts` is the range of
    {amount} in whole units of money.
    """

    kind: str
    language: Language
    companies: Lines
    amounts: tuple[int, int]
    items: Lines
    inbound: Lines
    reasons: Lines
    outbound: Lines
    identity: Lines
    steps: tuple[Exchange, ...]
    asides: tuple[Exchange, ...]
    read_back: str
    closing: Exchange
    voicemail: Lines
    tasks: tuple[Task, ...]
    outcomes: tuple[Outcome, ...]
