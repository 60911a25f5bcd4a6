"""The chapter's coding exercise: a hidden goal in a 5 × 5 grid, REINFORCE on three goals, a test on held-out ones.

Four trainings, each of the recurrent policy and of its twin without a state; and to tell whether a new goal is found,
four agents which between them hold out every cell once.
"""

from __future__ import annotations

from rl2lib.experiments.papers.goal_gridworld.claims import CLAIMS, LONG, MOST, SHORT
from rl2lib.experiments.papers.goal_gridworld.figure import draw
from rl2lib.experiments.papers.goal_gridworld.players import measure
from rl2lib.experiments.papers.goal_gridworld.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="A hidden goal in a 5 × 5 grid",
    source="The explainer's coding exercise",
    about=(
        "A goal is hidden in a 5 × 5 grid; a trial is three episodes of at most 30 steps from the same corner, a step "
        "costs 0.04, the goal pays 1. 3_goals: it lies in one of the three other corners; "
        f"{SHORT:,} (short) or {LONG:,} (long) trials of REINFORCE, or {MOST:,} of PPO; "
        "held out: the 21 cells where it never was. 24_goals: any cell but the start. 18_goals_a to d: trained on 18 "
        "cells, tested on the six others; between them the four hold out every cell once. The recurrent policy is a "
        "GRU of 32 units; its twin has a layer in the GRU's place and no state, and sees the same: cell, previous "
        "action, reward, flag. Wiped: the state and those inputs are blanked at each episode's start. Every goal is "
        "tested equally often. Sampled or greedy is chosen on training goals. The baseline is recurrent for both and "
        "sees what the policy sees. The optimum is exact: the best route through the goals, then the shortest way; on "
        "held-out goals the ceiling is who is told the goal. Figure: bands are the range over seeds; dashed in the "
        "last column are the agents that were trained on 18 cells, the mean of the four."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Return and steps by episode of the recurrent policy and its twin, on training goals and on held-out ones. "
        "With 24 possible goals the recurrent one searches once and then walks straight; the twin searches again. "
        "Held-out goals are found late or not at all."
    ),
    claims=CLAIMS,
)
