"""How often each thing happens on the simulated account: every share and rate, in one place.

It promises that nothing else in the simulator decides how often. A share is a probability from
0 to 1; a span is (least, most) in seconds, or in turns where its name says so. A `..._MIX` is
the pair (choices, cumulative weights) that `random.choices` takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TypeVar

_Choice = TypeVar("_Choice")
Mix = tuple[tuple[_Choice, ...], tuple[float, ...]]
Span = tuple[float, float]


def mix(weights: Mapping[_Choice, float]) -> Mix[_Choice]:
    """The choices with their cumulative weights; the weights need not sum to 1."""
    return tuple(weights), tuple(accumulate(weights.values()))


# Memory is bounded by this: so many calls are under way at once, each held from its start
# until its last event went out.
CALLS_UNDER_WAY = 48

# Who calls about what. Seven calls in ten are in English.
BUSINESS_MIX = mix(
    {
        "appointment": 19,
        "debt": 15,
        "delivery": 14,
        "restaurant": 10,
        "support": 12,
        "Spanish clinic": 8,
        "German parcels": 6,
        "French bistro": 5,
        "Portuguese collection": 5,
        "Japanese izakaya": 3,
        "Arabic internet": 3,
    }
)

# What becomes of a call. Voice agents mostly dial out, and about two in five of those calls
# reach nobody; a call that came in is connected by nature, or broken.
OUTBOUND = 0.62
UNANSWERED = 0.24  # of outbound
VOICEMAIL = 0.17  # of outbound
BROKEN = 0.012  # of all: an error before anyone is connected
VOICEMAIL_GETS_A_MESSAGE = 0.55
BUSY_MIX = mix({"no-answer": 38, "no_answer": 14, "busy": 24, "failed": 16, "canceled": 8})

# How long a conversation is. Very short ones are people who hang up on a machine.
LENGTH_MIX = mix({"very short": 0.25, "ordinary": 0.71, "long": 0.032, "marathon": 0.008})
VERY_SHORT_TURNS = (1, 5)
LONG_TURNS = (60, 150)
MARATHON_TURNS = (200, 600)

# What happens in an ordinary conversation.
SKIPS_STEP = 0.15
ASIDE = 0.26  # after each step: the human asks something
HANGS_UP = 0.08  # in the middle of it
TRANSFERRED = 0.11
TRANSFER_UNANSWERED = 0.25  # of transfers
ACTION = 0.5  # the agent calls an external action once
ACTION_FAILS = 0.1
AGENT_ENDS_CALL = 0.3  # by an action of its own
KNOWLEDGE_LOOKUP = 0.04  # before each answer to an aside
HESITATES = 0.22
ACKNOWLEDGES = 0.4
SPLIT_UTTERANCE = 0.3  # of acknowledgements: a line of its own, so two bot lines in a row
CUT_OFF = 0.05
READS_BACK = 0.35  # with line breaks
RINGING: Span = (2.0, 22.0)
PAUSE: Span = (0.3, 2.2)
HOLDS = 0.06  # every few turns of a long call: someone looks for the letter
HOLD: Span = (45.0, 300.0)

# Which events a call sends. An account has several webhooks with different subscriptions, so
# not every call reports its messages.
REPORTS_MESSAGES = 0.62
HUMAN_DETECTED = 0.75  # of outbound conversations
CHUNKED_TRANSCRIPT = 0.12
WHOLE_AFTER_CHUNKS = 0.5
CHUNK_LINES = (4, 9)
KEEPS_NOTHING = 0.02  # HIPAA: neither transcript nor recording
RECORDED = 0.6
ANALYSED = 0.72
ANALYSED_TWICE = 0.04  # a second prompt under another key
ERROR = 0.045
START_NEVER_COMES = 0.015
END_NEVER_COMES = 0.02
UNKNOWN_TYPE = 0.03
TRANSCRIPT_AFTER: Span = (0.5, 6.0)
RECORDING_AFTER: Span = (4.0, 45.0)
ANALYSIS_AFTER: Span = (3.0, 120.0)

# How events reach us. Repeats look like retries after a time-out: some at once, most after a
# backoff, a few after an outage.
LATENCY: Span = (0.05, 0.6)
STRAGGLES = 0.03
STRAGGLING: Span = (1.5, 25.0)
REPEATED = 0.022  # a little over 2 %, as some events may not be repeated
REPEATED_AGAIN = 0.12  # of repeats
REPEAT_DELAY_MIX = mix({(0.05, 2.0): 0.35, (5.0, 120.0): 0.55, (600.0, 1800.0): 0.1})
NEXT_CALL_WITHIN: Span = (0.0, 4.0)

# The envelope.
ENVELOPE_MIX = mix({"full": 0.86, "bare": 0.14})  # bare: only type, call_id, payload
EXTRA_FIELDS = 0.03
ANONYMOUS = 0.06  # of callers
NUMBERS_MISSING = 0.01
ODD_PAYLOAD_MIX = mix({"usual": 0.994, "null": 0.0024, "string": 0.0018, "list": 0.0018})
ESCAPED_TEXT = 0.55  # calls whose JSON is pure ASCII, as Python's default is
COMPACT = 0.5  # calls whose JSON has no spaces

# Payload shapes.
MESSAGE_MIX = mix({"float": 0.72, "integer": 0.1, "without time": 0.18})
ACTION_MIX = mix({"input and output": 0.55, "history item": 0.45})
ACTION_LINES_MIX = mix({"header": 0.6, "worker": 0.4})
TRANSCRIPT_MIX = mix(
    {
        "plain": 0.42,
        "timed": 0.3,
        "agent and user": 0.09,
        "agent and human": 0.05,
        "objects": 0.08,
        "no speaker": 0.06,
    }
)
TWO_SPACES = 0.08
CONNECTED_MIX = mix({"numbers": 0.75, "empty": 0.22, "absent": 0.03})
ENDED_MIX = mix({"zero": 0.35, "minutes": 0.48, "outcome": 0.06, "empty": 0.08, "absent": 0.03})
NOT_CONNECTED_MIX = mix({"status": 0.86, "status and error": 0.08, "empty": 0.06})
RECORDING_MIX = mix({"url": 0.7, "flag": 0.14, "null": 0.06, "empty": 0.1})
ERROR_MIX = mix(
    {
        "text": 0.22,
        "object": 0.25,
        "nested": 0.15,
        "list": 0.18,
        "error_message": 0.12,
        "bare": 0.08,
    }
)
RESULT_MIX = mix({"prose": 0.36, "json text": 0.2, "fenced": 0.16, "object": 0.22, "list": 0.06})
RESULT_KEY_MIX = mix(
    {
        "post_call_results": 0.76,
        "post_call_result": 0.07,
        "result": 0.05,
        "analysis": 0.05,
        "summary": 0.04,
        "output": 0.03,
    }
)
