"""`python -m tests.attacks.fuzz validate|normalize --seconds N`: atheris, guided by coverage.

validate   any bytes are an event or a refusal with a reason, and nothing else
normalize  no valid body stops the SQL, or is lost by it

An input of `normalize` is a whole batch, one body a line. Starts from those of
`tests/data/cases`. A finding ends it with another status than 0, shows the traceback and leaves the
input in a file `crash-…` of the working folder. Needs the extra `fuzz`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(
    include=["fluents_connector.delivery", "fluents_pipelines.normalize", "json"]
):
    from fluents_connector.delivery import validate
    from fluents_pipelines.normalize import Normalizer

from fluents_connector.buffer import Batch, StoredDelivery
from fluents_connector.delivery import MAX_DEPTH
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from tests.attacks.hostile.inputs import VALUES, damaged

CASES = Path(__file__).parents[1] / "data" / "cases"
MAX_BYTES = 65_536
LINES = {"validate": 1, "normalize": 16}
EVENT_ID = "019b76da-a800-7000-8000-000000000000"


def one_body(content: bytes) -> bool:
    """Whether `content` is an event; fails where it is neither that nor refused as promised."""
    validated = validate(content, webhook="main", received_at=0, event_id=EVENT_ID)
    assert validated.body == content
    if validated.reason is not None:
        assert validated.detail
        assert validated.detail.encode()
        return False
    assert validated.call_id
    assert validated.type
    assert f"{validated.call_id}{validated.type}".encode()
    event = json.loads(content, parse_int=float)
    assert (event["call_id"], event["type"]) == (validated.call_id, validated.type)
    assert content.count(b"[") + content.count(b"{") <= MAX_DEPTH or _depth(event) <= MAX_DEPTH
    return True


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


class WholeBatch:
    """Normalizes the lines of an input that are events, between two that are good."""

    good = b'{"call_id":"good","type":"event_error","payload":{"message":"no"}}'

    def __init__(self) -> None:
        self.normalizer = Normalizer(PAYLOAD_FIELDS)

    def __call__(self, content: bytes) -> None:
        events = [line for line in content.split(b"\n") if one_body(line)]
        validated = [
            validate(body, webhook="main", received_at=0, event_id=f"{EVENT_ID[:-4]}{at:04}")
            for at, body in enumerate([self.good, *events, self.good])
        ]
        rows = [
            StoredDelivery(at, d.event_id, 0, "main", d.call_id, d.type, d.body, *[None] * 3)
            for at, d in enumerate(validated)
        ]
        tables = self.normalizer.tables(Batch("buffer", -1, len(rows), rows))
        assert tables["events"]["position"].to_pylist() == list(range(len(rows)))
        assert tables["events"]["call_id"].to_pylist() == [d.call_id for d in validated]
        assert tables["quarantine"].num_rows == 0


def mutate(content: bytes, max_size: int, seed: int) -> bytes:
    """Changes one body of an input: its bytes, or a value somewhere in its JSON."""
    chance = random.Random(seed)  # noqa: S311 # hostile, not secret
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    how = chance.random()
    if how < 0.2:
        lines[at] = atheris.Mutate(lines[at], max(1, max_size - len(content) + len(lines[at])))
    elif how < 0.4:
        lines[at] = damaged(lines[at], chance)
    else:
        lines[at] = _changed(lines[at], chance)
    return b"\n".join(lines)[:max_size]


def _changed(body: bytes, chance: random.Random) -> bytes:
    try:
        whole = json.loads(body)
        places = list(_places(whole))
    except (ValueError, RecursionError):
        return body
    if places:
        parent, key = chance.choice(places)
        _, other = chance.choice(places)
        parent[key] = chance.choice((*VALUES, [parent[key]], {str(other): parent[key]}))
    return json.dumps(whole, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a JSON value that holds another, as what holds it and the key."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from _places(value[key])


def main() -> None:
    """Fuzzes until the seconds are over or something is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz", description=__doc__)
    parser.add_argument("target", choices=list(LINES))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.corpus is None:
        # libFuzzer ends its process by itself, so that nothing could be removed there
        with tempfile.TemporaryDirectory(prefix="fluents-fuzz-") as corpus:
            _write_corpus(Path(corpus), LINES[options.target])
            command = [
                sys.executable,
                "-m",
                "tests.attacks.fuzz",
                *sys.argv[1:],
                "--corpus",
                corpus,
            ]
            sys.exit(subprocess.call(command))
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-max_len={MAX_BYTES}",
        "-timeout=60",
        "-rss_limit_mb=4096",
        options.corpus,
    ]
    target = one_body if options.target == "validate" else WholeBatch()
    atheris.Setup(arguments, target, custom_mutator=mutate)
    atheris.Fuzz()


def _write_corpus(folder: Path, lines: int) -> None:
    bodies = [case.read_bytes().replace(b"\n", b" ") for case in sorted(CASES.rglob("*.body.json"))]
    for start in range(0, len(bodies), lines):
        (folder / str(start)).write_bytes(b"\n".join(bodies[start : start + lines]))


if __name__ == "__main__":
    main()
