"""A call: vocode's objects, and beside them what was drawn for them."""

from __future__ import annotations

import json
import random
import uuid
from types import SimpleNamespace
from typing import Any

from vocode.streaming.models import events, transcript
from vocode.streaming.models.actions import ActionOutput
from vocode.streaming.models.events import Sender
from vocode.streaming.models.message import BaseMessage
from vocode.streaming.utils.events_manager import EventsManager

from tests.ancestor.draw.words import WORDS

LINES_IN_PART = 4
START = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC


class Published(EventsManager):
    """Keeps all that is published."""

    def __init__(self) -> None:
        super().__init__(list(events.EventType))

    def drain(self) -> list[events.Event]:
        """What was published since the last time."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]


class Call:
    """One call: vocode's objects, and what was drawn for them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 # not for secrets
        self.name = f"{seed:04}"
        self.id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.now = START + seed * 7200
        transcript.time = SimpleNamespace(time=self.clock)
        self.transcript = transcript.Transcript(start_time=self.now)
        self.published = Published()
        self.transcript.attach_events_manager(self.published)
        self.is_bare = self.random.random() < 0.5
        self.is_outgoing = self.random.random() < 0.7
        self.own, self.other = "+15550100", f"+1555{seed:04}"
        self.timeline: list[dict[str, Any]] = []
        self.said: list[tuple[str, str, bool]] = []
        self.backchannels: list[str] = []
        self.actions: list[dict[str, Any]] = []
        self.conference: list[list[str]] = []
        self.facts: dict[str, Any] = {}
        self.is_heard_in_chunks = True
        self.are_backchannels_plain_words = False
        self.are_backchannels_like_answers = False

    def clock(self) -> float:
        """A second or three later than the last time."""
        self.now = round(self.now + self.random.uniform(0.4, 3), 3)
        return self.now

    def seconds(self) -> float:
        """How long the call has lasted."""
        return self.now - float(self.transcript.start_time)

    def send(self, event: events.Event) -> None:
        """Something that the telephone side publishes."""
        self.published.publish_event(event)
        self.flush()

    def flush(self) -> None:
        """Puts what was published onto the timeline."""
        self.timeline += [self.delivery(event) for event in self.published.drain()]

    def delivery(self, event: events.Event) -> dict[str, Any]:
        """Type and payload: vocode's JSON, half of the calls without what the envelope says."""
        payload = json.loads(event.json(exclude={"transcript": {"events_manager"}}))
        type_ = payload["type"]
        if self.is_bare:
            del payload["type"], payload["conversation_id"]
        return {"type": type_, "payload": payload}

    def bot(self, text: str) -> None:
        """The bot says `text` to its end."""
        self.transcript.add_bot_message(text, self.id, is_final=True)
        self.said.append(("bot", text, False))
        self.flush()

    def cut_off(self, meant: str, heard: str) -> None:
        """The bot is cut off: its chunk has what was heard, or all that it meant to say.

        Nobody heard an utterance that was cut off before its first word: it is none, but if the bot
        was speaking it had not ended.
        """
        if not heard or self.random.random() < 0.5:
            message = transcript.Message(text=heard, sender=Sender.BOT, timestamp=self.clock())
            self.transcript.add_message(message, self.id, publish_to_events_manager=False)
            self.transcript.maybe_publish_transcript_event_from_message(message, self.id)
        else:
            self.transcript.add_bot_message(meant, self.id)
            self.transcript.update_last_bot_message_on_cut_off(heard)
            self.is_heard_in_chunks = False
        if heard:
            self.said.append(("bot", heard, True))
        elif self.said[-1][0] == "bot":
            self.said[-1] = ("bot", self.said[-1][1], True)
        self.flush()

    def human(self, text: str) -> None:
        """The human says `text`."""
        self.transcript.add_human_message(text, self.id)
        self.said.append(("human", text, False))
        self.flush()

    def backchannel(self, text: str) -> None:
        """The human makes a short sound while the bot speaks."""
        self.transcript.add_human_message(text, self.id, is_backchannel=True)
        self.backchannels.append(text)
        before = self.said[-1] if self.said else ("", "", False)
        self.are_backchannels_like_answers |= before[0] == "bot" and before[1].endswith("?")
        self.are_backchannels_plain_words |= text in WORDS
        self.flush()

    def other_line(self, sender: Sender, text: str) -> None:
        """A worker writes into the transcript."""
        self.transcript.add_message_from_props(text, sender, self.id, is_final=True)
        self.flush()

    def conference_event(self, kind: str, role: str, number: str) -> None:
        """Somebody joins or leaves the conference that a transfer makes."""
        self.transcript.event_logs.append(
            transcript.ConferenceEvent(
                conference_event_type=kind,
                conference_event_role=role,
                participant_phone_number=number,
                timestamp=self.clock(),
            )
        )
        self.conference.append([kind, role, number])

    def action(self, drawn: tuple[Any, Any, str | None, bool | None, str | None]) -> None:
        """An action starts and, most of the time, finishes; the bot may talk in between."""
        action_input, response, name, success, error = drawn
        type_ = action_input.action_config.type
        self.transcript.add_action_start_log(action_input, self.id)
        facts = {"type": type_, "name": name}
        self.actions.append({"phase": "start", **facts, "success": None, "error": None})
        self.flush()
        if self.random.random() < 0.3:
            self.bot("One moment, please.")
        if self.random.random() < 0.1:
            return
        speaks = type_ == "action_external" and self.random.random() < 0.3
        output = ActionOutput(
            action_type=type_,
            response=response,
            canned_response=BaseMessage(text="That is done.") if speaks else None,
        )
        self.transcript.add_action_finish_log(action_input, output, self.id)
        self.actions.append({"phase": "finish", **facts, "success": success, "error": error})
        self.flush()

    def turns(self) -> list[tuple[str, list[str], bool]]:
        """What one speaker said until another spoke: speaker, utterances, whether cut off."""
        turns: list[tuple[str, list[str], bool]] = []
        for speaker, text, is_cut_off in self.said:
            if turns and turns[-1][0] == speaker:
                turns[-1] = (speaker, [*turns[-1][1], text], is_cut_off)
            else:
                turns.append((speaker, [text], is_cut_off))
        return turns

    def drawn(self) -> dict[str, Any]:
        """What happened, from what was drawn alone.

        `bot_words` are those that were heard: chunks have them if `is_heard_in_chunks`.
        Where a text does not mark backchannels, nobody can tell them from words of a human turn if
        `are_backchannels_plain_words`, nor from a turn if `are_backchannels_like_answers`.
        """
        turns = self.turns()

        def words(speaker: str) -> int:
            return sum(len(" ".join(said).split()) for who, said, _ in turns if who == speaker)

        return {
            "turns": len(turns),
            "bot_turns": sum(speaker == "bot" for speaker, _, _ in turns),
            "human_turns": sum(speaker == "human" for speaker, _, _ in turns),
            "cut_offs": sum(is_cut_off for _, _, is_cut_off in turns),
            "bot_words": words("bot"),
            "human_words": words("human"),
            "is_heard_in_chunks": self.is_heard_in_chunks,
            "are_backchannels_plain_words": self.are_backchannels_plain_words,
            "are_backchannels_like_answers": self.are_backchannels_like_answers,
            "said": [[speaker, " ".join(said)] for speaker, said, _ in turns],
            "backchannels": self.backchannels,
            "actions": self.actions,
            "conference": self.conference,
            **self.facts,
        }

    def part(self, start: int) -> str:
        """Some lines of the transcript as a text."""
        logs = self.transcript.event_logs[start : start + LINES_IN_PART]
        part = transcript.Transcript(event_logs=logs, start_time=self.transcript.start_time)
        return str(part.to_string(include_timestamps=True))

    def made(self) -> dict[str, Any]:
        """The call as the files have it."""
        complete = transcript.TranscriptCompleteEvent(
            conversation_id=self.id, transcript=self.transcript
        )
        payload = self.delivery(complete)["payload"]
        numbers = (self.own, self.other) if self.is_outgoing else (self.other, self.own)
        logs = self.transcript.event_logs
        messages = [log for log in logs if isinstance(log, transcript.Message)]
        return {
            "call": self.name,
            "envelope": {
                "from_number": numbers[0],
                "to_number": numbers[1],
                "is_outgoing": self.is_outgoing,
            },
            "drawn": self.drawn(),
            "timeline": self.timeline,
            "texts": {
                "plain": self.transcript.to_string(),
                "marked": self.transcript.to_string(mark_human_backchannels_with_brackets=True),
                "timed": self.transcript.to_string(include_timestamps=True),
            },
            "parts": [self.part(start) for start in range(0, len(logs), LINES_IN_PART)],
            "logs": payload["transcript"],
            "turns": [
                {
                    "role": message.sender.value,
                    "content": message.to_string(
                        include_sender=False, mark_human_backchannels_with_brackets=True
                    ),
                }
                for message in messages
                if message.sender in (Sender.BOT, Sender.HUMAN)
            ],
        }
