"""The dashboard as a WSGI application: `create_app`.

Each page is an entry of `fluents_dashboard.pages`. A request is answered from one snapshot of the
published warehouse. What a webhook brought is escaped by the templates, and never rendered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from flask import Flask, Response, g, redirect, render_template, request, stream_with_context
from werkzeug.exceptions import HTTPException

from fluents_connector import __version__
from fluents_connector.errors import FluentsError, QueryError
from fluents_connector.logs import traceback_of
from fluents_connector.settings import Settings
from fluents_dashboard import charts, formats, words
from fluents_dashboard.access import Access, path_of, secure
from fluents_dashboard.filters import SPANS, Extent, Filters, WrongFilter
from fluents_dashboard.page import Context, NotThere, Page, Visit
from fluents_dashboard.pages import PAGES
from fluents_dashboard.snapshots import Snapshots
from fluents_dashboard.waiting import first_minutes, state_of

Status = Callable[[], Mapping[str, Any]]
MOST_LETTERS = 2_000  # of a URL's query
STATUS_SECONDS = 1.0  # for which what `status` said is said again

log = structlog.get_logger(__name__)


def create_app(
    settings: Settings,
    *,
    token: str,
    status: Status = dict,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """The application. `status` says what `fluents-warehouse status --json` does."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=16 * 1024, SEND_FILE_MAX_AGE_DEFAULT=86_400)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        number=formats.number,
        seconds=formats.seconds,
        day=formats.day,
        long_day=formats.long_day,
        short_day=formats.short_day,
        said=words.said,
        outcome=words.outcome,
        stage=words.stage,
        field=words.field,
        speaker=words.speaker,
        plain=formats.plain,
    )
    app.jinja_env.globals.update(
        per_cent=formats.per_cent,
        share=formats.share,
        offset=formats.offset,
        OUTCOMES=words.OUTCOMES,
        WEEKDAYS=charts.WEEKDAYS,
        FEW=charts.FEW,
        version=__version__,
    )
    snapshots = Snapshots(settings)
    app.extensions["snapshots"] = snapshots
    Access(settings, token).protect(app)
    app.after_request(secure)
    answers = _Answers(settings, snapshots, status, clock)
    for page in PAGES:
        path = "/" if page is PAGES[0] else f"/{page.name}"
        app.add_url_rule(path, page.name, answers.page(page))
        for ending, make in page.files.items():
            app.add_url_rule(
                f"/{page.name}.{ending}", f"{page.name}.{ending}", answers.file(page, make)
            )
    app.add_url_rule("/state", "state", answers.state)
    app.add_url_rule("/health", "health", lambda: ("ok\n", 200, {"Content-Type": "text/plain"}))
    app.register_error_handler(WrongFilter, answers.refused(400, "That is no question"))
    app.register_error_handler(NotThere, answers.refused(404, "Not found"))
    app.register_error_handler(QueryError, answers.no_warehouse)
    app.register_error_handler(HTTPException, answers.http_error)
    app.register_error_handler(Exception, answers.failed)
    return app


