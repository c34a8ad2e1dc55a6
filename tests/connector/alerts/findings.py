"""Findings for tests."""

from __future__ import annotations

from typing import Any

from fluents_connector.loader_state import AlertFinding, OpenFinding, Severity


def finding(
    key: str = "k", alert: str = "lag", says: str = "It waits.", **more: Any
) -> AlertFinding:
    severity: Severity = more.pop("severity", "critical")
    return AlertFinding(alert, severity, says, "docs/alerts.md#lag", key, more)


def opened(key: str = "k", **more: Any) -> OpenFinding:
    return OpenFinding(finding(key, **more), since=1_767_225_600, last_found_at=1_767_225_600)
