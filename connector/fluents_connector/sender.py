"""Posts recorded or simulated bodies to a receiver, over a few connections."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, URLSchemeUnknown

from fluents_connector.errors import SendError

TRIES = 5
TIMEOUT_SECONDS = 30  # of one try, and at most between two
BACKOFF_SECONDS = 0.2  # doubled each time, where a 503 does not say when to come again
SHOWN_REFUSALS = 5


class Post(NamedTuple):
    """A body on its way to a URL; those of one `lane` are posted in order, one after the other."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    lane: int


@dataclass(slots=True)
class SendResult:
    """How many bodies were answered with `stored`, `duplicate`, `refused` or another status."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    """The errors of the first few bodies that the receiver refused."""


def send(
    bodies: Iterable[bytes],
    url: str,
    *,
    connections: int = 8,
    headers: Callable[[bytes], Mapping[str, str]] = lambda body: {},
    progress: Callable[[int], None] = lambda sent: None,
) -> SendResult:
    """Posts each body to `url` and counts the answers. Raises `SendError`.

    Sends in order with one connection, nearly so with several. `headers` gives those that
    authenticate a body.
    """
    posts = (
        Post(url, body, headers(body), lane) for body, lane in zip(bodies, count(), strict=False)
    )
    return send_all(posts, connections=connections, progress=progress)


def send_all(
    posts: Iterable[Post],
    *,
    connections: int = 8,
    progress: Callable[[int], None] = lambda sent: None,
) -> SendResult:
    """Makes each of `posts` and counts the answers. Raises `SendError`.

    A 503 is tried again after its Retry-After, `TRIES` times in all; nothing else is. `progress` is
    called with the number of bodies that are answered.
    """
    result = SendResult()
    lanes = [ThreadPoolExecutor(1) for _ in range(connections)]
    waiting: deque[Future[tuple[int, dict[str, Any]]]] = deque()
    with _connections(connections) as manager:
        try:
            for post in posts:
                waiting.append(lanes[post.lane % connections].submit(_post, manager, post))
                if len(waiting) >= connections * 8:
                    _count(result, *waiting.popleft().result())
                    progress(result.answers.total())
            while waiting:
                _count(result, *waiting.popleft().result())
            progress(result.answers.total())
        finally:
            for lane in lanes:
                lane.shutdown(wait=False, cancel_futures=True)
            for lane in lanes:
                lane.shutdown()
    return result


def _count(result: SendResult, status: int, answer: dict[str, Any]) -> None:
    if status == 200:
        result.answers[str(answer.get("status", "unknown"))] += 1
        return
    if status == 404:
        raise SendError(
            "The receiver does not know the token, or this sender may not deliver to it."
        )
    result.answers["refused"] += 1
    if len(result.refusals) < SHOWN_REFUSALS:
        result.refusals.append(f"{status} {answer.get('error')}: {answer.get('detail')}")


class _AfterRetryAfter(urllib3.Retry):
    """Waits as long as a 503 says, up to a limit; one second where that cannot be read."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds of a number or a date."""
        try:
            return min(super().parse_retry_after(retry_after), TIMEOUT_SECONDS)
        except InvalidHeader:
            return 1.0


RETRIES = _AfterRetryAfter(
    total=None,  # any number would let a 413 or 429 that says when be tried again too
    status=TRIES - 1,
    status_forcelist={503},
    allowed_methods=None,  # POST too: a 503 stored nothing
    raise_on_status=False,  # the last 503 is an answer as any other
    backoff_factor=BACKOFF_SECONDS,
    connect=0,
    read=False,
    other=0,
)


def _connections(most: int) -> urllib3.PoolManager:
    """Keeps up to `most` connections to a receiver; a proxy of the environment is not asked."""
    return urllib3.PoolManager(maxsize=most, retries=RETRIES, timeout=TIMEOUT_SECONDS)


def _post(manager: urllib3.PoolManager, post: Post) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json", **post.headers}
    try:
        if (scheme := urlsplit(post.url).scheme) not in ("http", "https"):
            raise URLSchemeUnknown(scheme)
        response = manager.request(
            "POST", post.url, body=post.body, headers=headers, redirect=False
        )
    except (HTTPError, ValueError) as error:
        raise SendError(
            f"The receiver at {_host(post.url)} cannot be reached ({type(error).__name__}). "
            "Is `fluents-warehouse serve` running there?"
        ) from None
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    return response.status, answer


def _host(url: str) -> str:
    """The URL's host and port, without its path, which holds the token, and its password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "this URL"
