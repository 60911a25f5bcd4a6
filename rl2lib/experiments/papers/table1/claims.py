"""What is claimed of table 1, and how each claim is judged."""

from __future__ import annotations

import math
from functools import partial

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.table1.players import RL2_EQUIVARIANT
from rl2lib.experiments.papers.table1.published import PUBLISHED, RL2, SNAIL, SNAIL_HALF_INTERVAL
from rl2lib.experiments.papers.table1.trained import CELLS, PULLS, Cell
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, at_least, judged

LEVEL = 0.99
"""Of the way from random play to the best known, that counts as there."""


def _trained(measured: Measured, cell: str, agents: tuple[str, ...]) -> Row:
    """The best of a cell's trained rows, or of those of some agents."""
    rows = [row for row in measured.cell(cell) if row.seeds and (not agents or row.agent in agents)]
    if not rows:
        raise KeyError(f"{cell}: {', '.join(agents) or 'a trained agent'}")
    return max(rows, key=lambda row: row.mean)


def _reaches(measured: Measured, agents: tuple[str, ...] = (), pulls: tuple[int, ...] = PULLS) -> Verdict:
    """Whether in every cell the best of some trained agents is not below min(published RL², `LEVEL`)."""
    words, short = [], 0
    for cell in measured.cells():
        if CELLS[cell].num_pulls not in pulls:
            continue
        best = _trained(measured, cell, agents)
        published = PUBLISHED[CELLS[cell], RL2] - 0.05  # its rounding
        short += best.score.high < published and best.share.high < LEVEL
        words.append(
            f"{cell} {best.mean:.2f}, {best.share.percent()}" + (f" ({best.agent})" if len(agents) != 1 else "")
        )
    return judged(not short, "; ".join(words))


def _is_at_level(measured: Measured) -> Verdict:
    """Whether the equivariant policy is shown to be at `LEVEL` in every cell, or shown not to be in one."""
    found = {cell: measured.row(cell, RL2_EQUIVARIANT) for cell in measured.cells()}
    shown = sum(row.share.low >= LEVEL for row in found.values())
    lowest = min(found, key=lambda cell: found[cell].share.mean)
    evidence = f"in {shown} of {len(found)} cells; lowest {found[lowest].share.percent()} in {lowest}"
    return Verdict(at_least((row.share for row in found.values()), LEVEL), evidence)


def _above_snail(measured: Measured) -> Verdict:
    """Whether in no cell the best trained row is below SNAIL's, whose interval its paper prints."""
    words, below = [], 0
    for cell in measured.cells():
        theirs, half = PUBLISHED[CELLS[cell], SNAIL], SNAIL_HALF_INTERVAL[CELLS[cell]]
        best = _trained(measured, cell, ())
        below += theirs - best.mean > math.hypot(best.score.half, half)
        words.append(f"{cell} {best.mean:.2f} ({theirs:g} ± {half:g})")
    return judged(not below, "; ".join(words))


def _falls_behind(measured: Measured) -> Verdict:
    """On ten arms, where short and long trials have about as many steps of training."""
    short, long = (measured.row(cell, RL2) for cell in (Cell(10, 10).name, Cell(500, 10).name))
    evidence = f"plain GRU {short.share.percent()} at n=10, {long.share.percent()} at n=500 (k=10, about as many steps)"
    return judged(long.share.high < short.share.low, evidence)


CLAIMS = (
    Claim(
        f"RL² as in the paper, a plain GRU by reinforcement alone, is not below min(published RL², {LEVEL:.0%} of "
        "the way from random play to the best known).",
        partial(_reaches, agents=(RL2,)),
        reason="see the last line under the tables",
    ),
    Claim("The same at n = 10 alone.", partial(_reaches, agents=(RL2,), pulls=(10,))),
    Claim("The best trained row of a cell, whatever its network and its teacher, is not below that bound.", _reaches),
    Claim(
        f"The arm-equivariant policy comes {LEVEL:.0%} of that way in every cell, one set of weights for each n.",
        _is_at_level,
    ),
    Claim("The best trained row of a cell is not below SNAIL's.", _above_snail),
    Claim("RL² falls behind as trials grow longer (section 3.1).", _falls_behind),
)
