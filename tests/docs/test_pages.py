"""The pages name every setting, table and model, and no link in them leads nowhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from fluents_connector.settings import Settings
from fluents_pipelines.models.built_in import models
from fluents_pipelines.tables import ALL_TABLES
from tests.docs import generate
from tests.docs.pages import ROOT, all_pages, fenced, first_cells, page, section

SETTINGS = "All settings"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.*)$", without_code(text), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", one) is not None for one in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def dead_links(path: Path) -> list[str]:
    """The relative links of a page that lead to no file, or to no heading of one."""
    dead = []
    for link in LINK.findall(without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / unquote(file)).resolve() if file else path
        is_there = target.is_file() and (
            not anchor or anchor in anchors(target.read_text(encoding="utf-8"))
        )
        dead += [] if is_there else [link]
    return dead


@pytest.mark.parametrize("path", all_pages(), ids=lambda path: path.name)
def test_each_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    assert dead_links(path) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    path = ROOT / "docs" / "proxy.md"
    assert anchors("# A b\n\n## A b\n```\n# c\n```\n") == {"a-b", "a-b-1"}
    assert "a-gateway-that-gives-ids" in anchors(path.read_text(encoding="utf-8"))
    other = tmp_path / "other.md"
    other.write_text("[one](gone.md) [two](#gone) [three](https://example.com/#gone)\n# There\n")
    assert dead_links(other) == ["gone.md", "#gone"]


def test_all_python_code_is_in_the_sections_whose_code_is_run() -> None:
    run = [
        *fenced(section("docs/reading.md", "Recipes"), "python"),
        *fenced(section("docs/deployment.md", "Scheduling"), "python"),
    ]
    shown = [block for path in all_pages() for block in fenced(path.read_text("utf-8"), "python")]
    assert sorted(shown) == sorted(run)


def keys(cell: str) -> list[str]:
    """The settings that a first cell names."""
    return [name.strip("[]") for name in re.findall(r"`([^`]+)`", cell)]


def test_every_setting_is_in_the_settings_table_and_no_other() -> None:
    named = [
        key for cell in first_cells(section("docs/settings.md", SETTINGS)) for key in keys(cell)
    ]
    assert sorted(named) == sorted(Settings.model_fields)


def as_shown(value: object) -> str:
    """A default as the table writes it."""
    match value:
        case None | "" | [] | {}:
            return ""
        case int() if value and value % 1024**2 == 0:
            return f"{value // 1024**3} GiB" if value % 1024**3 == 0 else f"{value // 1024**2} MiB"
        case int():
            return f"{value:,}" if value >= 10_000 else str(value)
        case float():
            return f"{value:g}"
    return f"`{value}`"


def test_the_settings_table_has_the_defaults_of_the_code() -> None:
    in_words = {"allowed_networks", "metrics_networks", "redact_fields", "buffer_path"}
    for line in section("docs/settings.md", SETTINGS).splitlines():
        if not line.startswith("| `"):
            continue
        first, default = (cell.strip() for cell in line.split("|")[1:3])
        if not in_words & {*keys(first)}:
            defaults = [as_shown(Settings.model_fields[key].default) for key in keys(first)]
            assert [*filter(None, defaults)] == [*filter(None, default.split(", "))], first


def test_each_setting_that_a_page_shows_in_toml_is_one() -> None:
    blocks = [block for path in all_pages() for block in fenced(path.read_text("utf-8"), "toml")]
    assert len(blocks) >= 4
    assert {key for block in blocks for key in tomllib.loads(block)} <= set(Settings.model_fields)


@pytest.mark.parametrize("name", generate.pages())
def test_what_is_generated_is_up_to_date(name: str) -> None:
    """If not: python -m tests.docs.generate."""
    assert page(name) == generate.pages()[name]


def test_every_table_and_model_is_described_on_its_page() -> None:
    assert all(f"\n## {table.name}\n" in page("docs/tables.md") for table in ALL_TABLES)
    assert all(f"\n### {model.name}\n" in page("docs/models.md") for model in models())
    described = page("docs/tables.md")
    assert all(
        f"| `{column.name}` | {column.data_type} |" in described
        for table in ALL_TABLES
        for column in table.columns
    )
