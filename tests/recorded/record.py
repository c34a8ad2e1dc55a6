"""Records a working set-up of the version that runs it: see README.md in this folder.

python tests/recorded/record.py NAME        in a checkout of that version
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import new_event_id, validate
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader

START = 1_767_225_600_000_000  # 2026-01-01 00:00:00 UTC, in microseconds
PARTS = ("data", "published.duckdb", ".published.duckdb.snapshots", "models")
OWN_MODEL = (
    "-- Events of each call.\n"
    "select call_id, count(*) as events from fluents.events group by call_id\n"
)


def event(type_: str, payload: Any, call_id: str, **fields: Any) -> bytes:
    """A body as Fluents would send it."""
    return json.dumps({"call_id": call_id, "type": type_, **fields, "payload": payload}).encode()


def loaded() -> list[bytes]:
    """What the warehouse holds: whole calls, odd bodies, and the beginnings of calls."""
    simulated = [delivery.body for delivery in islice(simulate(seed=1), 260)]
    started = [
        event(
            "event_phone_call_connected",
            {"from_phone_number": f"+1555000{n}", "to_phone_number": "+1999"},
            f"going-{n}",
            is_outgoing=n % 2 == 0,
        )
        for n in range(8)
    ]
    listed = [
        "BOT: Hello.\nHUMAN: Hi, is that\nGrüße?\nBOT: Yes, and-",
        "[00:01.50] BOT: One",
        [{"role": "bot", "text": "x"}, {"role": "human", "text": "y"}],
    ]
    odd = [
        event("event_of_a_later_version", [1, {"a": None}], "odd-1", new_field={"b": 2}),
        *(event("event_transcript", {"transcript": text}, "odd-2") for text in listed),
        event("event_transcript", [], "odd-2"),
        event("event_error", ["a", {"b": "c"}], "odd-3"),
        event("event_error", [{"message": "one", "code": 1}, {"message": "two"}], "odd-3"),
        event("event_error", {"message": "went wrong", "code": 7}, "odd-3"),
        event("event_message", {"text": "no", "timestamp": 1_767_225_600}, "odd-3"),
        event("event_action", {"id": "a1", "action_output": {"success": True}}, "odd-3"),
        event("event_recording", {"recording_url": "https://a.test/1.wav"}, "odd-3"),
        event("event_human_detection", {"result": "no_human"}, "odd-3"),
        event("event_phone_call_did_not_connect", {"telephony_status": "no_answer"}, "odd-4"),
        event("event_phone_call_ended", {"conversation_minutes": 1.5}, "odd-3"),
        event(
            "event_post_call_processing_completed",
            {"post_call_results": '```json\n{"outcome": "sold", "n": "12"}\n```'},
            "odd-3",
        ),
        b'{"call_id":"odd-5","type":"event_error","payload":{"message":"\\ud83d half"}}',
        b'{"call_id":"odd-5","type":"event_error","payload":1,"payload":"two of one name"}',
        b'{"call_id":"odd-5","type":"event_message"}',
    ]
    refused = [b"{broken", b"[]", b"\xff\xfe", b'{"type":"event_error"}', b""]
    again = [*simulated[::20], started[0], odd[4]]
    return [*simulated, *started, *odd, *refused, *again]


def pending() -> list[bytes]:
    """What waits in the buffer: the rest of the calls, more calls, and repeats."""
    rest = [
        body
        for n in range(8)
        for body in (
            event("event_transcript", {"transcript": f"BOT: Hi {n}\nHUMAN: Yes"}, f"going-{n}"),
            event("event_phone_call_ended", {"conversation_minutes": n}, f"going-{n}"),
        )
    ]
    simulated = [delivery.body for delivery in islice(simulate(seed=1), 330)]
    return [*rest, *simulated[260:], simulated[3], b"[]"]


def main(name: str) -> None:
    """Makes a set-up in an empty folder and packs it beside this file."""
    archive = Path(__file__).parents[1].resolve() / "data" / "recorded" / f"{name}.tar.xz"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        settings = Settings(
            data_dir=Path("data"),
            warehouse_path=Path("published.duckdb"),
            models_dir=Path("models"),
            webhooks={"main": "recorded-only-0123456789-abcdefghij"},
            buffer_keep_days=36500,
            quarantine_keep_days=36500,
            batch_rows=100,
        )
        Path("models").mkdir()
        Path("models/events_of_calls.sql").write_text(OWN_MODEL, encoding="utf-8")
        _append(settings, loaded(), START)
        with Loader(settings) as loader:
            loader.load(is_last=True)
        _append(settings, pending(), START + 3600 * 1_000_000)
        with tarfile.open(archive, "w:xz", preset=9) as tar:
            for part in PARTS:
                tar.add(part, filter=_plain)


def _append(settings: Settings, bodies: list[bytes], start: int) -> None:
    buffer = SqliteBuffer(settings.buffer_file)
    for n, body in enumerate(bodies):
        at = start + n * 1_000_000
        buffer.append(
            validate(body, webhook="main", received_at=at, event_id=new_event_id(at, n + 1))
        )
    buffer.close()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without who made it, and without the working files of dlt and of locks."""
    if "/dlt/" in f"/{member.name}/" or member.name.endswith((".lock", "-wal", "-shm")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(sys.argv[1])
