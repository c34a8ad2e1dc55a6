"""Reports of a load what `status` and `/metrics` want to know of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from fluents_connector.errors import FluentsError, LoadFailed, LoadRunning
from fluents_connector.loader_state import LoaderState, LoadReport, PublishReport
from fluents_connector.logs import traceback_of

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class LoadOutcome:
    """What a load has done so far, and what `LoadReport` tells of it besides."""

    model_errors: list[str] = field(default_factory=list)
    publish_waits: str | None = None
    taken_back_at: float | None = None
    published: PublishReport | None = None
    deliveries: int = 0
    batches: int = 0


@contextmanager
def reported(state: LoaderState, started_at: float) -> Iterator[LoadOutcome]:
    """Writes the report of a load at its end, however it ends.

    Any error that is not ours becomes a `LoadFailed`.
    """
    former = state.report()
    outcome = _as_it_was(former)
    with _failure_reported(state, started_at, outcome):
        yield outcome
    if former is None or not former.succeeded or outcome != _as_it_was(former):
        _write(state, started_at, outcome, None)


@contextmanager
def failure_to_open_reported(state: LoaderState) -> Iterator[None]:
    """Writes the report of a load that ends before it begins, as its files cannot be opened.

    Nothing is written where another load is running: the report is that one's to write.
    """
    with _failure_reported(state, time.time(), _as_it_was(state.report())):
        yield


@contextmanager
def _failure_reported(
    state: LoaderState, started_at: float, outcome: LoadOutcome
) -> Iterator[None]:
    error: str | None = None
    try:
        yield
    except LoadRunning:
        raise
    except FluentsError as failure:
        error = str(failure)
        raise
    except Exception as failure:
        error = f"The load stopped: {failure}. Nothing is lost: the buffer keeps it."
        log.error("load_stopped", exception=traceback_of(failure))
        raise LoadFailed(error) from failure
    except BaseException:
        error = "The load was interrupted. The next one goes on."
        raise
    finally:
        if error is not None:
            _write(state, started_at, outcome, error)


def _write(state: LoaderState, started_at: float, outcome: LoadOutcome, error: str | None) -> None:
    report = LoadReport(
        started_at=started_at,
        finished_at=time.time(),
        deliveries=outcome.deliveries,
        succeeded=error is None,
        error=error,
        model_errors=outcome.model_errors,
        publish_waits=outcome.publish_waits,
        taken_back_at=outcome.taken_back_at,
        published=outcome.published,
    )
    try:
        state.write_report(report)
    except OSError as failure:  # a full disk; what stopped the load says more
        log.error("report_not_written", error=str(failure))


def _as_it_was(former: LoadReport | None) -> LoadOutcome:
    if former is None:
        return LoadOutcome()
    return LoadOutcome(
        former.model_errors, former.publish_waits, former.taken_back_at, former.published
    )
