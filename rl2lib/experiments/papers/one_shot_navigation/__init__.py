"""Wang et al. 2016, section 3.2.3: a goal that is searched for once and then returned to, from elsewhere each time.

Their maze is seen through pixels; this one is four rooms of a grid. What is measured is theirs: how many steps the
goal takes in the first episode of a trial, and how many later.
"""

from __future__ import annotations

from rl2lib.experiments.papers.one_shot_navigation.claims import CLAIMS, PUBLISHED_STEPS
from rl2lib.experiments.papers.one_shot_navigation.figure import draw
from rl2lib.experiments.papers.one_shot_navigation.players import measure
from rl2lib.experiments.papers.one_shot_navigation.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="One-shot navigation",
    source="Wang et al. 2016, section 3.2.3",
    about=(
        "Four rooms with a door between neighbours; the goal is hidden, another in each trial, and every episode of "
        f"a trial starts somewhere else. The paper's maze is seen through pixels and takes about {PUBLISHED_STEPS[0]} "
        f"steps to the first goal and about {PUBLISHED_STEPS[1]} to the later ones: what carries over is that later "
        "episodes are shorter, not the numbers. RL² is one LSTM by clipped PPO on sampled rewards, with a baseline "
        "that sees the goal. It learns on shorter episodes and fewer of them than it is measured on. An episode that "
        "times out counts with its whole length. The ceiling of later episodes is the mean of the shortest way from a "
        "free cell to another, exactly. The wiped agent has the same weights and was not trained to forget; the one "
        "that visits the nearest unvisited cell knows walls and doors, and is the best known rule here, not the "
        "optimum."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Steps to the goal and share of goals found, by episode of the trial, for RL² and four other agents.",
    claims=CLAIMS,
    unit="steps to the goal",
)
