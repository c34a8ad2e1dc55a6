"""The alerts on a published warehouse, the buffer beside it, and files that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import LoadReport, loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.alerts import Look, look
from fluents_pipelines.alerts.looking import MOST_FINDINGS
from tests.deliveries import START, body, delivery
from tests.loads import copy_of, load_once

NOW = datetime.fromtimestamp(START / 1e6, UTC) + timedelta(minutes=30)
HEADER = "-- severity: warning\n-- says: x\n"
ALL = {"answer_rate", "error_rate", "lag", "loading", "quarantine", "silence", "unreadable"}


@pytest.fixture(scope="module")
def loaded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 calls, each with an error, and six deliveries that were refused."""
    errors = [body("event_error", "x", call_id=f"call-{number}") for number in range(25)]
    return load_once(tmp_path_factory.mktemp("loaded"), [*errors, *[b"{"] * 6])


@pytest.fixture
def loaded(loaded_folder: Path, tmp_path: Path) -> None:
    copy_of(loaded_folder, tmp_path)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def said(found: Look) -> dict[str, str]:
    return {finding.alert: finding.says for finding in found.findings}


@pytest.mark.usefixtures("loaded")
def test_what_a_load_brought_is_found(settings: Settings) -> None:
    found = look(settings, NOW)
    assert found.errors == []
    assert found.run == ALL == found.severities.keys()
    assert said(found).keys() == {"error_rate", "quarantine"}
    assert "25 of 25" in said(found)["error_rate"]
    assert "6 deliveries to the webhook main" in said(found)["quarantine"]
    assert said(look(settings, NOW + timedelta(days=3))) == {}


@pytest.mark.usefixtures("loaded")
def test_what_is_switched_off_is_not_run(settings: Settings) -> None:
    found = look(settings.model_copy(update={"alerts": {"quarantine": False}}), NOW)
    assert said(found).keys() == {"error_rate"}
    assert found.severities.keys() == ALL - {"quarantine"}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("is_there", [True, False], ids=["warehouse", "no_warehouse"])
def test_what_waits_is_found_also_where_the_warehouse_cannot_be_read(
    settings: Settings, is_there: bool
) -> None:
    buffer = SqliteBuffer(settings.buffer_file)
    received_at = START + 3600 * 1_000_000
    for number in range(3):
        content = body("event_error", number)
        buffer.append(delivery(content, received_at=received_at + number, bits=number))
    buffer.close()
    if not is_there:
        settings.warehouse_path.unlink()
    waiting = datetime.fromtimestamp(received_at / 1e6, UTC)
    assert "lag" not in said(look(settings, waiting + timedelta(minutes=30)))

    found = look(settings, waiting + timedelta(minutes=31))

    assert said(found)["lag"].startswith("3 deliveries wait to be loaded and published, the oldest")
    assert ("unreadable" in said(found)) is not is_there
    assert found.errors == []
    assert found.run == (ALL if is_there else {"lag", "loading", "unreadable"})


def test_before_the_first_load_has_ended_a_missing_warehouse_is_no_finding(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    buffer.append(delivery(body("event_error", "x"), received_at=START))
    assert said(look(settings, NOW)) == {}
    assert said(look(settings, NOW + timedelta(minutes=1))).keys() == {"lag"}
    loader_state(settings).write_report(LoadReport(0, 1, 0, succeeded=True, error=None))
    assert said(look(settings, NOW)).keys() == {"unreadable"}


@pytest.mark.usefixtures("loaded")
def test_a_warehouse_that_is_none_is_a_finding(settings: Settings) -> None:
    settings.warehouse_path.unlink()
    settings.warehouse_path.write_text("no warehouse")
    assert "The warehouse cannot be read: " in said(look(settings, NOW))["unreadable"]


@pytest.mark.usefixtures("loaded")
def test_a_buffer_that_is_none_is_a_finding_and_one_that_is_not_there_is_not(
    settings: Settings,
) -> None:
    settings.buffer_file.unlink()
    assert "unreadable" not in said(look(settings, NOW))
    assert not settings.buffer_file.exists()
    settings.buffer_file.write_text("no buffer at all, but text that is longer than a header")
    found = look(settings, NOW)
    assert said(found)["unreadable"].startswith("The buffer cannot be read: ")
    assert "error_rate" in said(found)


def test_where_nothing_was_ever_received_only_the_missing_warehouse_is_found(
    settings: Settings,
) -> None:
    assert said(look(settings, NOW)).keys() == {"unreadable"}
    assert not settings.data_dir.exists()


@pytest.mark.usefixtures("loaded")
def test_what_the_last_load_could_not_do_is_found(settings: Settings) -> None:
    report = LoadReport(0, 1, 0, succeeded=False, error="Conversion Error: 'HUMAN: my card is 4'")
    loader_state(settings).write_report(report)
    found = look(settings, NOW)
    assert said(found)["loading"].startswith("The last load failed: ")
    assert "lag" not in said(found)
    assert "HUMAN" not in str(found)  # as it would be posted


WRONG = {
    "syntax": ("select 1\nfrom from x", ":4: Parser Error"),
    "unknown_table": ("select 1\nfrom analytics.nothing", ":4: Catalog Error"),
    "two_statements": ("select 1; select 2", ":3: an alert is one SELECT"),
    "drop": ("drop table fluents.calls", ":3: an alert is one SELECT"),
    "runtime": ("select error('no')", ":3: Invalid Input Error: no"),
}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("sql", "error"), WRONG.values(), ids=WRONG)
def test_one_that_is_wrong_is_named_with_its_line_and_stops_nothing(
    settings: Settings, mine: Path, sql: str, error: str
) -> None:
    (mine / "wrong.sql").write_text(HEADER + sql)
    (mine / "right.sql").write_text(HEADER + "select 1 as n")
    found = look(settings.model_copy(update={"alerts_dir": mine}), NOW)
    (only,) = found.errors
    assert only.startswith(f"{mine / 'wrong.sql'}{error}"), only
    assert said(found).keys() == {"error_rate", "quarantine", "right"}
    assert found.run == {*ALL, "right"}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("line", ["-- says: {nope}", "-- key: nope"])