class _Answers:
    """Makes the answers of one application."""

    def __init__(
        self,
        settings: Settings,
        snapshots: Snapshots,
        status: Status,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._snapshots = snapshots
        self._status = status
        self._clock = clock
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._said: Mapping[str, Any] = {}
        self._zone = ZoneInfo(settings.time_zone)

    def page(self, page: Page) -> Callable[[], Any]:
        """The view of a page."""

        def view() -> Any:
            with ExitStack() as opened:
                visit, is_canonical = self._visit(opened)
                if visit is None:
                    return self._waiting(page)
                if not is_canonical:
                    return redirect(visit.link(page.name, **visit.others(page)))
                page.check(visit)
                self._note(page)
                top = {"page": page, "visit": visit, **self._shell(visit)}
                if not page.waits_for:
                    context = page.show(visit)
                    return render_template("page.html", **{**top, **context})
                opened = opened.pop_all()
            response = Response(stream_with_context(self._pieces(page, visit, top, opened)))
            response.call_on_close(opened.close)
            return response

        return view

    def file(self, page: Page, make: Callable[[Visit], Response]) -> Callable[[], Any]:
        """The view of a file of a page."""

        def view() -> Any:
            with ExitStack() as opened:
                visit, _ = self._visit(opened)
                if visit is None:
                    raise NotThere("There is nothing in the warehouse yet.")
                self._note(page)
                response = make(visit)
                response.call_on_close(opened.pop_all().close)
                return response

        return view

    def state(self) -> Mapping[str, Any]:
        """What a page in a browser compares, to know whether another would show more."""
        if "waiting" not in request.args:
            return {"state": self._snapshots.version()}
        return {"state": state_of(self._snapshots.version(), self._read_status())}

    def refused(self, code: int, title: str) -> Callable[[Exception], Any]:
        """Answers an error that says itself what to do."""
        return lambda error: self._message(code, title, str(error))

    def no_warehouse(self, error: Exception) -> Any:
        """Answers where the warehouse is missing, unreadable, or of another version."""
        if not self._snapshots.version():
            return self._waiting(None)
        log.warning("dashboard_query_failed", error=str(error))
        return self._message(503, "The warehouse cannot be read", _unreadable(error))

    def http_error(self, error: HTTPException) -> Any:
        """Answers an unknown path and the like."""
        code = error.code or 500
        if code < 400:
            return error
        text = "There is no such page." if code == 404 else (error.description or "")
        return self._message(code, "Not found" if code == 404 else error.name, text)

    def failed(self, error: Exception) -> Any:
        """Answers what was not foreseen; the log has the traceback."""
        log.error("dashboard_failed", path=path_of(request), exception=traceback_of(error))
        return self._message(
            500, "This page failed", "The dashboard's log says why. Other pages may work."
        )

    def _visit(self, opened: ExitStack) -> tuple[Visit | None, bool]:
        """What is asked, and whether the URL says it in the shortest way; None for no events."""
        if len(request.query_string) > MOST_LETTERS:
            raise WrongFilter(f"The query of the URL is longer than {MOST_LETTERS:,} letters.")
        figures = opened.enter_context(self._snapshots.newest())
        found = figures.row("extent")
        extent = Extent(
            found["first_day"],
            found["last_day"],
            tuple(found["webhooks"] or ()),
            tuple(found["agents"] or ()),
        )
        if extent.first_day is None and found["event_count"] == 0:
            return None, True
        now = self._clock().astimezone(self._zone)
        asked = {name: value for name, value in request.args.items() if value.strip()}
        filters = Filters.of(asked, now.date(), extent)
        visit = Visit(figures, filters, extent, asked, self._settings, now, self._read_status)
        is_canonical = all(value.strip() for value in request.args.values()) and not (
            "span" in asked and ("from" in asked or "to" in asked)
        )
        return visit, is_canonical

    def _pieces(self, page: Page, visit: Visit, top: Context, opened: ExitStack) -> Iterator[str]:
        yield render_template("top.html", **top)
        try:
            context = page.show(visit)
            yield render_template(f"{page.name}.html", **{**top, **context})
        except QueryError as error:
            log.warning("dashboard_query_failed", error=str(error))
            yield render_template("unfinished.html", why=_unreadable(error))
        except Exception as error:
            log.error("dashboard_failed", path=path_of(request), exception=traceback_of(error))
            yield render_template("unfinished.html", why=_reason(error))
        yield render_template("bottom.html", **top)

    def _shell(self, visit: Visit | None) -> Context:
        return {
            "pages": [one for one in PAGES if one.in_navigation],
            "zone": self._settings.time_zone,
            "spans": SPANS,
            "user": g.get("user", ""),
            "state": visit.figures.version if visit else "",
            "fresh": visit.figures.row("freshness_now") if visit else None,
            "ago": lambda at: formats.ago(datetime.fromtimestamp(at, UTC), self._clock()),
        }

    def _message(self, code: int, title: str, text: str) -> Any:
        context = {"page": None, "visit": None, "title": title, "text": text}
        return render_template("message.html", **{**self._shell(None), **context}), code

    def _waiting(self, page: Page | None) -> Any:
        status, version = self._read_status(), self._snapshots.version()
        context = first_minutes(status)
        shell = {
            **self._shell(None),
            "page": page,
            "visit": None,
            "state": state_of(version, status),
        }
        return render_template("waiting.html", **{**shell, **context})

    def _read_status(self) -> Mapping[str, Any]:
        with self._asking:  # of many visitors one asks, and the others take its answer
            if time.monotonic() - self._asked_at > STATUS_SECONDS:
                try:
                    self._said = self._status()
                except (FluentsError, OSError) as error:
                    self._said = {"error": str(error)}
                self._asked_at = time.monotonic()
            return self._said

    def _note(self, page: Page) -> None:
        if g.get("user"):
            call = request.args.get("id", "") if page.name == "call" else ""
            log.info("page_opened", user=g.user, page=page.name, **({"call": call} if call else {}))


def _unreadable(error: Exception) -> str:
    return (
        "It may be of another version of fluents-warehouse: run `fluents-warehouse load`, which "
        "brings it up to date, and open this page again. "
        f"DuckDB says: {str(error).splitlines()[0]}"
    )


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, FluentsError | NotThere | WrongFilter) else ""
