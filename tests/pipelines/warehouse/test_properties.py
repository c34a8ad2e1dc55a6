"""A warehouse says of itself what it was told, after a rollback and in a copy too."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from fluents_pipelines.warehouse import properties


def test_a_value_is_kept_in_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    with closing(duckdb.connect(path)) as connection:
        properties.prepare(connection)
        properties.prepare(connection)
        properties.put(connection, "version", "1")
        properties.put(connection, "version", "2")
        properties.put(connection, "other", "x")
    with closing(duckdb.connect(path, read_only=True)) as connection:
        assert properties.get(connection, "version") == "2"
        assert properties.get(connection, "other") == "x"
        assert properties.get(connection, "none") is None


def test_a_warehouse_without_the_table_has_no_values() -> None:
    with closing(duckdb.connect()) as connection:
        assert properties.get(connection, "version") is None


def test_a_value_is_rolled_back_with_its_transaction() -> None:
    with closing(duckdb.connect()) as connection:
        properties.prepare(connection)
        properties.put(connection, "version", "1")
        connection.execute("begin")
        properties.put(connection, "version", "2")
        connection.execute("rollback")
        assert properties.get(connection, "version") == "1"
