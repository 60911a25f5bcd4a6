"""Table 2's comparison where planning matters: chains, and random MDPs whose transitions are all but deterministic.

On the flat MDPs of Duan et al. 2016 a rule that looks at rewards alone is ahead of every planner. Here it is not:
what pays has to be walked to. RL² plays with a memory per state-action that sees no transitions, with a planning
head (by reinforcement alone, and after imitation of the best planner), and with messages along the transitions that
the trial has seen.
"""

from __future__ import annotations

from rl2lib.experiments.papers.table2_planning.claims import CLAIMS
from rl2lib.experiments.papers.table2_planning.figure import draw
from rl2lib.experiments.papers.table2_planning.players import measure
from rl2lib.experiments.papers.table2_planning.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Table 2's comparison where planning matters",
    source="After Duan et al. 2016, table 2; chains after Strens 2000",
    about=(
        "Episodes of ten steps. Chains: five states, two actions; one, not the same in each state, leads on and pays "
        "nothing until the end, where it pays 10; the other pays 2 and leads back. Sparse: ten states, two actions, "
        "Dirichlet concentration 0.03, so that an action nearly always leads to the same state. Scored by expected "
        "reward. The baselines stand in table 2's three columns, scalings chosen on other MDPs: the true prior is what "
        "sparse MDPs are drawn from, the matched one has the moments of a chain's rewards, and none of this form can "
        "say what a chain is. 0 is random play; 1 is the optimum for an agent that knows it is in a chain, and for "
        "sparse MDPs the oracle, which nobody can reach. All trained rows learned by PPO from expected rewards, with a "
        "baseline that sees the task. The messages policy counts the transitions it has seen and sends learned worths "
        "back along them. The planner with a learned bonus is no recurrent network: it keeps the exact posterior under "
        "the baselines' prior and plans at every step, as BEB does; the bonus and a temperature are all that is "
        "learned. One of its two forms imitates the best planner first, at a low temperature of the softmax. "
        "The figure's curves are of the first 500 MDPs."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Reward of each episode of a trial on chains and nearly deterministic MDPs, for RL² in three forms, a planner "
    "with a learned bonus in two, the best baseline, the transition-blind rule, and the optimum.",
    claims=CLAIMS,
)
