"""What is claimed where planning matters, and how each claim is judged."""

from __future__ import annotations

import math
from collections.abc import Callable

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.mdp_players import BLIND
from rl2lib.experiments.papers.table2_planning.players import RL2_MESSAGES, RL2_PAIRS, best_planner
from rl2lib.experiments.papers.table2_planning.trained import CELLS
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, at_least, judged


def ahead(ours: Row, theirs: Row) -> tuple[float, float]:
    """Return how far a row is ahead of another of its cell, and half the 95% interval: paired where one is the best.

    Otherwise the two means are taken for independent, which makes the interval too wide: they met the same tasks.
    """
    if ours.behind == 0:
        return theirs.behind or 0.0, 1.96 * (theirs.behind_se or 0.0)
    if theirs.behind == 0:
        return -(ours.behind or 0.0), 1.96 * (ours.behind_se or 0.0)
    return ours.mean - theirs.mean, 1.96 * math.hypot(ours.se, theirs.se)


def _known(rows: list[Row]) -> Row:
    """The best of all that were not trained and were told neither the task nor that it is a chain."""
    return max((best_planner(rows), _blind(rows)), key=lambda row: row.mean)


def _blind(rows: list[Row]) -> Row:
    return max((row for row in rows if row.agent == BLIND), key=lambda row: row.mean)


def _by_cell(measured: Measured, gap: Callable[[str], tuple[float, float]], *, level_counts: bool) -> Verdict:
    """Whether a gap is shown to be above 0 in every cell; or, where level counts, to be below it in none."""
    gaps = {cell: gap(cell) for cell in measured.cells()}
    words = "; ".join(f"{cell} {difference:+.1f} ± {half:.1f}" for cell, (difference, half) in gaps.items())
    above = all(difference > half for difference, half in gaps.values())
    level = all(difference >= -half for difference, half in gaps.values())
    if level_counts:
        return Verdict("surpassed" if above else "matched" if level else "not reached", words)
    return judged(above, words)


def planning_pays(measured: Measured) -> Verdict:
    """Whether the best planner is ahead of the transition-blind rule everywhere."""
    return _by_cell(
        measured,
        lambda cell: ahead(best_planner(measured.cell(cell)), _blind(measured.cell(cell))),
        level_counts=False,
    )


def above_known(measured: Measured) -> Verdict:
    """Whether the best trained row is above, or not below, the best known baseline."""
    best = {
        cell: max((row for row in measured.cell(cell) if row.seeds), key=lambda row: row.mean)
        for cell in measured.cells()
    }
    verdict = _by_cell(measured, lambda cell: ahead(best[cell], _known(measured.cell(cell))), level_counts=True)
    names = "; ".join(f"{cell} {row.agent} ({row.variant})" for cell, row in best.items())
    return verdict._replace(evidence=f"{verdict.evidence}. By: {names}")


def messages_known(measured: Measured) -> Verdict:
    """Whether messages are above, or not below, the best known baseline."""
    return _by_cell(
        measured,
        lambda cell: ahead(measured.row(cell, RL2_MESSAGES), _known(measured.cell(cell))),
        level_counts=True,
    )


def messages_pay(measured: Measured) -> Verdict:
    """Whether messages are ahead of the memory that sees no transitions, everywhere."""
    return _by_cell(
        measured,
        lambda cell: ahead(measured.row(cell, RL2_MESSAGES), measured.row(cell, RL2_PAIRS)),
        level_counts=False,
    )


def near_optimum(measured: Measured) -> Verdict:
    """Whether messages come to 95% of the way from random play to the optimum of chains."""
    found = [measured.row(cell, RL2_MESSAGES) for cell in measured.cells() if CELLS[cell].kind == "chain"]
    if not found:
        raise KeyError("a chain")
    words = "; ".join(f"{row.cell} {row.share.format(3)}" for row in found)
    return Verdict(at_least((row.share for row in found), 0.95), words)


CLAIMS = (
    Claim("Planning matters here: the best planner is ahead of the transition-blind rule.", planning_pays),
    Claim("The best trained row is not below the best known baseline in any cell.", above_known),
    Claim(
        "Messages alone, a policy without a prior or a planner's equations, are not below it in any cell.",
        messages_known,
        reason="on sparse MDPs the baseline is told the prior that they are drawn from",
    ),
    Claim("Messages along transitions beat a memory that sees none.", messages_pay),
    Claim(
        "On chains, which it was trained on, RL² with messages comes to 95% of the way from random play to the "
        "optimum.",
        near_optimum,
    ),
)
