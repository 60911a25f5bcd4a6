"""What figure 3 draws of table 2: the runs that learned by PPO alone."""

from __future__ import annotations

from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.players import RL2_PAIRS
from rl2lib.experiments.papers.table2.published import RL2
from rl2lib.experiments.papers.table2.trained import CELLS, gru_name, pairs_name
from rl2lib.experiments.plan import Run, Scale

ID = "figure3"
NAMES = {RL2: gru_name, RL2_PAIRS: pairs_name}
"""By agent, what a cell's run is called."""


def runs(scale: Scale) -> list[Run]:
    """Return those of table 2's runs whose curves are drawn."""
    drawn = {name(CELLS[cell]) for name in NAMES.values() for cell in TABLE2.cells(scale)}
    return [run for run in TABLE2.runs(scale) if run.name in drawn]
