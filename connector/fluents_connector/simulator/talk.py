"""How turns follow each other: a conversation while it is composed.

It promises that each turn begins at a later time than the one before, and that whatever an
agent starts is in the turns, finished or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from fluents_connector.simulator import proportions
from fluents_connector.simulator.words import Business, Exchange

Facts = dict[str, str]


class Action(NamedTuple):
    """Something that the agent did; `result` is None where it failed with `error`."""

    id: str
    type: str
    label: str
    parameters: dict[str, str]
    result: dict[str, str | bool | int | None] | None
    error: str | None


class Turn(NamedTuple):
    """One entry of a conversation, `at` seconds after the call connected.

    `sender` is bot, human, conference, vector_db, or action_start and action_finish, which
    alone have an `action`. A text that is cut off lacks its end.
    """

    sender: str
    text: str
    at: float
    is_cut_off: bool = False
    action: Action | None = None


@dataclass(slots=True)
class Conversation:
    """All that was said, how long it took in seconds, and who ended it.

    `ending` is one of the words that Fluents' call object uses for `stage_outcome`.
    """

    business: Business
    facts: Facts
    turns: list[Turn]
    seconds: float
    ending: str


class Talk:
    """A conversation while it is composed."""

    def __init__(self, rng: Random, business: Business, facts: Facts) -> None:
        self.rng = rng
        self.business = business
        self.facts = facts
        self.turns: list[Turn] = []
        self._last_aside: Exchange | None = None
        self.clock = rng.uniform(*proportions.PAUSE)

    def say(self, sender: str, line: str) -> None:
        """Add a line with the facts in it; the agent is at times interrupted."""
        text = line.format_map(self.facts)
        text = text[0].upper() + text[1:]
        dice = self.rng.random()
        is_cut_off = sender == "bot" and dice < proportions.CUT_OFF and len(text) > 24
        if is_cut_off:
            text = text[: self.rng.randrange(8, len(text) - 8)].rstrip(" -")
        self.turns.append(Turn(sender, text, round(self.clock, 2), is_cut_off))
        # About fifteen characters a second, then a breath.
        self.clock += len(text) / 15 + 0.3 + 1.9 * dice

    def open(self, *, is_outgoing: bool) -> None:
        """The agent greets, the human says who they are or what they want."""
        business, choice = self.business, self.rng.choice
        self.say("bot", choice(business.outbound if is_outgoing else business.inbound))
        self.reply("human", choice(business.identity if is_outgoing else business.reasons))

    def reply(self, sender: str, line: str) -> None:
        """Say `line` with the small words that come before it in real speech."""
        rng, language = self.rng, self.business.language
        dice = rng.random()
        if sender == "human":
            if dice < proportions.HESITATES:
                line = rng.choice(language.hesitations) + line
        elif dice < proportions.ACKNOWLEDGES:
            acknowledgement = rng.choice(language.acknowledgements)
            if dice < proportions.ACKNOWLEDGES * proportions.SPLIT_UTTERANCE:
                self.say("bot", acknowledgement)
            else:
                line = f"{acknowledgement} {line}"
        self.say(sender, line)

    def go_through_steps(self) -> None:
        """The agent asks all its questions, and the human asks back now and then."""
        rng, business = self.rng, self.business
        steps = [step for step in business.steps if rng.random() >= proportions.SKIPS_STEP]
        acts_after = rng.randrange(1 + len(steps)) if rng.random() < proportions.ACTION else -1
        for position, step in enumerate(steps):
            self.reply("bot", rng.choice(step.first))
            self.reply("human", rng.choice(step.reply))
            if position == acts_after:
                self.act_for_business()
            while rng.random() < proportions.ASIDE:
                self.answer_aside()

    def answer_aside(self) -> None:
        """The human asks something, and the agent answers."""
        rng, business = self.rng, self.business
        aside = rng.choice(rng.choice((business.asides, business.language.asides)))
        # Nobody asks the same thing twice in a row.
        while aside is self._last_aside:
            aside = rng.choice(business.asides + business.language.asides)
        self._last_aside = aside
        self.reply("human", rng.choice(aside.first))
        if rng.random() < proportions.KNOWLEDGE_LOOKUP:
            found = aside.reply[0].format_map(self.facts)
            self._note("vector_db", f"Found 3 documents: {found}", seconds=0.4)
        self.reply("bot", rng.choice(aside.reply))

    def digress(self, *, turns: int) -> None:
        """Go on for at least `turns` turns in all: people change their mind and ask again."""
        while len(self.turns) < turns:
            if self.rng.random() < proportions.HOLDS:
                self.clock += self.rng.uniform(*proportions.HOLD)
            self.facts = {**self.facts, **passing_facts(self.rng, self.business)}
            self.answer_aside()
            self.answer_aside()
            step = self.rng.choice(self.business.steps)
            self.reply("bot", self.rng.choice(step.first))
            self.reply("human", self.rng.choice(step.reply))

    def close(self) -> None:
        """Both say goodbye, perhaps after the agent read back what it noted."""
        rng, business = self.rng, self.business
        if rng.random() < proportions.READS_BACK:
            self.say("bot", business.read_back)
            self.reply("human", rng.choice(business.language.confirmations))
        self.say("bot", rng.choice(business.closing.first))
        self.say("human", rng.choice(business.closing.reply))

    def hang_up(self, *, after: int) -> None:
        """The human leaves after that many turns, and what came later was never said."""
        del self.turns[after:]
        self.clock = self.turns[-1].at + 1.5

    def act_for_business(self) -> None:
        """The agent calls one of its external actions, which may fail."""
        task = self.rng.choice(self.business.tasks)
        parameters = {key: text.format_map(self.facts) for key, text in task.parameters.items()}
        result = {
            key: value.format_map(self.facts) if isinstance(value, str) else value
            for key, value in task.result.items()
        }
        fails = self.rng.random() < proportions.ACTION_FAILS
        self.act("action_external", task.label, parameters, None if fails else result)

    def act(
        self,
        type_: str,
        label: str,
        parameters: dict[str, str],
        result: dict[str, str | bool | int | None] | None,
        *,
        seconds: float = 0.9,
    ) -> None:
        """The agent does something that takes up to twice `seconds`."""
        error = None if result is not None else "The endpoint did not answer within 10 s"
        action = Action(f"{self.rng.getrandbits(64):016x}", type_, label, parameters, result, error)
        took = seconds * (1 + self.rng.random())
        self._note("action_start", f"Attempting {label}", seconds=took, action=action)
        outcome = "completed" if error is None else f"failed: {error}"
        self._note("action_finish", f"{label} {outcome}", seconds=0.2, action=action)

    def transfer(self, *, answered: bool) -> str:
        """Hand over to a person, and return how that ended, as in `Conversation`."""
        rng, language = self.rng, self.business.language
        start, digits = language.phone
        number = f"{start}{rng.randrange(10**digits):0{digits}}"
        self.say("bot", rng.choice(language.transfer))
        self.act(
            "action_transfer_call",
            "transfer_call",
            {"phone_number": number},
            {"success": answered},
            seconds=6.0,
        )
        if answered:
            talked = 40 + 200 * rng.random()
            joined = f"Transfer number ({number}) joined the conference"
            self._note("conference", joined, seconds=talked)
            left = f"Transfer number ({number}) left the conference"
            self._note("conference", left, seconds=0.5)
            return "transfer_disconnected"
        busy = f"Transfer number ({number}) did not join the conference because they are busy"
        self._note("conference", busy, seconds=1.0)
        self.say("bot", rng.choice(language.nobody_free))
        self.say("human", rng.choice(self.business.closing.reply))
        return "transfer_unanswered"

    def ended(self, ending: str) -> Conversation:
        """The finished conversation; `ending` as in `Conversation`."""
        return Conversation(self.business, self.facts, self.turns, self.clock, ending)

    def _note(
        self, sender: str, text: str, *, seconds: float, action: Action | None = None
    ) -> None:
        self.turns.append(Turn(sender, text, round(self.clock, 2), action=action))
        self.clock += seconds


def passing_facts(rng: Random, business: Business) -> Facts:
    """The facts that change while people talk: another day, another item."""
    language = business.language
    return {
        "day": rng.choice(language.days),
        "time": rng.choice(language.times),
        "item": rng.choice(business.items),
        "amount": language.money.format(rng.randint(*business.amounts), rng.randrange(100)),
        "people": str(rng.randrange(2, 9)),
        "minutes": str(rng.randrange(2, 16)),
    }
