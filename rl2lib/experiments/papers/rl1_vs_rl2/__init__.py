"""Alver & Precup 2021, figure 2: RL² beside RL¹, which is told the task after the first episode and carries nothing.

Both are played on the same tasks as the exact optimum and as who is told the task from the start.
"""

from __future__ import annotations

from rl2lib.experiments.papers.rl1_vs_rl2.claims import CLAIMS
from rl2lib.experiments.papers.rl1_vs_rl2.figure import draw
from rl2lib.experiments.papers.rl1_vs_rl2.players import measure
from rl2lib.experiments.papers.rl1_vs_rl2.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="RL² beside RL¹, which is told the task and carries nothing",
    source="Alver & Precup 2021, figure 2",
    about=(
        "RL¹'s state is wiped between episodes, and from the second episode on it sees which task it is. Bandit: two "
        "arms, one always pays, ten pulls; total reward. Corridor: the goal is at the left or the right end, two "
        "episodes; timesteps to the goal, fewer are better. The size of the corridor was not published. With d steps "
        "from the start to an end, who must find out takes 3d in both episodes together: the published 15.5 fits the "
        "sum of both episodes at d = 5 and the mean of one at d = 10. The optimum is 15 and who is told takes 10 in "
        "both readings; both are trained here, and d = 5 is what the notebooks mean. LSTM of 48 units, discounts and "
        "entropy weights as published, critic an LSTM of its own that sees what the agent sees; PPO in the place of "
        "A2C, which is trained as well at paper scale, with the paper's table. Actions are sampled, as in training; "
        "the variant says where the likeliest one is taken. The curves' bands are the middle 80% of the runs."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Above, learning curves of RL² and RL¹ on the two-point bandit and on two corridors, "
        "beside the optimum. Below, reward by pull and steps by episode, beside the optimum and who is told the task."
    ),
    claims=CLAIMS,
    unit="total reward (bandit), timesteps (corridor)",
)
