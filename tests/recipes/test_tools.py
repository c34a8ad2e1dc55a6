"""docs/tools.md: tools of others on a published warehouse, in an environment of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_pipelines.models.built_in import models
from fluents_pipelines.tables import ALL_TABLES
from tests import needs
from tests.docs.pages import ROOT, fenced, named, section
from tests.recipes.running import run_shell, variables
from tests.recipes.test_clients import answer

pytestmark = pytest.mark.attack

DBT = named(section("docs/tools.md", "dbt"), "sh", "sources", "install", "build")

(ASSISTANT,) = fenced(section("docs/tools.md", "An AI assistant"), "json")
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


def ask(folder: Path, *steps: list[object]) -> list[Any]:
    """What an assistant gets that is configured as the page says."""
    server = Path(needs.tool("mcp-server-motherduck"))
    configured = ASSISTANT.replace("/var/lib/fluents-warehouse/tools/bin", str(server.parent))
    configured = configured.replace("/var/lib/fluents-warehouse", str(folder))
    (folder / "assistant.json").write_text(configured)
    ended = subprocess.run(
        [server.parent / "python", Path(__file__).with_name("mcp_client.py"), "assistant.json"],
        input=json.dumps(steps),
        cwd=folder,
        env=variables(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


def query(sql: str) -> list[object]:
    return ["call", "execute_query", {"sql": sql}]


def test_an_assistant_reads_the_comments_and_asks(folder: Path) -> None:
    columns = {"schema": "analytics", "table": "calls_daily"}
    tools, listed, described, answered = ask(
        folder,
        ["tools"],
        ["call", "list_tables", {}],
        ["call", "list_columns", columns],
        query("select status, count(*) from fluents.calls group by all"),
    )
    assert sorted(tools) == ["execute_query", "list_columns", "list_databases", "list_tables"]
    comments = {(one["schema"], one["name"]): one["comment"] for one in result(listed)["tables"]}
    for table in ALL_TABLES:
        assert comments["fluents", table.name] == table.description
    for model in models():
        assert comments["analytics", model.name] == model.description
    of_columns = {one["name"]: one["comment"] for one in result(described)["columns"]}
    assert of_columns["call_count"] == "Calls of any kind."
    assert all(of_columns.values())
    assert dict(result(answered)["rows"]) == answer(
        folder, "select status, count(*) from fluents.calls group by all"
    )


def test_an_assistant_can_neither_write_nor_leave_the_warehouse(folder: Path) -> None:
    outside = folder / "outside.csv"
    (folder / "secret.txt").write_text("secret")
    with duckdb.connect(str(folder / "other.duckdb")):
        pass
    before = (folder / "fluents_warehouse.duckdb").read_bytes()
    refused = ask(
        folder,
        query("delete from fluents.calls"),
        query("create table analytics.mine as select 1"),
        query(f"copy fluents.calls to '{outside}'"),
        query(f"from read_text('{folder / 'secret.txt'}')"),
        query(f"attach '{folder / 'other.duckdb'}'"),
        query("set enable_external_access = true"),
        query("install httpfs"),
    )
    assert [is_error for is_error, _ in refused] == [True] * 7
    words = [*["read-only"] * 2, *["disabled by configuration"] * 3, "locked", "disabled by"]
    assert all(word in text for word, (_, text) in zip(words, refused, strict=True)), refused
    assert not outside.exists()
    assert (folder / "fluents_warehouse.duckdb").read_bytes() == before


def test_an_assistant_sees_what_was_published_since(folder: Path) -> None:
    shutil.copyfile(folder / "fluents_warehouse.duckdb", folder / "next.duckdb")
    with duckdb.connect(str(folder / "next.duckdb")) as following:
        following.execute("delete from fluents.calls")
    count = query("select count(*) from fluents.calls")
    first, _, then = ask(
        folder, count, ["rename", "next.duckdb", "fluents_warehouse.duckdb"], count
    )
    assert result(first)["rows"] != [[0]]
    assert result(then)["rows"] == [[0]]


def result(answered: list[Any]) -> dict[str, Any]:
    is_error, text = answered
    assert not is_error, text
    return dict(json.loads(text))
