"""Duan et al. 2016, figure 2: learning curves of table 1's runs, 0 at random play and 1 at the Gittins index.

Nothing is trained here. The curves are those on the cards of table 1's runs: the mean return of each iteration's fresh
trials while the policy learned, with sampled actions. What is measured is the scale: random play and the index on one
set of tasks in every cell.
"""

from __future__ import annotations

from rl2lib.experiments.papers.figure2.claims import CLAIMS
from rl2lib.experiments.papers.figure2.figure import draw
from rl2lib.experiments.papers.figure2.players import ID, LEVEL, SMOOTHED, measure
from rl2lib.experiments.papers.table1 import EXPERIMENT as TABLE1
from rl2lib.experiments.papers.table1.trained import cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Figure 2: learning curves on bandits",
    source="Duan et al. 2016, figure 2",
    about=(
        "Learning curves of table 1's runs on the figure's scale: 0 is random play, 1 the finite-horizon Gittins "
        "index, both measured on one set of 10,000 tasks a cell. A curve is of training: each point is the mean over "
        "an iteration's fresh tasks, by expected reward, with sampled actions, which score less than the greedy ones "
        "that table 1 plays. The paper's panels are the first row: a plain GRU, learning by reinforcement alone (there "
        "TRPO, up to 1,000 iterations of 250,000 steps; here PPO, for the steps on the axis). Below it the same "
        "network as it imitates the index, and the policy with a memory per arm, which learns on 5, 10 and 50 arms in "
        "turn: its points stand where it met k arms, and its steps are those of all its rounds; at n = 500 all but the "
        "last three rounds imitate the index, too. The table has the mean of a curve's last fifth, and, where whole "
        f"runs are of one k, after how many million steps {SMOOTHED} iterations in a row averaged {LEVEL:g} (the "
        "median seed's); no such row means not within the run. What was published are table 1's returns on this "
        "scale, since the figure prints no numbers. Bands are ranges over seeds."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Learning curves in a grid: a column for each number of pulls, a row for each way of learning, a line for "
        "each number of arms; the normalised score, 0 for random play and 1 for the Gittins index, against steps."
    ),
    claims=CLAIMS,
    reasons=TABLE1.reasons,
    unit="normalised score",
)
