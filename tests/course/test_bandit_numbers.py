"""What notebook 05 says of its exact values and of the two-armed table holds; only the cells behind it are run."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest

from rl2lib.lab.handle import run_cell
from autograder.source import Notebook, load_course
from rl2lib.agents.bayes_optimal import bayes_optimal_value
from rl2lib.experiments.shipped_bandit_lessons import load


@pytest.fixture(scope="module")
def notebook() -> Notebook:
    return next(notebook for notebook in load_course() if notebook.number == "05")


def run_cells(notebook: Notebook, namespace: dict[str, Any], *marks: str) -> dict[str, Any]:
    """Run the set-up, and the one code cell that contains each mark."""
    namespace |= {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in notebook.setup():
            run_cell(cell.source, namespace, "<set-up of 05>")
        for mark in marks:
            (cell,) = (cell for cell in notebook.cells if cell.kind == "code" and mark in cell.source)
            run_cell(cell.source, namespace, f"<05, line {cell.line}>")
    return namespace


@pytest.mark.slow
def test_the_lines_of_the_figure_are_exact(notebook: Notebook) -> None:
    found = run_cells(notebook, {}, "exact = {")["exact"]
    assert found["Bayes-optimal"] == pytest.approx(bayes_optimal_value(5, 10), abs=1e-6)
    assert found["greedy"] == pytest.approx(6.5686, abs=5e-5) and found["random"] == 5.0


@pytest.mark.slow
def test_the_two_armed_table_says_what_the_text_reads_in_it(notebook: Notebook) -> None:
    lessons = load()
    given = {"lessons": lessons, "num_pulls": lessons.config.num_pulls_long}
    found = run_cells(notebook, given, "def dependent_bandit(", "class TiedGreedy(")["table"]
    independent, tied = 0, slice(1, None)
    greedy, own, gittins = (
        found[name] for name in ("greedy, arms independent", "greedy, arms tied", "Gittins, finite horizon")
    )
    raised = {name: row for name, row in found.items() if name.startswith("RL²")}
    assert all(own[k] == min(row[k] for row in found.values()) for k in range(5)[tied])
    assert own[independent] < greedy[independent] + 0.3
    at_home = raised["RL², trained: independent"][independent]
    assert 1.7 < at_home / greedy[independent] < 2.3
    assert sum(at_home > row[independent] for name, row in raised.items() if "independent" not in name) == 3
    leaders = [min(raised, key=lambda name: raised[name][k]) for k in range(5)]
    assert {name.split(": ")[1] for name in leaders} == {"medium", "hard"}
    best = [min(raised[f"RL², trained: {name}"][k] for name in ("medium", "hard")) for k in range(5)]
    assert sum(best[k] < greedy[k] for k in range(5)[tied]) == 3
    assert best[1:] == pytest.approx(gittins[1:], abs=0.3)
