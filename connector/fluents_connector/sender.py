"""Posts recorded or simulated bodies to a receiver, over a few connections."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from fluents_connector.errors import SendError

TRIES = 5
TIMEOUT_SECONDS = 30
SHOWN_REFUSALS = 5


@dataclass(slots=True)
class SendResult:
    """How the receiver answered: `stored`, `duplicate`, `refused`, counted by word."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    """What the receiver said of the first few bodies that it refused."""


def send(
    bodies: Iterable[bytes],
    url: str,
    *,
    connections: int = 8,
    headers: Callable[[bytes], Mapping[str, str]] = lambda body: {},
    progress: Callable[[int], None] = lambda sent: None,
) -> SendResult:
    """Posts each body to `url` and counts the answers. Raises `SendError`.

    Sends in order with one connection, nearly so with several. A 503 is tried again after the
    time that the receiver asks for. `headers` gives those that a body needs to get in.
    """
    result = SendResult()
    local = threading.local()

    def post(body: bytes) -> tuple[int, dict[str, str]]:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False  # a proxy of the environment is not the receiver
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
        raise SendError("The receiver does not know the token, or does not let this sender in.")
    result.answers["refused"] += 1
    if len(result.refusals) < SHOWN_REFUSALS:
        result.refusals.append(f"{status} {answer.get('error')}: {answer.get('detail')}")


def _post(
    session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str]]:
    where = _host(url)
    for attempt in range(TRIES):
        try:
            response = session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                timeout=TIMEOUT_SECONDS,
            )
        except (requests.RequestException, ValueError) as error:  # urllib3's for a broken host
            raise SendError(
                f"The receiver at {where} cannot be reached ({type(error).__name__}). "
                "Is `fluents-warehouse serve` running there?"
            ) from None
        if response.status_code != 503:
            break
        if attempt < TRIES - 1:
            time.sleep(_pause(response.headers.get("Retry-After", "")))
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    return response.status_code, answer


def _host(url: str) -> str:
    """Host and port: never the path, which holds the token, nor a user's password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "this URL"


def _pause(retry_after: str) -> float:
    """Seconds to wait; a date, which a proxy may send, counts as one second."""
    return min(float(retry_after), TIMEOUT_SECONDS) if retry_after.isdecimal() else 1.0
