"""Finds the notebook, and what it needs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fluents_connector.errors import FluentsError
from fluents_pipelines.sql_files import shipped_folder


def notebooks_folder() -> Path:
    """The folder with the notebook."""
    return shipped_folder("notebooks")


def require(extra: str, *modules: str) -> None:
    """Raises `FluentsError` with what to install, unless all modules are there."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise FluentsError(
            f"This needs {', '.join(missing)}: pip install 'fluents-warehouse[{extra}]', "
            f"or pip install '.[{extra}]' in a clone."
        )
