"""What table 1's policies do beyond what they were trained on: other numbers of arms, shorter and longer trials.

Nothing is trained here. The policy with a memory per arm learned on 5, 10 and 50 arms and 100 pulls; it is played on
other numbers of both. It reads pulls / 100, the fraction of a trial that is over: at other lengths either the same
clock goes on, to .5 of a trial of 50 pulls and to 5 of one of 500, where it never was; or it is told the new length and
reads 0 to 1 as ever. The plain GRU has a fixed number of arms and no clock: at other lengths it is played as it is.
"""

from __future__ import annotations

from rl2lib.experiments.papers.extrapolation.claims import CLAIMS
from rl2lib.experiments.papers.extrapolation.figure import draw
from rl2lib.experiments.papers.extrapolation.players import measure
from rl2lib.experiments.papers.extrapolation.trained import HOME, ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Beyond the training distribution: other numbers of arms and pulls",
    source="This project's own question; policies of Duan et al. 2016, table 1",
    about=(
        "Table 1's trained policies, as they are, on bandits that they were not trained on. The policy with a memory "
        "per arm learned on 5, 10 and 50 arms with 100 pulls. It reads pulls / 100 as its clock: in a trial of 50 "
        "pulls that ends at .5, in one of 500 it goes on to 5, far beyond the 0 to 1 of training; the other variant "
        "is told the new length, and reads 0 to 1. The plain GRU has ten arms built in and reads no clock: it is "
        "played at other lengths of ten arms as it is, and must carry on from states that training never reached. "
        f"UCB1's width, and greedy or sampled actions, are chosen on validation tasks of {HOME.name} and kept. The "
        "index is solved for every length anew; in longer trials another row plans at most 100 pulls ahead. In the "
        "figure, markers are hollow where an agent was neither trained nor tuned. Scored by expected reward; 0 is "
        "random play, 1 the finite-horizon index."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Normalised scores of trained policies, UCB1 and greedy play against the number of arms from 2 to 100, and "
        "against the number of pulls from 50 to 500; markers are hollow where an agent was neither trained nor tuned."
    ),
    claims=CLAIMS,
)
