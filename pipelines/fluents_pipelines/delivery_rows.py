"""Deliveries as the rows of `deliveries`, which the SQL of `sql/tables` reads."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

import pyarrow as pa

from fluents_connector.buffer import StoredDelivery
from fluents_connector.delivery import MAX_NAME_CHARACTERS

_LEAST_TURN_BYTES = 4  # "AI:" and a line break

# A pair of surrogates, half of one (group 1), or any other escape: read from the left, so that
# the second backslash of an escaped backslash is never taken for the start of an escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_DELIVERIES = pa.schema(
    [
        ("position", pa.int64()),
        ("event_id", pa.string()),
        ("received_at", pa.timestamp("us", tz="UTC")),
        ("webhook", pa.string()),
        ("call_id", pa.string()),
        ("type", pa.string()),
        ("body", pa.string()),
        ("body_base64", pa.string()),
        ("duplicate_of", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("redacted", pa.int64()),
        ("buffer_id", pa.string()),
    ]
)


def as_arrow(buffer_id: str, rows: list[StoredDelivery]) -> pa.Table:
    """The rows of some deliveries of a buffer."""
    columns = dict(
        zip(
            StoredDelivery._fields,
            zip(*rows, strict=True) if rows else [()] * len(StoredDelivery._fields),
            strict=True,
        )
    )
    bodies, encoded = _texts(columns["body"], columns["reason"])
    arrays = {
        **columns,
        "body": bodies,
        "body_base64": encoded,
        "buffer_id": [buffer_id] * len(rows),
    }
    return pa.table(
        {field.name: pa.array(arrays[field.name], field.type) for field in _DELIVERIES},
        schema=_DELIVERIES,
    )


def _texts(
    bodies: Sequence[bytes | None], reasons: Sequence[str | None]
) -> tuple[list[str | bytes | None], list[str | None]]:
    """Bodies as text, and in base64 those of refused deliveries that are not UTF-8."""
    texts: list[str | bytes | None] = list(bodies)  # Arrow takes UTF-8 bytes as they are
    encoded: list[str | None] = [None] * len(texts)
    for index, reason in enumerate(reasons):
        body = bodies[index]
        if reason is None or body is None:
            continue
        try:
            body.decode()
        except UnicodeDecodeError:
            texts[index] = None
            encoded[index] = base64.b64encode(body).decode()
    return texts, encoded


def without_half_surrogates(body: str) -> str:
    """A body with U+FFFD for each half of a pair of surrogates, which DuckDB's JSON refuses."""
    return _ESCAPE.sub(lambda match: "\\ufffd" if match[1] else match[0], body)


def multiplies(row: StoredDelivery, most_bytes: int) -> bool:
    """Whether the id of the call, in each row that its body may have, could take more than that.

    Only of an id that the receiver takes no more: an older version stored it.
    """
    call_id, body = row.call_id or "", row.body or b""
    return (
        len(call_id) > MAX_NAME_CHARACTERS
        and len(call_id) * len(body) / _LEAST_TURN_BYTES > most_bytes
    )


def as_text_only(row: StoredDelivery) -> StoredDelivery:
    """A delivery of whose body nothing is read: it is kept as text."""
    if row.reason is not None:
        return row  # of a refused one nothing is read
    text = (row.body or b"").decode(errors="replace")
    return row._replace(body=json.dumps({"body": text}).encode())
