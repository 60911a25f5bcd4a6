"""What is claimed of the two-step task, and how each claim is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rl2lib.agents.two_step import TwoStepOptimal
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.two_step.players import CACHING, GIVEN, PLANNER, POOLED, RL2
from rl2lib.experiments.papers.two_step.trained import CELLS, What
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged

NOT_THERE = 0.1
"""An interaction of less, a twentieth of the largest possible, is taken for none; stated before measuring."""


def _lengths(measured: Measured, what: What) -> list[str]:
    found = [cell for cell in measured.cells() if CELLS[cell].what == what]
    if not found:
        raise KeyError(f"a cell n.._{what}")
    return found


def _everywhere(found: Mapping[str, Row], holds: Callable[[Row], bool], beside: Callable[[str], str]) -> Verdict:
    """Whether something holds of a row in every cell; the evidence is its intervals, each with a word beside it."""
    words = [f"{cell}: {row.score.format(3)}{beside(cell)}" for cell, row in found.items()]
    return judged(all(holds(row) for row in found.values()), "; ".join(words))


def _present(measured: Measured) -> Verdict:
    """Whether RL²'s interaction, given the choice, lies above zero, in every seed and by the median one's interval."""
    found = {cell: measured.row(cell, RL2, GIVEN) for cell in _lengths(measured, "stay")}
    return _everywhere(
        found,
        lambda row: row.score.low > 0 and min(row.every_seed, default=1.0) > 0,
        lambda cell: f" (the planner {measured.row(cell, PLANNER, GIVEN).mean:.3f})",
    )


def _absent(measured: Measured) -> Verdict:
    """Whether the model-free learner's whole interval lies where an interaction is taken for none."""
    found = {cell: measured.row(cell, CACHING, GIVEN) for cell in _lengths(measured, "stay")}
    return _everywhere(found, lambda row: abs(row.mean) + row.score.half < NOT_THERE, lambda cell: "")


def _pooled(measured: Measured) -> Verdict:
    found = {cell: measured.row(cell, CACHING, POOLED) for cell in _lengths(measured, "stay")}
    return _everywhere(
        found,
        lambda row: row.score.low > 0,
        lambda cell: f" (the planner {measured.row(cell, PLANNER, POOLED).mean:.3f})",
    )


def _earns_more(measured: Measured) -> Verdict:
    """Whether RL²'s interval lies above the exact optimum of all policies that do not look at the second stage."""

    def most(cell: str) -> float:
        return TwoStepOptimal(CELLS[cell].length, sees_second_stage=False).value

    found = {cell: measured.row(cell, RL2) for cell in _lengths(measured, "return")}
    return _everywhere(
        found,
        lambda row: row.score.low > most(row.cell),
        lambda cell: f" (without transitions at most {most(cell):.3f})",
    )


def _optimal(measured: Measured) -> Verdict:
    found = {cell: measured.row(cell, RL2) for cell in _lengths(measured, "return")}
    return _everywhere(found, lambda row: row.share.low >= 0.98, lambda cell: f" ({found[cell].share.percent()})")


CLAIMS = (
    Claim(
        "RL², trained without a model, has the interaction of reward and transition of an agent that uses the "
        "transitions. (Planning is one way; inferring which second stage pays is another.)",
        _present,
    ),
    Claim(f"A model-free learner has none, given the choice (less than {NOT_THERE}).", _absent),
    Claim("RL² earns more than any policy that does not look at the transitions.", _earns_more),
    Claim("RL² is within 2% of the exact optimum, from random play.", _optimal),
    Claim("Counted over all choices, a model-free learner has an interaction too (Akam, Costa & Dayan 2015).", _pooled),
)
