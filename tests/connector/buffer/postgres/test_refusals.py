"""What a server refuses is said in one sentence, with what to do, and without a password."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fluents_connector.buffer import buffer_store, open_buffer
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from fluents_connector.buffer.postgres.schema import refuse_server
from fluents_connector.buffer.postgres.store import PostgresStore
from fluents_connector.errors import BufferRefused, BufferUnavailable, FluentsError, SettingsError
from fluents_connector.settings import Settings
from tests.contract.buffer.expected import GOOD
from tests.deliveries import TOKEN, body, delivery, whole
from tests.postgres import Server, running, standby_of

PASSWORD = "tests-only-%-p@ss/word:"  # noqa: S105 # opens nothing but tests
ENCODED = "tests-only-%25-p%40ss%2Fword%3A"


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Server]:
    """A server that asks all but its owner for a password."""
    with running() as server:
        rules = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (server.folder / "pg_hba.conf").write_text(rules)
        with server.connect() as connection:
            for statement in (
                "create role fluents login password 'tests-only-%-p@ss/word:'",
                "create role stranger login password 'tests-only-%-p@ss/word:'",
                "create role few login connection limit 1 password 'tests-only-%-p@ss/word:'",
                "create schema own authorization fluents",
                "create schema few authorization few",
                "revoke create on schema public from public",
            ):
                connection.execute(statement)
        server.reload()
        yield server


def url(server: Server, user: str = "fluents", password: str = ENCODED, database: str = "") -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{server.port}/{database or 'postgres'}"


def said(error: FluentsError) -> str:
    """All that an error says, with what caused it, as a log would show it."""
    shown: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        shown.append(cause)
        cause = cause.__cause__
    return " ".join(f"{one} {one!r}" for one in shown)


@pytest.mark.parametrize(
    ("user", "password", "database", "schema", "expected"),
    [
        ("fluents", "wrong", "", "own", r"password authentication failed .* in PGPASSWORD"),
        ("nobody", ENCODED, "", "own", r"authentication failed .* in PGPASSWORD"),
        ("fluents", ENCODED, "missing", "own", r'"missing" does not exist.* make them'),
        ("stranger", ENCODED, "", "own", r"permission denied .* create schema own authorization"),
        ("stranger", ENCODED, "", "new", r"permission denied .* create schema new authorization"),
        ("few", ENCODED, "", "few", r"too many connections .* connection limit"),
    ],
    ids=["wrong password", "no such user", "no database", "no rights", "no schema", "too many"],
)
def test_who_may_not_is_told_what_to_do(
    strict_server: Server, user: str, password: str, database: str, schema: str, expected: str
) -> None:
    if schema == "own":
        PostgresBuffer(Address(url(strict_server), "own")).close()
    address = Address(url(strict_server, user, password, database), schema)
    with (
        pytest.raises(BufferUnavailable, match=expected) as raised,
        closing(PostgresBuffer(address)) as buffer,
    ):
        buffer.append(delivery(GOOD[0]))
    text = said(raised.value)
    assert "\n" not in str(raised.value)
    assert "tests-only" not in text
    assert "wrong" not in text.replace("wrong password", "")
    assert f"postgresql://{user}@127.0.0.1" in text


def test_the_least_rights_that_the_page_names_are_enough(strict_server: Server) -> None:
    with closing(PostgresBuffer(Address(url(strict_server), "own"))) as buffer:
        buffer.append(delivery(body("event_error", "with few rights"), bits=7))
        buffer.confirm(buffer.counts().last_position)
        assert buffer.discard(loaded_before=2**62, quarantined_before=2**62) == 1


def test_a_password_comes_in_libpqs_own_ways(
    strict_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = f"postgresql://fluents@127.0.0.1:{strict_server.port}/postgres"
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BufferUnavailable, match="no password supplied"):
        PostgresBuffer(Address(bare, "own"))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    PostgresBuffer(Address(bare, "own")).close()
    monkeypatch.delenv("PGPASSWORD")
    service = tmp_path / "service.conf"
    service.write_text(
        f"[fluents]\nhost=127.0.0.1\nport={strict_server.port}\nuser=fluents\n"
        f"dbname=postgres\npassword={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    address = Address("postgresql:///?service=fluents", "own")
    PostgresBuffer(address).close()
    assert str(address) == "postgresql:///?service=fluents (schema own)"


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://me:secret@host:port/db",
        "postgresql://me:sec/ret@host/db",
        "postgresql://me:secret@[host/db",
        "postgresql://me:secret%@host/db",
        "postgresql://me:secret@host/db?pasword=secret",
    ],
)
def test_a_url_that_cannot_be_read_is_not_quoted(wrong: str) -> None:
    store = PostgresStore(Address(wrong, "fluents_buffer"))
    with pytest.raises(SettingsError, match="buffer_url") as raised:
        store.open()
    assert "sec" not in said(raised.value) + store.description + repr(store.address)


def test_no_setting_shows_the_password(tmp_path: Path) -> None:
    settings = Settings(
        buffer_url=f"postgresql://me:{ENCODED}@db-1,db-2:5433/fluents?sslmode=require",
        data_dir=tmp_path,
        webhooks={"main": TOKEN},
    )
    store = buffer_store(settings)
    assert "tests-only" not in repr(settings) + store.description
    assert store.description == "postgresql://me@db-1,db-2:5433/fluents (schema fluents_buffer)"
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 # our own


def test_replicas_are_refused_to_a_buffer_in_sqlite(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, require_replicas=1)
    with pytest.raises(SettingsError, match=r"`require_replicas`: a buffer in SQLite has no"):
        open_buffer(settings)
    assert not (tmp_path / "buffer.sqlite").exists()


def test_what_is_not_ours_or_newer_is_left_unchanged(postgres_server: Server, schema: str) -> None:
    store = PostgresStore(Address(postgres_server.url(), schema))
    with postgres_server.connect() as connection:
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.buffer (mine text)")
        with pytest.raises(BufferRefused, match=r"another program; it was left unchanged"):
            store.open()
        assert not store.exists()
        connection.execute(f"drop schema {schema} cascade")
        store.open().close()
        connection.execute(f"update {schema}.buffer set format = 99")
        for use in (store.open, lambda: list(store.findings())):
            with pytest.raises(BufferRefused, match=r"newer fluents-warehouse.*format is 99"):
                use()
        assert store.exists()


def test_a_server_that_is_too_old_is_refused() -> None:
    refuse_server(140_000)
    with pytest.raises(BufferRefused, match=r"of version 13; needed is 14 or later"):
        refuse_server(130_021)


def test_a_server_that_is_gone_is_unavailable_and_not_empty(schema: str) -> None:
    with running() as server:
        store = PostgresStore(Address(server.url(), schema))
        with closing(store.open()) as buffer:
            buffer.append(delivery(GOOD[0]))
            server.stop()
            assert store.exists()  # so that nobody reports an empty one
            for use in (store.require, store.open, buffer.counts, buffer.check):
                with pytest.raises(BufferUnavailable, match="whether the Postgres server runs"):
                    use()
            server.start()
            assert buffer.counts().received == 1
            assert buffer.append(delivery(GOOD[1], bits=1)).duplicate_of is None


def test_a_standby_is_not_taken_for_the_primary(
    postgres_server: Server, schema: str, standby: Server
) -> None:
    with pytest.raises(BufferUnavailable, match=r"read-only.*name the primary, or all servers"):
        PostgresBuffer(Address(standby.url(), schema))
    both = f"postgresql://owner@127.0.0.1:{standby.port},127.0.0.1:{postgres_server.port}/postgres"
    with closing(PostgresBuffer(Address(both, schema))) as buffer:
        buffer.append(delivery(GOOD[0]))


@pytest.fixture
def standby(postgres_server: Server) -> Iterator[Server]:
    with standby_of(postgres_server, "reader") as server:
        yield server


@pytest.mark.parametrize("statement", ["append", "check"])
def test_a_server_that_does_not_sync_stores_nothing(schema: str, statement: str) -> None:
    with (
        running(fsync="off") as server,
        closing(PostgresBuffer(Address(server.url(), schema))) as buffer,
    ):
        use: Callable[[], object] = (
            buffer.check if statement == "check" else lambda: buffer.append(delivery(GOOD[0]))
        )
        with pytest.raises(BufferUnavailable, match=r"fsync is off\. Set fsync = on"):
            use()
        assert buffer.counts().received == 0
        assert "fsync = off" in buffer.durability().description


def test_a_commit_waits_for_the_disk_whatever_the_roles_settings_say(
    postgres_server: Server, schema: str
) -> None:
    with postgres_server.connect() as connection:
        connection.execute(f"create role {schema} login superuser")
        connection.execute(f"alter role {schema} set synchronous_commit = off")
        with closing(PostgresBuffer(Address(postgres_server.url(user=schema), schema))) as buffer:
            assert "synchronous_commit = on" in buffer.durability().description
            assert buffer.durability().replicas == 0
        connection.execute(f"drop schema {schema} cascade")
        connection.execute(f"drop role {schema}")


def test_a_name_with_any_character_is_stored(direct: PostgresBuffer) -> None:
    content = '{"call_id": "a\\u0000b", "type": "é\\u0000😀"}'.encode()
    direct.append(delivery(content))
    (row,) = whole(direct).rows
    assert (row.call_id, row.type, row.body) == ("a\0b", "é\0😀", content)
    assert direct.changed() == []
    assert direct.quarantined_delivery("\0") is None


def test_a_database_of_another_encoding_keeps_all_text(postgres_server: Server) -> None:
    with postgres_server.connect() as connection:
        connection.execute("create database latin encoding 'LATIN1' template template0")
    with closing(PostgresBuffer(Address(postgres_server.url("latin"), "own"))) as buffer:
        buffer.append(delivery("[1, 😀]".encode()))
        (row,) = buffer.quarantined(1)
        assert row.detail is not None
        buffer.append(delivery(body("event_error", "😀", call_id="😀"), bits=1))
        assert whole(buffer).rows[1].call_id == "😀"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("drop database latin with (force)")
