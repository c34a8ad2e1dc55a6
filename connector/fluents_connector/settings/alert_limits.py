"""The type of the limits in `[alerts]`: a number, or false to switch an alert off."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

MOST = 1e9  # no limit of an alert is larger


def _number_or_false(value: Any) -> Any:
    if isinstance(value, str):  # from the environment
        text = value.strip().lower()
        try:
            value = False if text == "false" else float(text)
        except ValueError:
            value = None
    if value is False:
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write a number, or false to switch the alert off")
    if not (math.isfinite(value) and 0 <= value <= MOST):
        raise ValueError(f"write a number from 0 to {MOST:,.0f}")
    return float(value)


AlertLimit = Annotated[Literal[False] | float, BeforeValidator(_number_or_false)]
