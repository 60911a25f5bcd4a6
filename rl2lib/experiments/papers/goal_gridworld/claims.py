"""What is claimed of the goal gridworld, and how each claim is judged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments.papers.goal_gridworld.players import BEFORE, MET_ALL, OPTIMAL, WIPED
from rl2lib.experiments.papers.goal_gridworld.trained import (
    ALL,
    FOLD_CELLS,
    GROUPS,
    HELD_OUT,
    RECURRENT,
    SIZES,
    THREE,
    TWIN,
)
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, at_least, judged

LEVEL = 0.05  # of trial return: the largest difference that would not matter; about 2% of the optimum
REACHED = 0.98  # normalised: at the optimum
SHORT, LONG, MOST = (SIZES["laptop"].trials(GROUPS[name]) for name in THREE)


def _by_seed(measured: Measured, cell: str, line: str) -> list[Point]:
    found = measured.line(cell, line)
    if not found:
        raise KeyError(f"{line} in {cell}")
    return found


def _trained(cell: str, agent: str = RECURRENT) -> str:
    """The name of a cell's own agent."""
    return f"{agent} ({GROUPS[cell.removesuffix(HELD_OUT)].learner})"


def _told(points: Sequence[Point]) -> str:
    return ", ".join(f"{p.y:+.3f} [{p.low:+.3f}, {p.high:+.3f}]" for p in points)


def _rises(measured: Measured, cell: str, agent: str, *, wanted: bool) -> Verdict:
    """Whether later episodes are shown to earn more than the first, with every seed; if unwanted, to earn no more."""
    found = _by_seed(measured, cell, f"{_trained(cell, agent)}: rise")
    shown = all(point.low > 0 for point in found) if wanted else all(point.high < LEVEL for point in found)
    wiped = ", ".join(f"{p.y:+.3f}" for p in _by_seed(measured, cell, f"{agent} ({WIPED}): rise"))
    evidence = f"by seed {_told(found)}; wiped between episodes {wiped}"
    return judged(shown, evidence)


def _ahead(measured: Measured, cell: str) -> Verdict:
    found = _by_seed(measured, cell, "recurrent over twin")
    return judged(all(point.low > 0 for point in found), f"by seed {_told(found)}")


def _level(measured: Measured, cell: str) -> Verdict:
    found = _by_seed(measured, cell, "recurrent over twin")
    level = all(point.low > -LEVEL and point.high < LEVEL for point in found)
    return judged(level, f"by seed {_told(found)}, bound ±{LEVEL:g}")


def _reaches(measured: Measured, there: Sequence[str]) -> Verdict:
    """Whether the recurrent agent's normalised score, of the median seed, is at 98%."""
    rows = [measured.row(cell, RECURRENT, GROUPS[cell].learner) for cell in there]
    evidence = "; ".join(
        f"{row.cell}: {row.mean:.3f} of {row.ceiling:.3f}, normalised {row.share.percent()}, "
        f"seeds {', '.join(f'{mean:.2f}' for mean in row.every_seed)}"
        for row in rows
    )
    return Verdict(at_least((row.share for row in rows), REACHED), evidence)


def _generalises(measured: Measured, there: Sequence[str]) -> Verdict:
    """Whether held-out goals are found more often than a random walk finds them; the interval is over goals."""
    ours, random = (
        torch.tensor(
            [point.y for cell in there for point in _by_seed(measured, cell, f"{name or _trained(cell)}: found")],
            dtype=torch.float64,
        )
        for name in ("", "Random")
    )
    ahead = paired_difference(ours, random)
    evidence = (
        f"{len(ours)} held-out goals, found in {100 * ours.mean():.0f}% of the episodes, by a random walk in "
        f"{100 * random.mean():.0f}%: difference {ahead.mean:+.2f} in [{ahead.low:+.2f}, {ahead.high:+.2f}]; "
        f"{int((ours > 0.9).sum())} goals found in over 90%, {int((ours < 0.1).sum())} in under 10%"
    )
    best = [p.y for cell in there for p in measured.line(cell, f"{OPTIMAL} ({BEFORE}): found")]
    if best:
        evidence += f"; the optimal search for its training goals never finds {best.count(0.0)}"
    return judged(ahead.low > 0, evidence, refuted=ahead.high < 0)


def _all_met(measured: Measured) -> Verdict:
    """Whether agents that met every cell in training find each fold's goals."""
    there = [cell for cell in FOLD_CELLS if cell in measured.cells()]
    found = [p.y for cell in there for p in _by_seed(measured, cell, f"{RECURRENT} ({MET_ALL}): found")]
    if not found:
        raise KeyError("a fold")
    evidence = (
        f"found in {100 * sum(found) / len(found):.1f}% of the episodes, the worst goal in {100 * min(found):.0f}%"
    )
    return judged(min(found) > 0.95, evidence)


CLAIMS = (
    Claim(
        "24 goals: the recurrent agent's later episodes earn more than its first.",
        partial(_rises, cell=ALL, agent=RECURRENT, wanted=True),
    ),
    Claim(
        "24 goals: the twin's do not.",
        partial(_rises, cell=ALL, agent=TWIN, wanted=False),
        "an episode's first input still shows the action that entered the goal; without it (wiped) every episode "
        "is like the first",
    ),
    Claim("24 goals: the recurrent agent earns more than its twin.", partial(_ahead, cell=ALL)),
    Claim(
        "PPO brings the recurrent agent to 98% of the optimum, on 3 goals and on 24.",
        partial(_reaches, there=(THREE[2], ALL)),
    ),
    Claim(
        "3 goals: the chapter's thousand trials of REINFORCE bring it there.",
        partial(_reaches, there=THREE[:1]),
        "the budget and the learner: the same network gets there with more trials, of PPO",
    ),
    Claim(f"3 goals: so do {LONG:,} trials of REINFORCE.", partial(_reaches, there=THREE[1:2])),
    Claim("3 goals, a thousand trials: the recurrent agent is ahead of its twin.", partial(_ahead, cell=THREE[0])),
    Claim(
        "3 goals do not tell them apart: trained to the optimum by PPO, the twin is level.",
        partial(_level, cell=THREE[2]),
    ),
    Claim(
        "Trained on 3 goals, it finds held-out ones more often than a random walk.",
        partial(_generalises, there=(THREE[2] + HELD_OUT,)),
    ),
    Claim(
        "Trained on 18 of the 24 cells, it finds the six others more often than a random walk.",
        partial(_generalises, there=FOLD_CELLS),
    ),
    Claim("Trained on all 24 cells, it finds those same goals.", _all_met),
)
