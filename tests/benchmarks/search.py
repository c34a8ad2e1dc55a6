"""How long a search takes in what was said in many calls."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tests.benchmarks.history import make_of_calls
from tests.benchmarks.measure import Record, fresh, in_turn, median
from tests.benchmarks.options import as_json, folder_option, loaded_option, repeats_option

NEEDLE, NEEDLES = "xylophone", 12  # calls, all over the history
QUERIES = {
    "a common word": "the",
    "two words, Japanese": "予約 コース",
    "a phrase": '"thank you for"',
    f"a word in {NEEDLES} calls": NEEDLE,
    "a word that is nowhere": "zzyzx",
    "common words, never together": "call friday amount zzyzx",
}
PLAIN = """
select count(*)
from (
    select text from analytics.conversation_turns
    union all select text from fluents.messages
    union all select result_text from fluents.post_call_results
)
where
"""
BESIDE = {
    "every text, case alike": "contains(lower(text), 'zzyzx')",
    "every text, case and accents alike": "contains(lower(strip_accents(text)), 'zzyzx')",
}


@click.command("search")
@click.option("--calls", default=1_000_000, show_default=True, type=click.IntRange(1))
@loaded_option
@repeats_option
@folder_option
@as_json
def command(calls: int, loaded: int, repeats: int, folder: Path | None, as_json: bool) -> None:
    """Search for words that are common, rare and nowhere, as the command and the dashboard do.

    "first" is the first search of a process that has just opened the file, "cold" that with nothing
    of the file in the system's cache, "again" the same search once more. Beside them DuckDB looks
    for the word that is nowhere through every turn, message and result. The calls are made by SQL
    from those of a first real load, so that a word is as common in old calls as in new ones;
    into some, spread over all of them, a word is put that no other has.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-search-") as name:
        path = make_of_calls(Path(name), calls, loaded=loaded)
        counts = fresh(prepare, path)

        def run(function: Callable[..., Any], what: str, cold: bool) -> Callable[[], Any]:
            def once() -> Any:
                if cold:
                    drop_from_cache(path)
                return fresh(function, path, what)

            return once

        results = in_turn(
            {
                **{
                    f"{name}{', cold' * cold}": run(found, query, cold)
                    for name, query in QUERIES.items()
                    for cold in (False, True)
                },
                **{name: run(counted, condition, False) for name, condition in BESIDE.items()},
            },
            repeats,
        )
    record = Record("search", {**counts, "repeats": repeats})
    for name, runs in results.items():
        record.rows.append(
            {
                "what": name,
                "found": runs[0][0],
                "first_seconds": median([first for _, first, _, _ in runs]),
                "again_seconds": median([again for _, _, again, _ in runs]),
                "again_processor_seconds": median([processor for *_, processor in runs]),
            }
        )
    record.show(as_json)


def prepare(path: Path) -> dict[str, int]:
    """Puts the needle into some calls; how much there is to search in."""
    from fluents_pipelines.warehouse.duckdb_file.storage import connect

    with connect(path, "2GB") as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "create temp table chosen as select call_id from analytics.search_texts"
            " where transcripts is not null order by hash(call_id) limit ?",
            [NEEDLES],
        )
        chosen = "call_id in (select call_id from chosen)"
        connection.execute(
            f"update analytics.conversation_turns set text = text || ' {NEEDLE.title()}'"
            f" where line_index = 1 and {chosen};"
            "update analytics.search_texts"
            f" set transcripts = transcripts || chr(10) || '{NEEDLE}' where {chosen};"
            "checkpoint"
        )
        return {
            name: connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            for name, table in {
                "calls": "fluents.calls",
                "turns": "analytics.conversation_turns",
                "messages": "fluents.messages",
                "results": "fluents.post_call_results",
            }.items()
        }


def drop_from_cache(path: Path) -> None:
    """Asks the system to forget what it holds of a file in memory; Linux only."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def found(path: Path, query: str) -> tuple[int, float, float, float]:
    """How many calls a search found; the seconds of a first and a second one."""
    from fluents_pipelines.readers.search import search

    return _twice(
        path, lambda connection: len({hit.call_id for hit in search(connection, query).hits})
    )


def counted(path: Path, condition: str) -> tuple[int, float, float, float]:
    """The same of a query that looks at every text."""

    def run(connection: Any) -> int:
        return int(connection.execute(PLAIN + condition).fetchall()[0][0])

    return _twice(path, run)


def _twice(path: Path, run: Callable[[Any], int]) -> tuple[int, float, float, float]:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        # what DuckDB 1.5 imports for a first parameter, pandas among it, is not of the search
        connection.execute("select ?", [1]).fetchall()
        start = time.perf_counter()
        calls = run(connection)
        first = time.perf_counter() - start
        start, processor = time.perf_counter(), time.process_time()
        run(connection)
        return calls, first, time.perf_counter() - start, time.process_time() - processor
