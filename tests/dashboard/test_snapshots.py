"""Visitors share a snapshot, and keep it while another is published."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fluents_connector.errors import QueryError
from fluents_connector.settings import Settings
from fluents_dashboard.snapshots import Figures, Snapshots, query_text
from fluents_pipelines.readers.snapshot import Snapshot
from tests.dashboard.test_pages import ALL


def count(figures: Figures) -> int:
    return int(figures.row("call_count", **ALL)["call_count"])


@pytest.fixture
def published(empty: Path, tmp_path: Path) -> Path:
    path = tmp_path / "it's.duckdb"
    shutil.copyfile(empty, path)
    return path


def publish(warehouse: Path, published: Path) -> None:
    shutil.copyfile(warehouse, published.parent / "next")
    (published.parent / "next").replace(published)


def test_a_visitor_keeps_the_snapshot_and_the_next_sees_the_new(
    week: Path, published: Path
) -> None:
    snapshots = Snapshots(Settings(warehouse_path=published))
    with snapshots.newest() as first:
        publish(week, published)
        with snapshots.newest() as second:
            assert (count(first), first.version == second.version) == (0, False)
            assert count(second) > 0
        assert count(first) == 0
    snapshots.close()


def test_many_visitors_at_once_are_answered_from_one_snapshot(week: Path) -> None:
    snapshots = Snapshots(Settings(warehouse_path=week))

    def visit(_: int) -> tuple[str, int, int]:
        with snapshots.newest() as figures:
            return figures.version, count(figures), id(figures.rows("extent"))

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(visit, range(40)))
    assert len(answers) == 1, "one file, one figure, one answer that all share"
    snapshots.close()


def test_an_outdated_snapshot_that_nobody_uses_is_closed(week: Path, published: Path) -> None:
    snapshots = Snapshots(Settings(warehouse_path=published))
    with snapshots.newest():
        publish(week, published)
        snapshots.drop_outdated()  # somebody looks at it
    snapshots.drop_outdated()
    with snapshots.newest() as figures:
        assert count(figures) > 0
    snapshots.close()


def test_a_question_that_fails_fails_for_all_and_is_asked_anew(week: Path) -> None:
    snapshots = Snapshots(Settings(warehouse_path=week))
    with snapshots.newest() as figures:
        for _ in range(2):
            with pytest.raises(QueryError, match="grain"):
                figures.rows("volumes", **{**ALL, "grain": "no grain"})
    with pytest.raises(QueryError, match="Install fluents-warehouse again"):
        query_text("nothing")
    snapshots.close()


def test_nothing_can_be_written_or_read_beside_the_warehouse(week: Path, tmp_path: Path) -> None:
    snapshot = Snapshot(Settings(warehouse_path=week))
    for sql in (
        "create table fluents.x (a int)",
        f"copy (select 1) to '{tmp_path}/x.csv'",
        "from read_text('/etc/hostname')",
    ):
        with pytest.raises(QueryError):
            snapshot.rows(sql)
    snapshot.close()
