"""docs/prometheus-rules.yml is what Prometheus takes, and fires when it should."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, first_cells, page, section
from tests.needs import program

RULES = ROOT / "docs" / "prometheus-rules.yml"
CASES = Path(__file__).with_name("prometheus_rules_test.yml")


def test_each_metric_that_a_rule_asks_for_is_one() -> None:
    asked = set(re.findall(r"\bfluents_\w+", page("docs/prometheus-rules.yml")))
    metrics = {cell.strip("`") for cell in first_cells(section("docs/http.md", "Metrics"))}
    assert len(asked) > 8
    assert asked <= metrics


def test_each_rule_has_a_case_in_which_it_fires() -> None:
    rules = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    cases = re.findall(r'alertname="(\w+)"', CASES.read_text(encoding="utf-8"))
    assert sorted(rules) == sorted(cases)


@pytest.mark.attack
def test_prometheus_takes_the_rules_and_they_fire_when_they_should(tmp_path: Path) -> None:
    promtool = program("promtool")
    for path in (RULES, CASES):
        shutil.copy(path, tmp_path)
    for arguments in (["check", "rules", RULES.name], ["test", "rules", CASES.name]):
        ended = subprocess.run(
            [promtool, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
