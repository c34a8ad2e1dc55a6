"""The analyst's notebook: each question gets its answer, on a real kernel."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

pytestmark = pytest.mark.attack

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_questions.ipynb"
ROWS = {"7": 1, "10": 9, "11": 5, "12": 2, "13": 1, "14": 20, "15": 1, "17": 1}
"""At least as many rows of an answer. The simulator calls nobody twice, so 16 has none."""
NUMBERS = [str(number) for number in range(1, 19)]


def executed(warehouse: Path) -> NotebookNode:
    """The notebook after all its cells ran in the warehouse's folder. Raises what a cell raises."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(warehouse.parent)}}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLUENTS_")}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=folder)
    client.execute(env=kept)
    return notebook


def answers(notebook: NotebookNode) -> dict[str, dict[str, str]]:
    """For each answer, by its number, all that it shows, by media type."""
    found: dict[str, dict[str, str]] = {}
    for cell in notebook.cells:
        if cell.id.startswith("answer-"):
            shown: dict[str, str] = {}
            for output in cell.outputs:
                assert output.output_type in ("execute_result", "display_data"), output
                shown.update(output.data)
            found[cell.id.removeprefix("answer-")] = shown
    return found


def test_it_is_stored_without_outputs_and_its_questions_are_numbered() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    titles = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    numbers = [match[1] for title in titles if (match := re.match(r"## (\d+)\. .+\?", title))]
    assert numbers == NUMBERS


def test_each_question_gets_an_answer_some_with_plots(week: Path) -> None:
    shown = answers(executed(week))
    assert list(shown) == NUMBERS
    assert all("<tbody>" in answer["text/html"] for answer in shown.values())
    assert [number for number, answer in shown.items() if "image/png" in answer] == ["2", "3", "4"]
    assert "event_transcript" in shown["1"]["text/html"]
    assert "post_call_done" in shown["3"]["text/html"]
    assert "did_not_connect" in shown["5"]["text/html"]
    assert "human_rate_of_connected" in shown["10"]["text/html"]
    for number, rows in ROWS.items():
        assert shown[number]["text/html"].count("<tr>") >= rows, number
    assert "appointment" in shown["14"]["text/html"]
    assert "unknown_direction" in shown["18"]["text/html"]


def test_an_empty_warehouse_gets_empty_answers(empty: Path) -> None:
    shown = answers(executed(empty))
    assert list(shown) == NUMBERS
    assert not any("image/png" in answer for answer in shown.values())
