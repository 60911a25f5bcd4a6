"""Wang et al. 2016, section 3.2.2: the abstract structure of Harlow's task, learned by a stacked LSTM.

One of two images never met before is the rewarded one, in all ten choices of a trial. Who has learned the rule guesses
once and is right from then on: 9.5 of ten. The images here are vectors of normal numbers, and the larger they are, the
more of them must be kept and compared.
"""

from __future__ import annotations

from rl2lib.experiments.papers.harlow.claims import CLAIMS
from rl2lib.experiments.papers.harlow.figure import draw
from rl2lib.experiments.papers.harlow.players import measure
from rl2lib.experiments.papers.harlow.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Harlow's task",
    source="Wang et al. 2016, section 3.2.2 and figure 6",
    about=(
        "The task's abstract structure: two images, one of them paid for, sides drawn anew at each of ten choices, "
        "other images in every trial. The paper's pixels, fixation and eye movements are left out: an image is a "
        "vector of D normal numbers, cells by D, and the right choice pays 1, the wrong one 0. RL² is a stack of two "
        "LSTMs, beside it a single one; both learn by PPO (the paper: A3C) from rewards alone, with a baseline that "
        "sees what the policy sees. All test images are fresh draws: no network has met one of them. The optimum, 9.5 "
        "of ten, is exact: the first choice is a guess, no later one is."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Share of right choices from the first to the tenth of a trial: a half at the first for everybody, then close "
        "to one for RL² and exactly one for the optimal agent; below, how the networks learned it."
    ),
    claims=CLAIMS,
    unit="right choices of ten",
)
