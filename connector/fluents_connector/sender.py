"""Posts recorded or simulated bodies to a receiver, over a few connections."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from fluents_connector.errors import SendError

TRIES = 5
TIMEOUT_SECONDS = 30  # of one try, and at most between two
BACKOFF_SECONDS = 0.2  # doubled each time, where a 503 does not say when to come again
SHOWN_REFUSALS = 5


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

    Sends in order with one connection, nearly so with several. A 503 is tried again after its
    Retry-After, `TRIES` times in all; nothing else is. `headers` gives those that authenticate a
    body, and `progress` is called with the number of bodies that are answered.
    """
    result = SendResult()
    local = threading.local()

    def post(body: bytes) -> tuple[int, dict[str, str]]:
        if not hasattr(local, "session"):
            local.session = _session()
        return _post(local.session, url, body, headers(body))

    with ThreadPoolExecutor(connections) as pool:
        waiting: deque[Future[tuple[int, dict[str, str]]]] = deque()
        try:
            for body in bodies:
                waiting.append(pool.submit(post, body))
                if len(waiting) >= connections * 8:
                    _count(result, *waiting.popleft().result())
                    progress(result.answers.total())
            while waiting:
                _count(result, *waiting.popleft().result())
            progress(result.answers.total())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return result


def _count(result: SendResult, status: int, answer: dict[str, str]) -> None:
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


class _AfterRetryAfter(Retry):
    """Waits as long as a 503 says, up to a limit; one second where that cannot be read."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds of a number or a date."""
        try:
            return min(super().parse_retry_after(retry_after), TIMEOUT_SECONDS)
        except InvalidHeader:
            return 1.0


def _session() -> requests.Session:
    retries = _AfterRetryAfter(
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
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment is not the receiver
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    return session


def _post(
    session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str]]:
    try:
        response = session.post(
            url,
            data=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=TIMEOUT_SECONDS,
        )
    except (requests.RequestException, ValueError) as error:  # urllib3's for a broken host
        raise SendError(
            f"The receiver at {_host(url)} cannot be reached ({type(error).__name__}). "
            "Is `fluents-warehouse serve` running there?"
        ) from None
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    return response.status_code, answer


def _host(url: str) -> str:
    """The URL's host and port, without its path, which holds the token, and its password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "this URL"
