"""What notebook 05 says of its exact values and of the two-armed table holds; only the cells behind it are run."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest

from rl2lib.lab.handle import run_cell
from autograder.source import Notebook, load_course
from rl2lib.agents.bayes_optimal import bayes_optimal_value
from rl2lib.experiments.bundled import load


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
    given = {"trained": load("bandits"), "num_pulls": 100}
    found = run_cells(notebook, given, "def dependent_bandit(", "class TiedGreedy(")["table"]
    independent, uniform, easy, medium, hard = range(5)
    greedy, own, gittins, thompson = (
        found[name] for name in ("greedy, arms independent", "greedy, arms tied", "Gittins, finite horizon", "Thompson")
    )
    raised = {name.removeprefix("RL², trained: "): row for name, row in found.items() if name.startswith("RL²")}
    assert len(raised) == 5
    assert all(own[k] == min(row[k] for row in found.values()) for k in (uniform, easy, medium, hard))
    assert own[independent] < greedy[independent] + 0.3
    at_home = raised.pop("independent")
    assert gittins[independent] < at_home[independent] < min(thompson[independent], greedy[independent])
    assert at_home[independent] < min(row[independent] for row in raised.values())
    assert all(at_home[k] > max(row[k] for row in raised.values()) for k in (uniform, easy, medium, hard))
    others = {name: row for name, row in raised.items() if name != "easy"}
    assert all(row[k] < gittins[k] - 0.05 for row in others.values() for k in (uniform, medium, hard))
    assert raised["easy"][uniform] > max(row[uniform] for row in others.values())
    assert raised["easy"][uniform] == pytest.approx(gittins[uniform], abs=0.1)
    assert greedy[easy] < min(row[easy] for row in raised.values()) + 0.1
    on_hard = {name: row[hard] for name, row in raised.items()}
    worst = on_hard.pop("easy")
    assert max(on_hard.values()) < gittins[hard] - 0.2 and worst > max(on_hard.values())
    assert worst == pytest.approx(gittins[hard], abs=0.15)
