"""Results of queries in each format, for every type that DuckDB has."""

from __future__ import annotations

import csv
import io
import json
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from fluents_connector.errors import QueryError
from fluents_connector.settings import Settings
from fluents_pipelines.readers.query import write_result
from fluents_pipelines.warehouse import open_published
from tests.deliveries import TOKEN

SQL = "select 1 as n, 'ü' as text, timestamptz '2026-01-01 00:00:00+00' as at, null as nothing"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n from range(25000)")
    return path


def opened(file: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return open_published(Settings(warehouse_path=file, webhooks={"main": TOKEN}))


def run(file: Path, sql: str, format_: str, *, defuse: bool = False) -> bytes:
    output = io.BytesIO()
    with opened(file) as connection:
        write_result(connection, sql, format_, output, defuse=defuse)
    return output.getvalue()


def test_table_is_duckdbs_box_on_a_terminal(file: Path) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    output = Terminal()
    with opened(file) as connection:
        write_result(connection, SQL, "table", output)
    assert "│     1 │ ü       │" in output.getvalue().decode()


def test_table_is_a_line_a_row_elsewhere(file: Path) -> None:
    lines = run(file, SQL, "table").decode().splitlines()
    assert [line.split("\t") for line in lines] == [
        ["n", "text", "at", "nothing"],
        ["1", "ü", "2026-01-01 00:00:00+00", "NULL"],
    ]


def test_in_a_pipe_a_table_has_all_rows_columns_and_characters(file: Path) -> None:
    wide = ", ".join(f"n + {number} as column_{number}" for number in range(200))
    sql = f"select {wide}, repeat('x', 1_000) as long from numbers order by n"
    header, *lines = run(file, f"{sql} limit 20_001", "table").decode().splitlines()
    assert header.split("\t") == [*(f"column_{number}" for number in range(200)), "long"]
    assert len(lines) == 20_001
    assert lines[-1].split("\t") == [*map(str, range(20_000, 20_200)), "x" * 1_000]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("chr(0) || 'a'", "\\x00a"),
        ("'a' || chr(10) || chr(9) || chr(13) || 'b'", "a\\n\\t\\rb"),
        ("chr(27) || '[31m'", "\\x1b[31m"),
        ("chr(8238) || 'x'", "\\u202ex"),
        ("'😀'", "😀"),
        ("''", ""),
        ("[1, null]", "[1, NULL]"),
        ("{'a': 'nan'::double}", "{'a': nan}"),
        ("'\\x00'::blob", "\\x00"),
    ],
    ids=["null byte", "line", "colour", "right to left", "emoji", "empty", "list", "row", "blob"],
)
def test_in_a_pipe_a_table_has_each_row_on_a_line(file: Path, value: str, shown: str) -> None:
    text = run(file, f"select {value} as v, 2 as v", "table").decode()
    assert text.split("\n")[1:] == [f"{shown}\t2", ""]


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
        opened(tmp_path / "none.duckdb"),
    ):
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("hello" * 1000)
    with pytest.raises(QueryError, match=r"text\.duckdb"), opened(path):
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


def test_columns_of_one_name_are_written_each(file: Path) -> None:
    sql = "select sum(n) as v, 2::hugeint as v, '=' as v from numbers"
    assert run(file, sql, "table") == b"v\tv\tv\n312487500\t2\t=\n"
    assert run(file, sql, "csv", defuse=True).splitlines()[1] == b"312487500,2,'="
    parquet = pyarrow.parquet.ParquetFile(io.BytesIO(run(file, sql, "parquet")))
    (batch,) = parquet.iter_batches()
    assert [column.to_pylist() for column in batch.columns] == [[312487500], [2], ["="]]


def test_a_name_of_our_python_code_is_no_table(file: Path) -> None:
    with pytest.raises(QueryError, match="sql"):
        run(file, "select * from sql", "table")


EACH_TYPE = {
    "interval": "interval 1 day",
    "union": "union_value(a := 1)",
    "bit": "'101'::bit",
    "time": "time '12:00'",
    "time with zone": "'12:00:00+02'::timetz",
    "time in nanoseconds": "'12:00:00.123456789'::time_ns",
    "hugeint": "99999999999999999999999999999999999999::hugeint",
    "uhugeint": "5::uhugeint",
    "bignum": "123456789012345::bignum",
    "decimal": "1.50::decimal(38, 10)",
    "enum": "'HUGEINT'::enum('HUGEINT', 'b')",
    "map": "map {'a': 1}",
    "struct": "{'a': [1], 'HUGEINT': {'json': interval 1 day}}",
    "list of hugeint": "[1::hugeint]",
    "array": "[1, 2]::int[2]",
    "blob": "'\\xAA\"'::blob",
    "uuid": "'00000000-0000-7000-8000-000000000000'::uuid",
    "nan": "'nan'::double",
    "infinity": "'-inf'::float",
    "json": """'{"a": 1}'::json""",
    "nanoseconds": "timestamp_ns '2026-01-01 00:00:00.123456789'",
    "seconds": "'2026-01-01'::timestamp_s",
    "infinite time": "'infinity'::timestamptz",
    "date": "date '0044-03-15 (BC)'",
    "variant": "5::variant",
    "null": "null",
    "empty list": "[]",
    "empty text": "''",
    "text with signs": "e'a\\nb,\"c\"\\t'",
}


