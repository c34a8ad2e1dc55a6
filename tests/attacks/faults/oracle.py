"""Turns each answer into an obligation, and knows what was sent but never answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from tests.attacks.faults.events import Answer, Sent


class Oracle:
    """Everything that was sent. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.counts: Counter[str] = Counter()
        """acknowledged (events, once each), answered (2xx), duplicates, refused (400),
        unacknowledged, retries, repeats (equal bodies sent on purpose), unavailable (503)."""
        self.unexpected: list[str] = []
        self._lock = threading.Lock()

    def attempt(self, sent: Sent) -> None:
        """Before a request: from now on the body may be stored once more."""
        with self._lock:
            self.sent[sent.identity] = sent
            sent.attempts += 1
            self.counts["attempts"] += 1

    def acknowledge(self, sent: Sent, answer: Answer) -> None:
        """A 200 or 400: the delivery has to be in the warehouse, once."""
        with self._lock:
            if not sent.is_good:
                self.counts["refused"] += 1
            else:
                self.counts["answered"] += 1
                self.counts["duplicates"] += answer.duplicate_of is not None
                self.counts["acknowledged"] += not sent.answers
            sent.answers.append(answer)

    def unacknowledged(self, sent: Sent) -> None:
        """The connection broke: the body may be there or not."""
        self.count("unacknowledged")

    def unavailable(self, sent: Sent) -> None:
        """A 503: nothing may have been stored by this request."""
        with self._lock:
            sent.attempts -= 1
            self.counts["attempts"] -= 1
            self.counts["unavailable"] += 1

    def forget(self, identities: Iterable[str]) -> None:
        """The buffer does not remember these: an equal body is another event to it."""
        with self._lock:
            for identity in identities:
                if identity in self.sent:
                    self.sent[identity].forgotten += 1

    def surprise(self, what: str) -> None:
        """An answer that no fault excuses."""
        with self._lock:
            self.unexpected.append(what)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def snapshot(self) -> Counter[str]:
        with self._lock:
            return Counter(self.counts)
