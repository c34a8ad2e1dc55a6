"""Runs marimo with the arguments that follow, and imports beside it what the dashboard needs.

marimo imports an application's modules for its first visitor, who would wait a second longer.
"""

from __future__ import annotations

import importlib
import runpy
import threading


def _import() -> None:
    for name in ("altair", "duckdb"):
        importlib.import_module(name)


if __name__ == "__main__":
    threading.Thread(target=_import, daemon=True).start()
    runpy.run_module("marimo", run_name="__main__", alter_sys=True)
