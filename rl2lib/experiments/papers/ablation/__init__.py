"""What RL² needs: the same agent without one of its inputs, with less memory, or paid for the last episode alone.

Duan et al. 2016 (section 2.2) feed the policy its previous action, reward and flag, keep its state over the episodes
of a trial and maximise the reward of all of them; they do not say what each is worth. Two cells: five arms and ten
pulls, where what an agent can reach without memory is known exactly, and small MDPs, where episodes have a length.
"""

from __future__ import annotations

from rl2lib.experiments.papers.ablation.claims import CLAIMS, NEGLIGIBLE
from rl2lib.experiments.papers.ablation.figure import draw
from rl2lib.experiments.papers.ablation.players import measure
from rl2lib.experiments.papers.ablation.trained import ID, cells, runs
from rl2lib.experiments.plan import Experiment

EXPERIMENT = Experiment(
    id=ID,
    title="Ablation: what RL² needs",
    source="Inputs, memory and objective of Duan et al. 2016, section 2.2; the paper has no ablation",
    about=(
        "The plain GRU of table 1's cell n=10, k=5, and of small random MDPs (3 states, 2 actions, 4 episodes of 3 "
        "steps), each time trained anew without one of the things that make it RL²: the previous action, the previous "
        "reward, the flag; a state that survives every episode, or one that is wiped once, at half-time; and pay for "
        "all episodes instead of the last. All are trained alike: clipped PPO, expected rewards in the advantages, "
        "a linear baseline that sees the task and everything the policy may not. What is taken away counts as needed "
        "where the paired 95% interval of the loss (over tasks, and over seeds) lies above zero, and as not needed "
        f"where it ends below {100 * NEGLIGIBLE:g}% of what the whole agent earns beyond random play. A ceiling is "
        "the exact optimum of an agent that lacks the same thing; without the previous action that is the whole "
        "agent's, since a policy without chance knows what it did. The last variant is scored on all episodes like "
        "the others."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="What every ablation costs in a bandit and in random MDPs, and the reward of each episode of a trial.",
    claims=CLAIMS,
)