def test_a_column_that_is_none_is_named(settings: Settings, mine: Path, line: str) -> None:
    (mine / "a.sql").write_text(f"-- severity: warning\n-- says: x\n{line}\nselect 1 as n")
    (error,) = look(settings.model_copy(update={"alerts_dir": mine}), NOW).errors
    assert "nope" in error
    assert error.endswith("which is no column.")


@pytest.mark.usefixtures("loaded")
def test_a_file_whose_name_is_no_text_is_named_so_that_it_can_be_recorded(
    settings: Settings, mine: Path
) -> None:
    (mine / "\udcff.sql").write_text(HEADER + "select 1")
    found = look(settings.model_copy(update={"alerts_dir": mine}), NOW)
    (error,) = found.errors
    assert "cannot be an alert's name" in error
    error.encode()


@pytest.mark.usefixtures("loaded")
def test_one_that_never_ends_is_given_up_and_the_next_is_run(
    settings: Settings, mine: Path
) -> None:
    long = "select sum(sin(a.range)) from range(10000000) a, range(100000) b"
    (mine / "a_long_one.sql").write_text(HEADER + long)
    (mine / "short.sql").write_text(HEADER + "select 1 as n")
    only = dict.fromkeys(ALL, False)
    changes = {"alerts_dir": mine, "alerts": only}
    found = look(settings.model_copy(update=changes), NOW, seconds=0.5)
    (error,) = found.errors
    assert error == f"{mine / 'a_long_one.sql'}:3: it took longer than 0.5 seconds."
    assert said(found).keys() == {"short"}


@pytest.mark.usefixtures("loaded")
def test_the_users_own_may_ask_for_its_limits_the_time_and_all_models(
    settings: Settings, mine: Path
) -> None:
    (mine / "many.sql").write_text(
        "-- Calls.\n-- severity: critical\n-- says: {n} of {name} since {at}: {x_rate}.\n"
        "-- key: name\n-- limits: many = 3 (0 to 100): calls\n"
        "select count(*) as n, 'a' as name, getvariable('now') as at, 0.25::double as x_rate,\n"
        "from analytics.call_summary having n > getvariable('many')"
    )
    changes = {"alerts_dir": mine, "time_zone": "Asia/Tokyo"}
    (found,) = (
        finding
        for finding in look(settings.model_copy(update=changes), NOW).findings
        if finding.alert == "many"
    )
    assert found.says == "25 of a since 2026-01-01 09:30 Asia/Tokyo: 25 %."
    assert found.values == {
        "n": 25,
        "name": "a",
        "at": "2026-01-01T00:30:00+00:00",
        "x_rate": 0.25,
    }
    limited = settings.model_copy(update={"alerts_dir": mine, "alerts": {"many": 25.0}})
    assert "many" not in said(look(limited, NOW))


@pytest.mark.usefixtures("loaded")
def test_rows_are_told_apart_by_the_key_or_else_as_a_whole(settings: Settings, mine: Path) -> None:
    rows = "select range % 2 as a, range as b from range(4)"
    (mine / "keyed.sql").write_text(f"{HEADER}-- key: a\n{rows}")
    (mine / "whole.sql").write_text(HEADER + rows)
    (mine / "endless.sql").write_text(HEADER + "from range(10_000_000_000)")
    found = look(settings.model_copy(update={"alerts_dir": mine}), NOW).findings
    keys = {
        name: [finding.key for finding in found if finding.alert == name]
        for name in ("keyed", "whole", "endless")
    }
    assert (len(set(keys["keyed"])), len(set(keys["whole"]))) == (2, 4)
    assert len(keys["endless"]) == MOST_FINDINGS
