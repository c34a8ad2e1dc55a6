"""What is said on a call, from the words of a business.

It promises that a conversation reads in order: the agent opens, asks its questions, answers
what the human asks, and closes, hands over or is hung up on.
"""

from __future__ import annotations

from random import Random

from fluents_connector.simulator import proportions
from fluents_connector.simulator.talk import Conversation, Facts, Talk, passing_facts
from fluents_connector.simulator.words import BUSINESSES, Business


def choose_business(rng: Random) -> Business:
    """One of the account's businesses, in their proportions."""
    names, weights = proportions.BUSINESS_MIX
    return BUSINESSES[rng.choices(names, cum_weights=weights)[0]]


def converse(rng: Random, business: Business, *, is_outgoing: bool, facts: Facts) -> Conversation:
    """A whole conversation, from a word or two to hundreds of turns."""
    kinds, weights = proportions.LENGTH_MIX
    length = rng.choices(kinds, cum_weights=weights)[0]
    talk = Talk(rng, business, facts)
    talk.open(is_outgoing=is_outgoing)
    if length == "very short":
        talk.go_through_steps()
        talk.hang_up(after=rng.randint(*proportions.VERY_SHORT_TURNS))
        return talk.ended("human_disconnected")
    talk.go_through_steps()
    if length in ("long", "marathon"):
        least_and_most = proportions.LONG_TURNS if length == "long" else proportions.MARATHON_TURNS
        talk.digress(turns=rng.randint(*least_and_most))
    return talk.ended(_end(rng, talk))


def leave_message(rng: Random, business: Business, *, facts: Facts, speaks: bool) -> Conversation:
    """What an answering machine and the agent say to each other."""
    talk = Talk(rng, business, facts)
    talk.say("human", rng.choice(business.language.machine))
    if speaks:
        talk.say("bot", rng.choice(business.voicemail))
    return talk.ended("human_unanswered")


def new_facts(rng: Random, business: Business) -> Facts:
    """What a conversation is about: who, when, where, how much."""
    language = business.language
    return {
        "name": rng.choice(language.names),
        "agent": rng.choice(language.agents),
        "company": rng.choice(business.companies),
        "street": rng.choice(language.streets),
        "number": str(rng.randrange(100_000, 99_999_999)),
        **passing_facts(rng, business),
    }


def _end(rng: Random, talk: Talk) -> str:
    dice = rng.random()
    if dice < proportions.HANGS_UP:
        talk.hang_up(after=rng.randint(2, len(talk.turns)))
        return "human_disconnected"
    if dice < proportions.HANGS_UP + proportions.TRANSFERRED:
        return talk.transfer(answered=rng.random() >= proportions.TRANSFER_UNANSWERED)
    talk.close()
    if rng.random() < proportions.AGENT_ENDS_CALL:
        talk.act("action_end_conversation", "end_conversation", {}, {"success": True})
        return "bot_disconnected"
    return "human_disconnected"
