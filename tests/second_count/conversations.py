"""The turns of a call, from all that was delivered of its conversation (docs/conversations.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from tests.second_count.texts import Utterance

SOUND = re.compile(r"(m+h+m+|u+h+h+u+h+|o+h+|u+m+|a+h+|h+m+|m+)")

QUESTIONS = ("?", "\uff1f", "\u061f")


class Part(NamedTuple):
    """What one delivery says, or all chunks together; `received_at` is when it came."""

    received_at: int
    said: list[Utterance]
    is_chunks: bool = False

    @property
    def letters(self) -> int:
        return sum(len(one.letters) for one in self.said)

    @property
    def names_speakers(self) -> bool:
        return any(one.speaker != "unknown" for one in self.said)

    @property
    def begin(self) -> tuple[float, ...]:
        """Where it goes among other parts: by its stated time, else its offset, else receipt."""
        first = self.said[0]
        return (first.said_at or -1.0, first.offset or -1.0, float(self.received_at))


def turns(deliveries: Iterable[tuple[int, list[Utterance]]]) -> list[Utterance]:
    """The turns of all that was delivered; empty where nobody said a word."""
    parts = [Part(at, talk(said)) for at, said in deliveries]
    parts = [part for part in parts if part.said]
    chunks = [part for part in parts if len(part.said) == 1]
    has_times = any(part.said[0].time is not None for part in chunks)
    chunks = [part for part in chunks if not has_times or part.said[0].time is not None]
    wholes = [part for part in parts if not any(part is chunk for chunk in chunks)]
    if chunks:
        wholes.append(_together(chunks))
    if not wholes:
        return []
    bases = [part for part in wholes if part.names_speakers and not part.is_chunks] or wholes
    base = max(bases, key=lambda part: (part.letters, len(joined(part.said)), part.received_at))
    placed = [base]
    for part in sorted((part for part in wholes if part is not base), key=lambda part: part.begin):
        for place, known in enumerate(placed):
            before, own, after = _compared(joined(known.said), joined(part.said))
            if not own:
                placed[place] = known._replace(said=before + known.said + after)
                break
        else:
            placed.append(part)
    placed.sort(key=lambda part: part.begin)
    return joined(_without_overlap([part.said for part in placed]))


def talk(said: list[Utterance]) -> list[Utterance]:
    """The utterances of bot, human and unknown speakers that have words and are no backchannel."""
    spoken = [one for one in said if one.speaker != "other" and one.letters]
    kept: list[Utterance] = []
    for place, one in enumerate(spoken):
        is_marked = re.fullmatch(r"\[[^\]]*\]", one.text.strip()) is not None
        is_sound = SOUND.fullmatch(one.letters) is not None
        follows_bot = bool(kept) and kept[-1].speaker == "bot"
        goes_on = place + 1 < len(spoken) and spoken[place + 1].speaker == "bot"
        is_answer = follows_bot and kept[-1].text.rstrip("- ").endswith(QUESTIONS)
        is_back = is_marked or (is_sound and follows_bot and goes_on and not is_answer)
        if not (one.speaker == "human" and is_back):
            kept.append(one)
    return kept


def joined(said: list[Utterance]) -> list[Utterance]:
    """Turns: what a speaker says until the other one speaks."""
    found: list[Utterance] = []
    for one in said:
        if found and found[-1].speaker == one.speaker:
            turn = found[-1]
            lasts = turn.lasts
            if turn.time is not None and one.time is not None:
                lasts = one.time - turn.time
            found[-1] = turn._replace(text=f"{turn.text} {one.text}", lasts=lasts)
        else:
            found.append(one)
    return found


def _together(chunks: list[Part]) -> Part:
    """All chunks as one part: by the time that they state, or else by receipt; equal ones once."""
    chunks = sorted(chunks, key=lambda part: part.received_at)
    if all(part.said[0].time is not None for part in chunks):
        chunks.sort(key=lambda part: part.said[0].time or 0.0)
    once = {(part.said[0].speaker, part.said[0].text, part.said[0].time): part for part in chunks}
    first = {key: part.received_at for key, part in reversed(once.items())}
    said = [part.said[0] for part in once.values()]
    return Part(min(first.values()), said, is_chunks=True)


def _compared(
    base: list[Utterance], part: list[Utterance]
) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
    """What of `part` comes before the base, is another part, or comes behind the base."""
    pairs = _matches(base, part)
    in_base = sum(len(part[theirs].letters) for _, theirs in pairs)
    if not pairs or 2 * in_base < sum(len(one.letters) for one in part):
        return [], part, []
    (first_of_base, first), (last_of_base, last) = pairs[0], pairs[-1]
    before = part[:first] if first_of_base == 0 else []
    after = part[last + 1 :] if last_of_base == len(base) - 1 else []
    return before, [], after


def _matches(base: list[Utterance], part: list[Utterance]) -> list[tuple[int, int]]:
    """The pairs of turns that match in order, so that as many letters as can be are matched."""
    best = [[0] * (len(part) + 1) for _ in range(len(base) + 1)]
    for i in reversed(range(len(base))):
        for j in reversed(range(len(part))):
            with_pair = best[i + 1][j + 1] + len(part[j].letters) if _same(base[i], part[j]) else 0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], with_pair)
    pairs, i, j = [], 0, 0
    while i < len(base) and j < len(part):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _same(one: Utterance, other: Utterance) -> bool:
    if one.speaker != other.speaker and "unknown" not in (one.speaker, other.speaker):
        return False
    for its, others in ((one.said_at, other.said_at), (one.offset, other.offset)):
        if its is not None and others is not None:
            apart = others - its - one.lasts if its < others else its - others - other.lasts
            if apart > 5:
                return False
    return _alike(one.text, other.text)


@lru_cache(maxsize=100_000)
def _alike(one: str, other: str) -> bool:
    """Equal letters, one within the other, or seven in ten words or six in ten letters alike."""
    a, b = (Utterance("", text).letters for text in (one, other))
    if a in b or b in a:
        return True
    words, others = one.casefold().split(), other.casefold().split()
    shorter, longer = sorted((len(a), len(b)))
    if shorter * 2 < longer:
        return False
    return (
        SequenceMatcher(None, words, others, autojunk=False).ratio() >= 0.7
        or SequenceMatcher(None, a, b, autojunk=False).ratio() >= 0.6
    )


def _without_overlap(parts: list[list[Utterance]]) -> list[Utterance]:
    """All parts one after the other; where one begins with what was said last, that counts once."""
    said: list[Utterance] = []
    for part in parts:
        shared = max(
            n
            for n in range(min(len(said), len(part)) + 1)
            if all(_equal(a, b) for a, b in zip(said[len(said) - n :], part[:n], strict=True))
        )
        said += part[shared:]
    return said


def _equal(one: Utterance, other: Utterance) -> bool:
    return one.speaker == other.speaker and one.letters == other.letters
