"""What is claimed of figure 3, and how it is judged."""

from __future__ import annotations

from functools import partial

from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.players import RL2_PAIRS
from rl2lib.experiments.papers.table2.published import RL2
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, at_least


def _ends_above_opsrl(measured: Measured, agent: str) -> Verdict:
    ends = {cell: measured.row(cell, agent) for cell in measured.cells()}
    words = "; ".join(f"{cell} {row.score.percent()}" for cell, row in ends.items())
    return Verdict(at_least((row.score for row in ends.values()), 1.0), words)


CLAIMS = (
    Claim(
        "RL² ends at OPSRL's score or above in every cell.",
        partial(_ends_above_opsrl, agent=RL2),
        reason=TABLE2.reasons[RL2],
    ),
    Claim(
        "A memory per state-action ends at OPSRL's score or above in every cell.",
        partial(_ends_above_opsrl, agent=RL2_PAIRS),
    ),
)
