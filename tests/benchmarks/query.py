"""How long each model takes to answer on many calls."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.benchmarks.history import make_of_calls
from tests.benchmarks.measure import Record, fresh, in_turn, median
from tests.benchmarks.options import as_json, folder_option, loaded_option, repeats_option

# A hash reads every column of every row, which a plain count would leave out.
ALL_ROWS = "select count(*), max(hash(model)) from analytics.{model} as model"
FIRST_ROWS = "from analytics.{model} limit 100"


@click.command("query")
@click.option("--calls", default=1_000_000, show_default=True, type=click.IntRange(1))
@loaded_option
@repeats_option
@folder_option
@as_json
def command(calls: int, loaded: int, repeats: int, folder: Path | None, as_json: bool) -> None:
    """Ask every model of sql/models for all that it has, and for a first screenful.

    A reader with DuckDB's own settings has the published file open. The calls are made by SQL from
    those of a first real load.
    """
    from fluents_pipelines.models.built_in import models

    names = [model.name for model in models()]
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-query-") as name:
        path = make_of_calls(Path(name), calls, loaded=loaded)
        counts = {
            table: answer(path, f"select count(*) from fluents.{table}")[0]
            for table in ("calls", "events")
        }

        def ask(sql: str, model: str) -> Callable[[], tuple[int, float]]:
            return lambda: fresh(answer, path, sql.format(model=model))

        results = in_turn(
            {
                f"{name}: {what}": ask(sql, name)
                for name in names
                for what, sql in (("every column of all rows", ALL_ROWS), ("100 rows", FIRST_ROWS))
            },
            repeats,
        )
    record = Record("query", {**counts, "repeats": repeats})
    for name, answers in results.items():
        record.rows.append(
            {
                "what": name,
                "rows": answers[0][0],
                "seconds": median([seconds for _, seconds in answers]),
            }
        )
    record.show(as_json)


def answer(path: Path, sql: str) -> tuple[int, float]:
    """How many rows a query read or gave, and in how many seconds."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        start = time.perf_counter()
        rows = connection.execute(sql).fetchall()
        return rows[0][0] if len(rows) == 1 else len(rows), time.perf_counter() - start
