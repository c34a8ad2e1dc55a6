"""docs/tools.md: tools of others on a published warehouse, in an environment of their own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from tests import needs
from tests.docs.pages import ROOT, named, section
from tests.recipes.running import run_shell

pytestmark = pytest.mark.attack

DBT = named(section("docs/tools.md", "dbt"), "sh", "sources", "install", "build")

STATUSES = ("ended", "did_not_connect", "in_progress", "error", "unknown")


@pytest.fixture
def dbt_folder(folder: Path) -> Path:
    """The folder with the small project in it."""
    shutil.copytree(ROOT / "docs" / "dbt", folder / "dbt")
    return folder


def with_tools(tool: str, code: str) -> str:
    """Code of the page, where the tools are on the path after all that is ours."""
    return f'export PATH="$PATH:{Path(needs.tool(tool)).parent}"\n{code}'


def ended(printed: str) -> dict[str, int]:
    """How many nodes of dbt passed, failed and so on."""
    return {word: int(n) for word, n in re.findall(r"\b([A-Z]+)=(\d+)", printed.split("Done.")[-1])}


def test_dbt_finds_every_promise_kept_and_builds_its_models(dbt_folder: Path) -> None:
    published = dbt_folder / "fluents_warehouse.duckdb"
    before = published.read_bytes()
    printed = run_shell(dbt_folder, with_tools("dbt", DBT["build"]))
    counts = ended(printed)
    assert counts.pop("PASS") == counts.pop("TOTAL") > 130
    assert set(counts.values()) == {0}
    assert "deprecat" not in printed.lower()
    assert published.read_bytes() == before
    with (
        duckdb.connect(str(published), read_only=True) as warehouse,
        duckdb.connect(str(dbt_folder / "dbt" / "mine.duckdb"), read_only=True) as mine,
    ):
        calls = warehouse.execute("select count(*) from fluents.calls").fetchall()
        assert mine.execute("select sum(call_count) from calls_by_week").fetchall() == calls
        assert len(mine.execute("from weeks_compared").fetchall()) > 0
        assert mine.execute("select count(*) from contacts_to_call").fetchall() == (
            warehouse.execute(
                "select count(*) from analytics.contact_history"
                " where outbound_count > 1 and answered_count = 0"
            ).fetchall()
        )


def test_dbt_finds_what_breaks_a_promise(dbt_folder: Path) -> None:
    code = with_tools("dbt", DBT["build"].replace("dbt build", "dbt test --select source:fluents"))
    published = dbt_folder / "fluents_warehouse.duckdb"
    broken = dbt_folder / "broken.duckdb"
    shutil.copyfile(published, broken)
    with duckdb.connect(str(broken)) as connection:
        connection.execute("create table another as from fluents.calls limit 1")
        connection.execute("insert into fluents.calls from another")
        connection.execute("update another set call_id = 'new', status = 'odd'")
        connection.execute("insert into fluents.calls from another")
        connection.execute("create table turn as from fluents.transcript_turns limit 1")
        connection.execute("insert into fluents.transcript_turns from turn")
        connection.execute("update turn set turn_index = 1000, event_id = 'lost'")
        connection.execute("insert into fluents.transcript_turns from turn")
    printed = run_shell(dbt_folder, f"({code}) || true".replace(published.name, broken.name))
    assert set(re.findall(r"Failure in test (\w+)", printed)) == {
        f"source_accepted_values_fluents_calls_status__{'__'.join(STATUSES)}",
        "source_relationships_fluents_transcript_turns_event_id__event_id__source_fluents_events_",
        "source_unique_fluents_calls_call_id",
        "source_unique_fluents_transcript_turns__event_id_turn_index_",
    }
