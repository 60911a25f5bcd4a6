"""Duan et al. 2016, figure 3: learning curves of table 2's runs, 0 at random play and 1 at OPSRL.

Nothing is trained here: the curves are those on the cards of table 2's runs, as in `figure2`.
"""

from __future__ import annotations

from rl2lib.experiments.papers.figure3.claims import CLAIMS
from rl2lib.experiments.papers.figure3.figure import draw
from rl2lib.experiments.papers.figure3.players import ID, measure, runs
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Figure 3: learning curves on random MDPs",
    source="Duan et al. 2016, figure 3",
    about=(
        "Learning curves of table 2's runs on the figure's scale: 0 is random play, 1 is OPSRL with TabulaRL's own "
        "priors, both measured on one set of MDPs a cell. A curve is of training, by expected reward and with sampled "
        "actions. A memory per state-action learns on trials of ten episodes first; those are left out where n is "
        "larger, and their steps are counted. The published number is table 2's return on this scale, since the "
        "figure prints none. Bands are ranges over seeds."
    ),
    cells=TABLE2.cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Learning curves of the plain GRU and of a memory per state-action, normalised, a line for each n.",
    claims=CLAIMS,
    reasons=TABLE2.reasons,
    unit="normalised score",
)
