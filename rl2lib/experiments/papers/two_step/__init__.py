"""Wang et al. 2016, section 3.2.1: model-free training, and a policy that plans, in the two-step task.

An LSTM learns by rewards alone. What it does after a rare transition tells whether its own learning, inside the trial,
uses the transitions: beside it play the exact planner, a caching learner, and the best of all who do not look where
they were led. What they earn is one cell, how they stay another.
"""

from __future__ import annotations

from rl2lib.experiments.papers.two_step.claims import CLAIMS
from rl2lib.experiments.papers.two_step.figure import draw
from rl2lib.experiments.papers.two_step.players import measure
from rl2lib.experiments.papers.two_step.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="The two-step task",
    source="Wang et al. 2016, section 3.2.1 and figure 5; the task: Daw et al. 2011",
    about=(
        "Two choices lead to two second stages, commonly (.75) to one and rarely (.25) to the other; one second stage "
        "pays with probability .9, the other with .1. Which is drawn once a trial and kept, as in the paper, whose "
        "*episode* is our trial; trials of 10 episodes are the paper's (its settings unroll 20 "
        "steps), those of 100 show what more time "
        "changes. RL² is an LSTM of 48 units trained by PPO (the paper: A2C) on sampled rewards, with a baseline that "
        "sees what the policy sees. The planner knows the transitions and keeps the exact posterior: it is optimal. "
        "Q(1) credits the choice with the reward, its learning rate α and inverse temperature β tuned on other tasks; "
        "the best without transitions does the same by Bayes' rule.\n\n"
        "Cells `stay`: the interaction of reward and transition in the probability of repeating the choice, "
        "(rewarded common - rewarded rare) - (unrewarded common - unrewarded rare). *Given the choice*: after the "
        "better and after the worse choice apart, averaged; outcomes are then as good as randomised, and what follows "
        "them is caused by them. *Over all choices*: as such bars are usually drawn. Cells `return`: expected reward "
        "of a trial, 0.7 an episode for who knows the task."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Probability of repeating the first choice after each outcome. RL² and the planner stay after rewarded common "
        "and unrewarded rare transitions; the model-free learners stay after any reward."
    ),
    claims=CLAIMS,
    unit="trial return, and interaction",
)
