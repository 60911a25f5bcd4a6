"""What is claimed of figure 3, and how it is judged."""

from __future__ import annotations

from functools import partial

from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.players import RL2_PAIRS
from rl2lib.experiments.papers.table2.published import RL2
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, level_everywhere


def _ends_above_opsrl(measured: Measured, agent: str) -> Verdict:
    return level_everywhere({cell: measured.row(cell, agent).score for cell in measured.cells()}, 1.0)


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
