"""The paths that docs/architecture.md and its neighbours name are there."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.docs.pages import ROOT, all_pages, page

TOP = ("connector", "pipelines", "sql", "notebooks", "tests", "docs", ".ci")
PAGES = [f"docs/{name}.md" for name in ("architecture", "development", "glossary", "settings")]


def paths_in(text: str) -> list[str]:
    """The paths of the repository in a page: in code, and beginning with a folder at its top."""
    inline = re.findall(r"`([^`\s]+)`", text)
    return [path for path in inline if path.split("/")[0] in TOP]


def is_there(path: str) -> bool:
    """Whether it exists; of a path with a `<name>` to fill in, whether there is one like it."""
    return any(ROOT.glob(re.sub(r"<\w+>", "*", path)))


@pytest.mark.parametrize("name", PAGES)
def test_each_path_that_a_page_names_is_there(name: str) -> None:
    assert [path for path in paths_in(page(name)) if not is_there(path)] == []


def test_each_file_and_folder_of_the_flow_is_there() -> None:
    drawn = page("docs/architecture.md").split("```")[1]
    named = re.findall(r"[\w/]+\.py|\b\w[\w/]*/(?=[\s,])", drawn)
    below = ("", "*/*/", "*/*/receiver/")
    missing = [path for path in named if not any(any(ROOT.glob(top + path)) for top in below)]
    assert len(named) > 10
    assert missing == []


def test_each_of_the_ten_changes_names_its_files() -> None:
    changes = re.split(r"^### \d+\. ", page("docs/architecture.md"), flags=re.MULTILINE)[1:]
    assert len(changes) == 10
    assert all(len(paths_in(change)) >= 3 for change in changes)


def test_a_path_that_is_gone_is_found() -> None:
    assert paths_in("`sql/gone.sql` `sql/models/<name>.sql` `query SQL` `events`") == [
        "sql/gone.sql",
        "sql/models/<name>.sql",
    ]
    assert not is_there("sql/gone.sql")
    assert not is_there("sql/gone/<name>.sql")
    assert is_there("sql/models/<name>.sql")


def test_each_module_that_a_page_runs_is_there() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in all_pages())
    modules = set(re.findall(r"python -m (tests[\w.]*)", text))
    assert len(modules) >= 5
    assert [module for module in sorted(modules) if find_spec(module) is None] == []
