"""docs/commands.md has every command, no other, and no option that a command lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from fluents_warehouse.cli import cli
from tests.docs.pages import all_pages, page

ROWS = re.findall(r"^\| `([^`]+)` \| (.*) \|$", page("docs/commands.md"), re.MULTILINE)


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """The commands that do something, by the words that call them."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(commands(cli))


def called(shown: str) -> str:
    """The command of `load --every 30s` or `quarantine show ID`."""
    return " ".join(word for word in shown.split(" --")[0].split() if word.islower())


def test_each_command_has_a_row_and_no_other_has() -> None:
    assert {called(shown) for shown, _ in ROWS} == COMMANDS.keys()


def test_each_option_that_a_row_names_is_one_of_the_command() -> None:
    for shown, text in ROWS:
        parameters = COMMANDS[called(shown)].params
        has = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
        others = re.compile(r"`(?:serve|load)[^`]*`")  # commands that it runs
        named = set(re.findall(r"--[a-z-]+", f"{shown} {others.sub('', text)}"))
        assert named <= has, shown


def test_each_command_takes_the_name_of_a_settings_file() -> None:
    without = [
        name
        for name, command in COMMANDS.items()
        if not any("--config" in parameter.opts for parameter in command.params)
    ]
    assert without == ["demo"]


def test_each_command_that_a_page_shows_is_one() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in all_pages())
    code = "\n".join(re.findall(r"^```.*?^```|`[^`\n]+`", text, re.DOTALL | re.MULTILINE))
    shown = re.findall(r"(?:[`/]|^)fluents-warehouse ([a-z]+(?: [a-z]+)?)", code, re.MULTILINE)
    unknown = {words for words in shown if not {words, words.split()[0]} & COMMANDS.keys()}
    assert len(shown) > 15
    assert unknown == set()
