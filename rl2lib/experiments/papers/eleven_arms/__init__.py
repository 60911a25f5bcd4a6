"""Wang et al. 2016, section 3.1.3 (figure 3): eleven arms, five pulls, and one arm that is worth its price in words.

The target pays 5, nine others 1, and the eleventh arm a tenth of the target's number: .55 + 4 · 5 = 20.55 is optimal.
A network that reads the reward as a number, and one that reads it as one-hot, as the paper's did; each by PPO alone,
with its usual entropy bonus and with one fifty times as large; and the first again after a short imitation.
"""

from __future__ import annotations

from rl2lib.experiments.papers.eleven_arms.claims import CLAIMS
from rl2lib.experiments.papers.eleven_arms.figure import draw
from rl2lib.experiments.papers.eleven_arms.players import measure
from rl2lib.experiments.papers.eleven_arms.trained import CELLS, ID, LARGE, PAYS, RETURN, USUAL, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Eleven arms: paying for information",
    source="Wang et al. 2016, section 3.1.3 and figure 3",
    about=(
        "Five pulls of eleven arms that always pay the same: the target 5, nine others 1, the informative arm a tenth "
        "of the target's number. The paper gives no table; the optimum is exact. All networks are GRUs trained by PPO "
        "on as many trials, by sampled rewards (which are certain here) and a critic that sees what they see. "
        f"The large entropy bonus is {LARGE:g} in the place of {USUAL:g}, and falls to zero over training. "
        f"Cells are two scores of the same trials: {RETURN}, and {PAYS}, the share of trials in which the informative "
        "arm is pulled at all. Thompson sampling knows the prior, and so never pulls that arm; UCB1 pulls every arm "
        "once before any again, the lowest number first, and so never reaches the informative one, the last. "
        "Imitation is of the optimal agent, for half as many trials; there the curve begins where PPO does."
    ),
    cells=lambda scale: CELLS,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Left: trial return over training for five ways of training; those that learn to pay for information rise to "
        "the optimum's line, the others stay at that of a search. Right: reward pull by pull."
    ),
    claims=CLAIMS,
    unit="trial return; share of trials",
)
