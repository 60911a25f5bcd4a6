"""The numbers that the prose relies on hold: the solution's cells are run and their results asserted, not their text."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from rl2lib.lab.handle import run_cell
from autograder.source import load_course

COURSE = {notebook.number: notebook for notebook in load_course()}


def results(number: str, monkeypatch) -> dict[str, Any]:
    """Run a solution's code cells in one namespace, its displays going nowhere."""
    import IPython.display

    monkeypatch.setattr(IPython.display, "display", lambda *args, **kwargs: None)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in COURSE[number].cells:
            if cell.kind == "code" and cell.role != "check":
                run_cell(cell.source, namespace, f"<{number}, line {cell.line}>")
    return namespace


@pytest.mark.slow
def test_00_the_agent_with_one_weight_learns_and_without_memory_does_not(monkeypatch):
    found = results("00", monkeypatch)
    with_memory = np.mean([curve[-20:] for _, curve in found["trained"]])
    without = np.mean([curve[-20:] for _, curve in found["wiped"]])
    assert with_memory == pytest.approx(9.30, abs=0.05) and without == pytest.approx(5.0, abs=0.1)
    assert found["weight"] == pytest.approx(1.8, abs=0.15)


@pytest.mark.slow
def test_01_greedy_is_at_94_percent_and_the_switch_is_at_eight_pulls(monkeypatch):
    found = results("01", monkeypatch)
    values = {name: value for name, (value, _) in found["values"].items()}
    assert values["Bayes-optimal"] == pytest.approx(6.6600, abs=5e-5)
    assert values["greedy"] == pytest.approx(6.5686, abs=5e-5)
    assert (values["greedy"] - 5) / (values["Bayes-optimal"] - 5) == pytest.approx(0.945, abs=5e-4)
    assert found["switch"] == 8
    short = {name: lost[:, 9].mean() for name, lost in found["regrets"].items()}
    long = {name: lost[:, -1].mean() for name, lost in found["regrets"].items()}
    assert short["greedy"] < short["Thompson"] and long["greedy"] > long["Thompson"]
