"""Duan et al. 2016, table 2: random tabular MDPs, total reward over n episodes of ten steps.

The paper's baselines in three columns (its own priors, the true prior, planned again at every step), the plain
recurrent policy, and one with a memory for every state-action, by reinforcement alone and after imitation of the best
known rule. What planning is worth is `table2_planning`'s question.
"""

from __future__ import annotations

from rl2lib.experiments.papers.table2.claims import CLAIMS
from rl2lib.experiments.papers.table2.figure import draw
from rl2lib.experiments.papers.table2.players import measure
from rl2lib.experiments.papers.table2.published import RL2
from rl2lib.experiments.papers.table2.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Table 2: random MDPs",
    source="Duan et al. 2016, table 2; SNAIL: Mishra et al. 2018, table 2",
    about=(
        "Ten states, five actions, n episodes of ten steps; scored by expected reward. The baselines stand in three "
        'columns: "as published" has TabulaRL\'s own priors and plans once an episode; "true prior" knows what MDPs '
        'are drawn from; "true prior, every step" plans again at every step. Their scalings are chosen on other MDPs. '
        "The transition-blind rule looks at rewards alone; it is the best that is known, and 1 in the normalised "
        "column. RL² is a plain GRU. PPO learns from expected rewards, with a baseline that sees the task. The memory "
        "per state-action sees no transitions either; one of its two forms imitates the transition-blind rule first."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Reward of an episode against the number of episodes of a trial, for RL² in two forms and the best baselines.",
    claims=CLAIMS,
    reasons={
        RL2: (
            "not told apart are fewer steps (1.5 million; the authors took up to 2.5 thousand million), fewer hidden "
            "units and PPO in TRPO's place; the memory per state-action gets there with a few million"
        ),
    },
)
