"""Fixtures that all tests share. Everything is real and lives below the test's own tmp_path."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings as settings_of_hypothesis

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from tests.attacks.disk import FaultyDisk, compile_faulty
from tests.deliveries import Clock
from tests.loads import settings_in
from tests.postgres import Server, running
from tests.processes import Receiver, run_command

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings_of_hypothesis.register_profile("many")  # see tests/pipelines/profiles.py
# Its tests need DuckDB's extension quack, which PyPI has for DuckDB 1.5.5: see .ci/run.
collect_ignore = [] if find_spec("duckdb_extension_quack") else ["quack"]
PROCESS_FOLDERS = {
    "ancestor",
    "attacks",
    "benchmarks",
    "cli",
    "docs",
    "notebooks",
    "quack",
    "recipes",
}
DEAR = (  # paths that begin so: most of their tests load a warehouse, or start servers
    "connector/receiver/test_refusals",
    "connector/receiver/test_server",
    "connector/receiver/test_tls",
    "connector/receiver/test_wsgi",
    "contract/buffer/test_many_writers",
    "contract/warehouse",
    "pipelines/alerts",
    "pipelines/models",
    "pipelines/readers",
    "pipelines/test_any",
    "pipelines/test_load",
    "pipelines/test_replay",
    "pipelines/warehouse",
    "recorded",
    "second_count",
    "test_imports",
    "test_secrets",
)
PROCESS_FIXTURES = {"command", "receiver", "disk", "faulty_library", "postgres_server"}
PRINTED = ("dlt", "duckdb", "flask", "granian", "pyarrow")


def pytest_xdist_auto_num_workers() -> int:
    """More than the cores, as the tests wait for processes a third of their time."""
    has_affinity = hasattr(os, "sched_getaffinity")  # Linux; containers may have fewer cores
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return cores * 3 // 2


def pytest_report_header() -> str:
    """The versions that matter when a test fails elsewhere."""
    return "with " + ", ".join(f"{name} {version(name)}" for name in PRINTED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what starts processes as `process`; `quick` is what does not, and loads little."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here)
        needed = PROCESS_FIXTURES & set(getattr(item, "fixturenames", ()))
        if path.parts[0] in PROCESS_FOLDERS or needed or item.get_closest_marker("attack"):
            item.add_marker("process")
        elif not path.as_posix().startswith(DEAR):
            item.add_marker("quick")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buffer(settings: Settings) -> Iterator[SqliteBuffer]:
    buffer = SqliteBuffer(settings.buffer_file)
    yield buffer
    buffer.close()


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `fluents-warehouse …` in a process of its own, in the test's folder."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return run_command(tmp_path, *arguments, **options)

    return run


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A real receiver, with two workers, in processes of its own."""
    with Receiver(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A Postgres server of this test process."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def faulty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_faulty(tmp_path_factory.mktemp("faulty"))


@pytest.fixture
def disk(faulty_library: Path, tmp_path: Path) -> FaultyDisk:
    """The disk of the test's folder, for processes that get its `env`."""
    return FaultyDisk(faulty_library, tmp_path)
