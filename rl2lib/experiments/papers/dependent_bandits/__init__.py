"""Wang et al. 2016, sections 3.1.1 and 3.1.2: agents trained on one kind of two-armed bandit, tested on every kind.

Independent arms, and four distributions with means p and 1 - p. On those four one rule is optimal, the same for all:
pull the arm that more pulls spoke for. What an agent lacks abroad is therefore never another rule. Regret is the sum
of best mean less the pulled arm's mean, over 100 pulls.
"""

from __future__ import annotations

from rl2lib.experiments.papers.dependent_bandits.claims import CLAIMS
from rl2lib.experiments.papers.dependent_bandits.figure import draw
from rl2lib.experiments.papers.dependent_bandits.players import OPTIMAL, measure
from rl2lib.experiments.papers.dependent_bandits.trained import CELLS, ID, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Two-armed bandits, independent and tied",
    source="Wang et al. 2016, sections 3.1.1 and 3.1.2, figure 2",
    about=(
        "Cumulative regret after 100 pulls of two arms, of means and not of samples; less is better. Cells are what "
        "is tested on. Tied arms have means p and 1 - p: p is uniform on [0, 1], or one of .1 and .9 (easy), .25 and "
        ".75 (medium), .4 and .6 (hard). One rule is optimal on all tied arms, whatever p is drawn from: pull the arm "
        "that more pulls spoke for. The least possible regret is exact in all cells. RL² is a GRU of 48 units "
        "trained by PPO on one of the five, with expected rewards and a linear critic that sees the task; its row says "
        "which. The paper's is an LSTM trained by A2C on 20,000 trials, which is also told the number of the pull; its "
        "figures show the best five of a hundred settings, and it gives no table. UCB1 has c = 1, the textbook's, and "
        "once more the best c of 11 on validation tasks of the cell. "
        f"{OPTIMAL} knows the cell's distribution; on independent arms it wrongly takes them for tied."
    ),
    cells=lambda scale: CELLS,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Above: a matrix of regrets, five agents by what they were trained on and six algorithms, against five test "
        "distributions. Below: regret by pull of RL² and the algorithms, in four of the pairs."
    ),
    claims=CLAIMS,
    unit="cumulative regret",
)
