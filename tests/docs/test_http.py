"""docs/http.md says what the receiver answers and measures, and nothing else."""

from __future__ import annotations

import json
import re
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import AlertRecord, FileLoaderState, LoadReport, PublishReport
from fluents_connector.receiver.metrics import Metrics
from tests.docs.pages import first_cells, section

PAGE = "docs/http.md"
PATHS = json.loads((files("fluents_connector.receiver") / "openapi.json").read_bytes())["paths"]


def cells(title: str) -> list[str]:
    return [cell.strip("`") for cell in first_cells(section(PAGE, title))]


def test_it_has_the_statuses_that_the_receiver_describes_for_a_delivery() -> None:
    assert cells("Deliveries") == sorted(PATHS["/fluents/webhook/{token}"]["post"]["responses"])


def test_it_has_the_other_paths_that_the_receiver_describes() -> None:
    assert set(cells("Health")) == PATHS.keys() - {"/fluents/webhook/{token}"}


def test_it_has_every_metric_and_no_other(tmp_path: Path) -> None:
    state = FileLoaderState(tmp_path)
    published = PublishReport("whole copy", 1, 1.0)
    state.write_report(LoadReport(0, 1, 0, succeeded=True, error=None, published=published))
    state.record_alerts(AlertRecord(1, {"lag": "critical"}))
    with closing(SqliteBuffer(tmp_path / "buffer.sqlite")) as buffer:
        text = Metrics(buffer, state).page().decode()
    measured = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert {name for name in measured if not name.endswith("_created")} == {*cells("Metrics")}
