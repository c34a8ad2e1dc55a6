"""The headers of alerts, ours and the user's, and the limits that the settings may change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from fluents_connector.errors import SettingsError
from fluents_connector.settings import Settings
from fluents_pipelines.alerts import check_limits
from fluents_pipelines.alerts.facts import FACTS
from fluents_pipelines.alerts.files import built_in, limits_of, read, switched_on
from fluents_pipelines.sql_files import column_comments

HEADER = "-- severity: warning\n-- says: x\n"
ALERTS = {alert.name: alert for alert in built_in()}


def errors(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return [error.removeprefix(f"{folder}/") for error in read(folder).errors]


def test_every_alert_of_ours_says_what_it_is_and_what_it_asks_for() -> None:
    for alert in ALERTS.values():
        header = alert.file.header
        assert alert.file.description
        assert "?" in header["questions"]
        assert header["grain"]
        assert alert.link == f"docs/alerts.md#{alert.name}"
        columns = column_comments(alert.file)
        assert {*alert.key, *re.findall(r"\{(\w+)\}", alert.says)} <= columns.keys()
        assert all(columns.values()), alert.name
        asked = set(re.findall(r"getvariable\('(\w+)'\)", alert.file.sql))
        assert asked <= FACTS.keys() | {limit.name for limit in alert.limits}
        assert {limit.name for limit in alert.limits} <= asked
        assert not re.search(r"\bif\s*\(|\bnow\s*\(|\bcurrent_", alert.file.sql), alert.name


WRONG = {
    "no_header": ("select 1", ":1: its header needs `-- severity: warning`"),
    "severity": ("-- X.\n-- severity: bad\n-- says: x\nselect 1", ":2: its header needs"),
    "no_sentence": ("-- severity: critical\nselect 1", ":1: its header needs `-- says: …`"),
    "limit": (HEADER + "-- limits: high\nselect 1", ":3: `high` is no limit. Write, say, `mine ="),
    "limit_of_another": (
        HEADER + "-- limits: lag = 1 (0 to 2): x\nselect 1",
        ":3: the name of a limit begins with mine: `lag`",
    ),
    "limit_out_of_its_range": (
        HEADER + "-- limits: mine = 3 (0 to 2): x\nselect 1",
        ":3: 3 of `mine` is not 0 to 2",
    ),
}


@pytest.mark.parametrize(("text", "error"), WRONG.values(), ids=WRONG)
def test_a_header_that_is_wrong_is_named_with_its_line_and_the_others_are_read(
    tmp_path: Path, text: str, error: str
) -> None:
    (found,) = errors(tmp_path, mine=text, right=HEADER + "select 1")
    assert found.startswith(f"mine.sql{error}")
    assert {alert.name for alert in read(tmp_path).alerts} == {*ALERTS, "right"}


@pytest.mark.parametrize("name", ["silence", "Mine", "2nd"])
def test_a_name_must_be_free_and_do_for_an_alert(tmp_path: Path, name: str) -> None:
    (found,) = errors(tmp_path, **{name: HEADER + "select 1"})
    assert found.startswith(f"{name}.sql:1: `{name}` ")


def test_a_name_that_each_alert_may_ask_for_is_no_limit(tmp_path: Path) -> None:
    (found,) = errors(tmp_path, now=HEADER + "-- limits: now = 1 (0 to 2): x\nselect 1")
    assert found.startswith("now.sql:3: `now` is what each alert may ask for already")


def test_a_folder_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    (error,) = read(tmp_path / "none").errors
    assert "alerts_dir cannot be read" in error


def test_the_settings_change_limits_of_ours_and_of_the_users_own(tmp_path: Path) -> None:
    errors(tmp_path, mine=HEADER + "-- limits: mine = 1 (0 to 2): x; mine_b = 1.5 (1 to 2): y\n")
    settings = Settings(
        alerts_dir=tmp_path, alerts={"error_rate": 0.3, "mine_b": "1.75", "lag": False}
    )
    alerts = read(tmp_path).alerts
    limits = limits_of(alerts, settings)
    assert (limits["error_rate"], limits["mine"], limits["mine_b"]) == (0.3, 1, 1.75)
    assert {alert.name for alert in switched_on(alerts, settings)} == {*ALERTS, "mine"} - {"lag"}
    check_limits(settings)


UNFIT = {
    "unknown": ({"eror_rate": 0.2}, r"`alerts\.eror_rate` is neither .* mean `error_rate`\?"),
    "like_nothing": ({"x": 1}, r"There are: answer_rate, .*unreadable\."),
    "per_cent": ({"error_rate": 20}, r"20 is out of range\. Write a number from 0 to 1: share of"),
    "no_alert": ({"error_rate_hours": False}, r"only an alert can be false\. Write a number from"),
    "no_limit": ({"unreadable": 1}, r"has no limit\. Write unreadable = false"),
}


@pytest.mark.parametrize(("alerts", "error"), UNFIT.values(), ids=UNFIT)
def test_a_limit_that_no_alert_has_is_an_error_that_says_what_to_write(
    alerts: dict[str, float], error: str
) -> None:
    with pytest.raises(SettingsError, match=error):
        check_limits(Settings(alerts=alerts))


@pytest.mark.parametrize("value", [True, "yes", "nan", float("inf"), -1, None, [1]], ids=repr)
def test_a_limit_is_a_number_or_false(value: object) -> None:
    with pytest.raises(ValidationError, match="write a number"):
        Settings(alerts={"lag": value})


def test_what_is_out_of_range_counts_as_not_written_where_nobody_can_be_told() -> None:
    assert limits_of(built_in(), Settings(alerts={"error_rate": 20}))["error_rate"] == 0.1
