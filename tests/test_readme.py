"""The README is short, and what it says is true; `tests/docs` does the same for the other pages."""

from __future__ import annotations

from fluents_connector import __version__
from tests.docs.pages import ROOT, fenced, page

README = page("README.md")


def test_the_readme_has_at_most_200_lines() -> None:
    assert len(README.splitlines()) <= 200


def test_each_page_of_the_documentation_is_in_its_index() -> None:
    index = page("docs/README.md")
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in names if f"({name})" in index} == names


def test_one_command_runs_the_main_job_and_one_the_tests() -> None:
    demo, tests, *_ = fenced(README, "sh")
    assert demo.endswith("&& .venv/bin/fluents-warehouse demo\n")
    assert tests.endswith("&& .venv/bin/pytest\n")


def test_the_changelog_has_a_place_for_what_comes() -> None:
    changelog = page("CHANGELOG.md")
    assert "## [Unreleased]" in changelog or f"## [{__version__}]" in changelog
