"""What is claimed of imitation, and how each claim is judged."""

from __future__ import annotations

from functools import partial

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.imitation.figure import DRAWN
from rl2lib.experiments.papers.imitation.players import OWN, THEIRS
from rl2lib.experiments.papers.imitation.trained import CLONED, DAGGER, EASIER, HALF, HARD, RL2_SHORT_FIRST, SHORT_FIRST
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged

LEVEL = 0.02
"""The largest distance from the index, of its lead over random play, that counts as its level."""


def _said(row: Row) -> str:
    return f"{DRAWN[row.agent]} {row.share.percent()} ({row.setting})"


def _agreed(measured: Measured, cell: str, agent: str) -> str:
    """How often it chooses as the index, over whole trials."""
    shares = []
    for whose, where in ((THEIRS, "the index's trials"), (OWN, "its own")):
        line = [point.y for point in measured.line(cell, f"{whose}{agent}")]
        shares += [f"{sum(line) / len(line):.0%} on {where}"] if line else []
    return f"; it agrees in {' and '.join(shares)}" if shares else ""


def _falls_short(measured: Measured, cell: str) -> Verdict:
    """Whether PPO's score is shown to lie further below the index than `LEVEL`."""
    row = measured.row(cell, RL2)
    short = row.share.high < 1 - LEVEL
    return judged(short, _said(row) + _agreed(measured, cell, RL2))


def _level_with_index(measured: Measured, cell: str, agent: str) -> Verdict:
    """Whether a score is shown to lie at most `LEVEL` below the index: a one-sided test at 5%."""
    row = measured.row(cell, agent)
    level = row.share.mean - 1.645 * row.share.standard_error > 1 - LEVEL
    return judged(level, _said(row) + _agreed(measured, cell, agent))


def _ahead(measured: Measured, behind: str, ahead: str) -> Verdict:
    """Whether one agent is ahead of another in every cell, the intervals apart."""
    words, apart = [], []
    for cell in measured.cells():
        low, high = measured.row(cell, behind), measured.row(cell, ahead)
        apart.append(low.share.high < high.share.low)
        words.append(f"{cell}: {_said(low)}, {_said(high)}")
    if not words:
        raise KeyError("a cell")
    return judged(all(apart), "; ".join(words))


CLAIMS = (
    Claim(
        "RL² by PPO alone is behind the index at n = 500, k = 50 (a noticeable gap).",
        partial(_falls_short, cell=HARD),
    ),
    Claim(
        "The same network, trained on the index's trajectories, plays at its level at n = 500, k = 50.",
        partial(_level_with_index, cell=HARD, agent=CLONED),
        reason=(
            "likely that on the index's trials the answer is nearly always the arm before: it agrees with the "
            "index there, and hardly in its own trials (see the figure); at n = 100 the same training gets further"
        ),
    ),
    Claim(
        "The same network, told what the index would do in its own trials, short ones first, plays at the index's "
        "level at n = 500, k = 50.",
        partial(_level_with_index, cell=HARD, agent=SHORT_FIRST),
        reason="the number of steps: half of them is further behind (see below), and the score still rises",
    ),
    Claim(
        "Told the same, it plays at the index's level at n = 100, k = 50.",
        partial(_level_with_index, cell=EASIER, agent=SHORT_FIRST),
        reason="the number of steps: half of them is further behind (see below), and the score still rises",
    ),
    Claim(
        "On the same trials' lengths, after the same number of steps, imitation is ahead of PPO: PPO is not at the "
        "architecture's limit.",
        partial(_ahead, behind=RL2_SHORT_FIRST, ahead=SHORT_FIRST),
    ),
    Claim(
        "Twice as much imitation still gains.",
        partial(_ahead, behind=HALF, ahead=SHORT_FIRST),
    ),
    Claim(
        "Short trials first gain over whole trials alone.",
        partial(_ahead, behind=DAGGER, ahead=SHORT_FIRST),
    ),
)
