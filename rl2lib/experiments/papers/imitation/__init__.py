"""Duan et al. 2016, section 3.1: is the architecture the limit, or the slow learner?

At 500 pulls of 50 arms the paper's RL² was behind the Gittins index. To find the bottleneck the authors trained the
same network by supervised learning on trajectories that the index had played, and it played as well as the index. Here
one network learns by PPO and by imitation, from the index's trials and from its own, on whole trials and on short ones
first: PPO and imitation on whole trials are table 1's runs, the others are trained here.
"""

from __future__ import annotations

from rl2lib.experiments.papers.imitation.claims import CLAIMS, LEVEL
from rl2lib.experiments.papers.imitation.figure import draw
from rl2lib.experiments.papers.imitation.players import measure
from rl2lib.experiments.papers.imitation.trained import ID, SIZES, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Is the architecture the limit, or the slow learner? Imitation of the Gittins index",
    source="Duan et al. 2016, section 3.1",
    about=(
        "One network, a plain GRU of table 1's size, learns in six ways; all play the same tasks, scored by expected "
        "reward. PPO uses expected rewards and a baseline that sees the task. Behaviour cloning is the paper's way: "
        "cross-entropy on trials that the index played. DAgger asks the index about the network's own trials instead. "
        "'Short trials first': the first 20 pulls of a trial (the index's trials at first, then its own), then more, "
        "then all; the index plans for whole trials throughout, and PPO is given the same trials' lengths, and as many "
        "steps. The other runs are of whole trials alone. The index is the finite-horizon one, the best that is known; "
        "the paper's is another approximation. Normalised: 0 is random play, 1 the "
        f"index. Its level means at most {LEVEL:.0%} below it; the paper says 'the same level of performance' and "
        "gives no number. In the figure, lines on the left are scores while training, with sampled actions, where "
        "whole trials are played by the network; markers are scores on test tasks. A choice agrees if the index holds "
        f"no other arm higher there; of the first seed, in {SIZES['laptop'].watched_tasks} trials."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Left: normalised scores against steps of training for PPO, behaviour cloning and DAgger, on whole trials and "
        "on short ones first. Right: how often each chooses as the Gittins index would, pull by pull of a trial."
    ),
    claims=CLAIMS,
)
