from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from connector.errors import QueryError
from pipelines.query import published, write_result

SQL = "select 1 as n, 'ü' as text, timestamptz '2026-01-01 00:00:00+00' as at, null as nothing"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n from range(25000)")
    return path


def run(file: Path, sql: str, format_: str) -> bytes:
    output = io.BytesIO()
    with published(file) as connection:
        write_result(connection, sql, format_, output)
    return output.getvalue()


def test_table_is_for_people(file: Path) -> None:
    assert "│     1 │ ü       │" in run(file, SQL, "table").decode()


def test_csv_has_a_header_and_every_row(file: Path) -> None:
    lines = run(file, "select n from numbers order by n", "csv").decode().splitlines()
    assert lines[:3] == ["n", "0", "1"]
    assert len(lines) == 25_001


def test_json_is_one_object_a_line(file: Path) -> None:
    assert json.loads(run(file, SQL, "json")) == {
        "n": 1,
        "text": "ü",
        "at": "2026-01-01 00:00:00+00",
        "nothing": None,
    }
    assert len(run(file, "from numbers", "json").splitlines()) == 25_000


def test_parquet_can_be_read_back(file: Path) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(run(file, "from numbers", "parquet")))
    assert table.num_rows == 25_000
    assert table.column_names == ["n"]


def test_the_published_file_cannot_be_changed(file: Path) -> None:
    with pytest.raises(QueryError, match="read-only"):
        run(file, "delete from numbers", "table")


def test_a_wrong_query_says_what_is_wrong(file: Path) -> None:
    with pytest.raises(QueryError, match="no_such_table"):
        run(file, "select * from no_such_table", "csv")


def test_an_empty_query_is_no_query(file: Path) -> None:
    with pytest.raises(QueryError, match="no query"):
        run(file, "", "table")


def test_a_missing_warehouse_says_to_load_first(tmp_path: Path) -> None:
    with (
        pytest.raises(QueryError, match="fluents-warehouse load"),
        published(tmp_path / "none.duckdb"),
    ):
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("hello" * 1000)
    with pytest.raises(QueryError, match=r"text\.duckdb"), published(path):
        pass


ODD = "select [1, 2] as list, interval 1 day as span, sum(range) as total from range(3)"


def test_json_keeps_numbers_and_lists_as_they_are(file: Path) -> None:
    assert json.loads(run(file, ODD, "json")) == {"list": [1, 2], "span": "1 day", "total": 3}


def test_csv_takes_every_type(file: Path) -> None:
    lines = run(file, ODD, "csv").decode().splitlines()
    assert lines == ["list,span,total", '"[1, 2]",1 day,3']


def test_two_queries_at_once_are_refused(file: Path) -> None:
    with pytest.raises(QueryError, match="one query"):
        run(file, "select 1; select 2", "table")


def test_a_name_of_our_python_code_is_no_table(file: Path) -> None:
    with pytest.raises(QueryError, match="sql"):
        run(file, "select * from sql", "table")