@pytest.mark.parametrize("value", EACH_TYPE.values(), ids=EACH_TYPE)
def test_csv_is_what_duckdb_copies(file: Path, tmp_path: Path, value: str) -> None:
    sql = f'select {value} as v, 1 as "a b"'
    path = tmp_path / "copied.csv"
    with opened(file) as connection:
        connection.execute(f"copy ({sql}) to '{path}' (format csv, header)")
    assert run(file, sql, "csv") == path.read_bytes()


@pytest.mark.parametrize("value", EACH_TYPE.values(), ids=EACH_TYPE)
def test_parquet_holds_each_type(file: Path, tmp_path: Path, value: str) -> None:
    path = tmp_path / "written.parquet"
    path.write_bytes(run(file, f"select {value} as v, 1 as n", "parquet"))
    assert duckdb.sql(f"select n from '{path}'").fetchall() == [(1,)]
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == ["v", "n"]
    assert table["v"].null_count == (value == "null")


@pytest.mark.parametrize("value", EACH_TYPE.values(), ids=EACH_TYPE)
def test_each_line_of_json_is_an_object(file: Path, value: str) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON has no {constant}")

    for name in ("v", "result", "row", "row_", "ROW_"):
        line = run(file, f"select {value} as {name}, 1 as n", "json")
        found = json.loads(line, parse_constant=refuse)
        assert list(found) == [name, "n"]
        assert (found[name] is None) == (value in ("null", "'nan'::double", "'-inf'::float"))


def test_parquet_keeps_integers_whole(file: Path) -> None:
    sql = "select sum(n) + 9007199254740993 as total, [sum(n)] as totals from numbers"
    table = pyarrow.parquet.read_table(io.BytesIO(run(file, sql, "parquet")))
    assert table.to_pylist() == [{"total": 9007199567228493, "totals": [312487500]}]
    with pytest.raises(QueryError, match="DECIMAL"):
        run(file, "select 170141183460469231731687303715884105727 as v", "parquet")


def test_json_has_null_for_what_is_no_number_and_keeps_texts(file: Path) -> None:
    sql = """select 'nan'::double as nan, [{'x': '-inf'::float}] as inf, 'NaN, -Infinity "inf"' as
        text, '[NaN, "NaN"]'::json as odd, map {'nan'::double: 1} as named, 'a\\' as "-inf" """
    assert json.loads(run(file, sql, "json")) == {
        "nan": None,
        "inf": [{"x": None}],
        "text": 'NaN, -Infinity "inf"',
        "odd": [None, "NaN"],
        "named": {"nan": 1},
        "-inf": "a\\",
    }


STATEMENTS = (
    "describe numbers", "show tables", "values (1)", "explain select 1", "summarize numbers",
    "pragma version", "call duckdb_settings()", "select 1 as a -- all", "table numbers",
)  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "json", "parquet", "table"])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_what_returns_rows_can_be_written(file: Path, sql: str, format_: str) -> None:
    assert run(file, sql, format_)


def test_columns_of_one_name_are_told_apart(file: Path) -> None:
    sql = "select 1 as a, 2 as a"
    assert run(file, sql, "csv") == b"a,a_1\n1,2\n"
    assert json.loads(run(file, sql, "json")) == {"a": 1, "a_1": 2}
    table = pyarrow.parquet.read_table(io.BytesIO(run(file, sql, "parquet")))
    assert table.column_names == ["a", "a_1"]


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "=cmd|' /C x'!A1",
]
HARMLESS = ["", "a=1", "+4915112345", "-5.25", "-1e3", "'=1", " text", "[=1]"]


def test_defused_csv_holds_no_formula_and_the_same_numbers(file: Path) -> None:
    sql = "select unnest(getvariable('texts')) as \"=name\", -5 as n, '-inf'::double as f"
    output = io.BytesIO()
    with opened(file) as connection:
        connection.execute("set variable texts = ?", [[*FORMULAS, *HARMLESS, None]])
        write_result(connection, sql, "csv", output, defuse=True)
    rows = list(csv.reader(io.StringIO(output.getvalue().decode(), newline="")))
    assert rows[0] == ["'=name", "n", "f"]
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in FORMULAS), *HARMLESS, ""]
    assert {tuple(row[1:]) for row in rows[1:]} == {("-5", "-inf")}


@pytest.mark.parametrize("value", EACH_TYPE.values(), ids=EACH_TYPE)
def test_defused_csv_takes_every_type(file: Path, value: str) -> None:
    sql = f"select {value} as v"
    assert run(file, sql, "csv", defuse=True) == run(file, sql, "csv")
    formula = run(file, "select '=1'::blob as a, '=1'::enum('=1') as b", "csv", defuse=True)
    assert formula == b"a,b\n'=1,'=1\n"


def test_a_reader_that_goes_away_ends_the_query(file: Path) -> None:
    class Gone(io.RawIOBase):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    with opened(file) as connection, pytest.raises(BrokenPipeError):
        write_result(connection, "from range(1000000000)", "csv", Gone())  # type: ignore[arg-type]
