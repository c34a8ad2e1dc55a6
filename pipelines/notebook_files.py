"""Finds the notebooks: beside the packages in a checkout, inside this one in a wheel."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from connector.errors import FluentsError


def notebooks_folder() -> Path:
    """The folder with `dashboard.py` and the notebook."""
    package = Path(__file__).parent
    inside = package / "notebooks"
    return inside if inside.is_dir() else package.parent / "notebooks"


def require(extra: str, *modules: str) -> None:
    """Raises `FluentsError` with what to install, unless all modules are there."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise FluentsError(
            f"This needs {', '.join(missing)}: pip install 'fluents-warehouse[{extra}]', "
            f"or pip install '.[{extra}]' in a clone."
        )
