"""Duan et al. 2016, table 1: bandits with independent arms, total reward after n pulls of k arms.

RL² is the plain recurrent policy, by reinforcement learning alone. Beside it the same network by imitation alone (of
the optimum at n=10, of the finite-horizon Gittins index elsewhere), and a policy with one memory for every arm, whose
one set of weights for each n plays any number of arms. Around them every baseline of the paper, tuned on other tasks.
"""

from __future__ import annotations

from rl2lib.experiments.papers.table1.claims import CLAIMS
from rl2lib.experiments.papers.table1.figure import draw
from rl2lib.experiments.papers.table1.players import measure
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Table 1: bandits",
    source="Duan et al. 2016, table 1; SNAIL: Mishra et al. 2018, table 1",
    about=(
        "Total reward of n pulls, scored by expected reward (the mean of the arm pulled). Arms are uniform on [0, 1]. "
        "Every baseline is tuned on tasks of its own; the variant says to what. Gittins is one row an approximation, "
        "the published number beside the best. Normalised: 0 is random play, 1 the exact optimum (n=10) or the "
        "finite-horizon Gittins index, the best that is known (n=100, 500). RL² is the plain GRU; its advantages use "
        "expected rewards and a baseline that sees the task, as the equivariant policy's do. The arm-equivariant "
        "policy is one memory per arm, one set of weights for each n, which learned on 5, 10 and 50 arms in turn. "
        "The network that imitates is told the index's answers and learns from no reward. It learned on whole trials; "
        "on 50 arms `imitation` has short ones first, which are faster by far. In the figure small bars are seeds, and "
        "published scores above 1 the luck and the rounding of the paper's thousand tasks."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Normalised scores of RL² in three forms and of the classic agents in all cells of table 1.",
    claims=CLAIMS,
    reasons={
        RL2: (
            "not told apart are fewer steps (a few million, see the page; the authors took on the order of a hundred "
            "million), fewer hidden units and PPO in TRPO's place; the network itself can more: it reaches more by "
            "imitation of the index"
        ),
    },
)
