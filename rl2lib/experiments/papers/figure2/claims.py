"""What is claimed of figure 2, and how each claim is judged."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.figure2.players import CURVES, LEVEL, STEPS
from rl2lib.experiments.papers.learning_curves import FINAL
from rl2lib.experiments.papers.table1.players import RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import ARMS, CELLS
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged, level_everywhere


def _ends(measured: Measured, agent: str) -> dict[str, Row]:
    """An agent's rows at its curve's end, by cell."""
    how = next(drawn.how for drawn in CURVES if drawn.agent == agent)
    return {cell: measured.row(cell, agent, f"{how}, {FINAL}") for cell in measured.cells()}


def _reaches(measured: Measured, agent: str) -> Verdict:
    """Whether the end of an agent's curve is at `LEVEL` in every cell."""
    return level_everywhere({cell: row.score for cell, row in _ends(measured, agent).items()}, LEVEL)


def _hardest(measured: Measured) -> Verdict:
    """Whether RL² ends lowest at n = 500, k = 50, by unpaired intervals."""
    ends = _ends(measured, RL2)
    if len(ends) < len(CELLS):
        raise KeyError("all cells of table 1")
    hardest = ends.pop(list(CELLS)[-1])
    nearest = min(ends.values(), key=lambda row: row.mean)
    apart = nearest.mean - hardest.mean > 1.96 * math.hypot(nearest.se, hardest.se)
    others = f"of the others the lowest is {nearest.cell} with {nearest.score.percent()}"
    return judged(apart, f"{hardest.score.percent()} there; {others}")


def _longer_is_slower(measured: Measured) -> Verdict:
    """Whether RL² needs more steps to `LEVEL` the longer the trials, the ranges over seeds apart, at every k."""
    words, right, wrong, silent = [], 0, 0, []
    for num_arms in ARMS:
        there = [cell for cell in measured.cells() if CELLS[cell].num_arms == num_arms]
        taken = [_taken(measured, cell) for cell in there]
        words += [f"{cell} {_range(span)}" for cell, span in zip(there, taken, strict=True)]
        told = right + wrong
        for shorter, longer in pairwise(taken):
            apart = shorter[1] < longer[0]
            # one that was given up earlier than the other got there tells nothing
            known = apart or longer[1] < shorter[0] or max(shorter[1], longer[1]) < math.inf
            right, wrong = right + apart, wrong + (known and not apart)
        silent += [f"k = {num_arms}"] if told == right + wrong and len(there) > 1 else []
    if not right + wrong:
        raise KeyError("two lengths of one k")
    evidence = f"million steps to {LEVEL:g}: {'; '.join(words)}"
    if silent:
        evidence += f". The longer ones were given up too early to tell at {', '.join(silent)}"
    return judged(not wrong and not silent, evidence, refuted=wrong > 0)


def _taken(measured: Measured, cell: str) -> tuple[float, float]:
    """The fewest and most million steps that a seed of RL² needed; from all that it had to infinity if it never did."""
    wanted = (RL2, f"{CURVES[0].how}, {STEPS}")
    found = [row.every_seed for row in measured.cell(cell) if (row.agent, row.variant) == wanted]
    if found:
        return found[0][0], found[0][-1]
    return max(point.x for point in measured.line(cell, RL2)), math.inf


def _range(span: tuple[float, float]) -> str:
    if span[1] == math.inf:
        return f"not within {span[0]:.2g}"
    return f"{span[0]:.2g}" if span[0] == span[1] else f"{span[0]:.2g} to {span[1]:.2g}"


CLAIMS = (
    Claim(
        f"RL² ends near the Gittins index: at {LEVEL:g} or more, in every cell.",
        partial(_reaches, agent=RL2),
        reason="not told apart are fewer steps, fewer hidden units and PPO in TRPO's place (see table 1)",
    ),
    Claim(
        f"The same network ends at {LEVEL:g} or more in every cell when it imitates the index.",
        partial(_reaches, agent=RL2_IMITATION),
        reason="on many arms whole trials are slow to imitate; short ones first get there (see `imitation`)",
    ),
    Claim(
        f"The policy with a memory per arm ends at {LEVEL:g} or more in every cell (at n = 500 after imitation).",
        partial(_reaches, agent=RL2_EQUIVARIANT),
    ),
    Claim("RL² needs more steps the longer the trials are, at every number of arms.", _longer_is_slower),
    Claim("RL² ends furthest from the index at n = 500, k = 50 (section 3.1).", _hardest),
)
