"""Writes files of drawn calls; the package says how to run it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.ancestor.draw.conversation import draw
from tests.ancestor.forms import CASES

CALLS_IN_FILE = 10


def as_text(calls: list[dict[str, Any]]) -> str:
    """JSON with one delivery, text or fact a line, so that a difference can be read."""

    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def lines(value: Any, indent: str) -> str:
        if isinstance(value, list) and value:
            inner = f",\n{indent} ".join(compact(item) for item in value)
            return f"[\n{indent} {inner}\n{indent}]"
        return compact(value)

    def one(call: dict[str, Any]) -> str:
        return ",\n  ".join(f'"{key}":{lines(value, "  ")}' for key, value in call.items())

    return "[\n" + ",\n".join(f" {{{one(call)}}}" for call in calls) + "\n]\n"


def main() -> None:
    """Writes files of some calls each into a folder."""
    parser = argparse.ArgumentParser(description="Draws calls and lets vocode make their events.")
    parser.add_argument("folder", type=Path, nargs="?", default=CASES)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--first", type=int, default=1, metavar="SEED")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.calls)
    options.folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(seeds), CALLS_IN_FILE):
        part = seeds[start : start + CALLS_IN_FILE]
        path = options.folder / f"calls-{part[0]:04}-to-{part[-1]:04}.json"
        path.write_text(as_text([draw(seed) for seed in part]), encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
