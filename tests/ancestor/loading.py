"""The way of the deliveries into a warehouse."""

from __future__ import annotations

from pathlib import Path

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import new_event_id, validate
from fluents_connector.redaction import Redactor
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.ancestor.forms import FORMS, Call, bodies
from tests.deliveries import TOKEN, Clock


def load_all(folder: Path, calls: list[Call]) -> Path:
    """Loads each of `calls` in each form, as the receiver stores them; returns the warehouse."""
    settings = Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,  # the clock stands in the past
        publish_share=1,
    )
    clock, redactor = Clock(), Redactor(settings.redact_fields)
    buffer = SqliteBuffer(settings.buffer_file)
    for call in calls:
        deliveries = []
        for form in FORMS:
            for body in bodies(call, form):
                at = clock()
                validated = validate(
                    body, webhook="main", received_at=at, event_id=new_event_id(at, 0)
                )
                deliveries.append(redactor.redacted(validated))
        buffer.append_all(deliveries)
    buffer.close()
    with Loader(settings) as loader:
        loader.load(is_last=True)
    return settings.warehouse_path
