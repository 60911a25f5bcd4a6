"""What is claimed of table 2, and how each claim is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.mdp_players import ORACLE
from rl2lib.experiments.papers.table2.published import PUBLISHED, PUBLISHED_TASKS, RL2, SNAIL_EPISODE, SNAIL_RATIO
from rl2lib.experiments.papers.table2.trained import CELLS
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict


def _best(rows: list[Row], trained: bool) -> Row:
    """The best row with or without training, the oracle, who is told the task, left out."""
    return max((row for row in rows if bool(row.seeds) == trained and row.agent != ORACLE), key=lambda row: row.mean)


def _told(num_episodes: int) -> tuple[float, float]:
    """What was published of RL², and its rounding."""
    return PUBLISHED[num_episodes, RL2], 0.05


def _not_below(measured: Measured, others: Callable[[int], tuple[float, float]], agent: str | None = None) -> Verdict:
    """Whether an agent, or the best trained one, is nowhere below others' published reward, given with its rounding."""
    words, below, level = [], 0, 0
    for cell in measured.cells():
        best = measured.row(cell, agent) if agent else _best(measured.cell(cell), trained=True)
        theirs, rounding = others(CELLS[cell])
        noise = math.hypot(best.se, best.se * math.sqrt(best.num_tasks / PUBLISHED_TASKS))
        margin = 1.96 * noise + rounding
        below += best.mean + margin < theirs
        level += abs(best.mean - theirs) <= margin
        words.append(f"{cell} {best.score.format(1)} ({theirs:.1f})")
    return Verdict("not reached" if below else "matched" if level else "surpassed", "; ".join(words))


def _snail(num_episodes: int) -> tuple[float, float]:
    """SNAIL's reward in a cell, from its share of an oracle, and how far the episode's rounding may move it."""
    share = SNAIL_RATIO[num_episodes] * num_episodes
    return share * SNAIL_EPISODE, share * 0.05


def _against_best_known(measured: Measured) -> Verdict:
    words, below, ahead = [], 0, 0
    for cell in measured.cells():
        ours, theirs = (_best(measured.cell(cell), trained) for trained in (True, False))
        # both are measured against the cell's best on the same tasks, and one of the two is that best
        gap = (theirs.behind or 0.0) - (ours.behind or 0.0)
        error = 1.96 * max(ours.behind_se or 0.0, theirs.behind_se or 0.0)
        below += gap < -error
        ahead += gap > error
        words.append(f"{cell} {gap:+.1f} ± {error:.1f}")
    everywhere = ahead == len(measured.cells())
    return Verdict("not reached" if below else "surpassed" if everywhere else "matched", "; ".join(words))


CLAIMS = (
    Claim(
        "RL² as in the paper, a plain GRU by reinforcement alone, is not below published RL² in any row.",
        partial(_not_below, others=_told, agent=RL2),
        reason="see the last line under the tables",
    ),
    Claim(
        "The best trained row, a memory per state-action and not the paper's network, is not below published RL².",
        partial(_not_below, others=_told),
    ),
    Claim(
        "The best trained row is not below SNAIL's reward (its shares of an oracle, in reward).",
        partial(_not_below, others=_snail),
    ),
    Claim("The best trained row is not below the best known baseline in any row.", _against_best_known),
)
