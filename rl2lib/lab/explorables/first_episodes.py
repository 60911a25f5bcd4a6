"""Returns over the first ten episodes of a new POMDP, meta-trained against not: what each of the two loops adds.

Inside the ten episodes the weights are frozen, so what rises from left to right is the fast loop. Choosing another
stage of meta-training changes the weights, and that is the slow loop. The agents are those of notebook 07.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.belief_optimal import CorridorOptimal
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.experiments.papers.rl1_vs_rl2.trained import (
    BANDIT,
    CORRIDOR,
    CORRIDOR_PPO,
    HALF_LENGTH,
    SNAPSHOTS,
    both_tasks,
)
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Slider, Toggle
from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_EPISODES, NUM_TRIALS = 10, 200
DISCOUNT = CORRIDOR_PPO.discount
PLACES = {"two-point bandit": BANDIT, "corridor": CORRIDOR}
NONE, ALL = "none", "all of it"
STAGES = {NONE: 0} | {f"{stage} iterations": stage for stage in SNAPSHOTS["laptop"]} | {ALL: None}


def discounted_by_episode(trajectory: Trajectory, discount: float) -> Tensor:
    """Return each episode's return [B, E], discounted from the episode's own first step.

    A step's own reward has weight 1, and E is the most episodes that any trial has.
    """
    ends = trajectory.episode_end & trajectory.mask
    number = ends.cumsum(dim=1) - ends.long()  # the step that ends an episode belongs to it
    ages, age = [], torch.zeros(len(ends))
    for ended in ends.unbind(dim=1):
        ages.append(age)
        age = torch.where(ended, 0.0, age + 1)
    weighted = torch.where(trajectory.mask, trajectory.reward * discount ** torch.stack(ages, dim=1), 0.0)
    number = number.clamp(max=int(ends.sum(dim=1).max()) - 1)  # padding counts to the last one, and adds nothing
    return weighted.new_zeros(len(ends), int(number.max()) + 1).scatter_add(1, number, weighted)


def references(place: str) -> tuple[list[float], float]:
    """Return what belief-optimal play expects of each episode, and what whoever is told the task expects of any."""
    if place == BANDIT:
        return [0.5] + [1.0] * (NUM_EPISODES - 1), 1.0
    optimal = CorridorOptimal(HALF_LENGTH[CORRIDOR])
    walks = (HALF_LENGTH[CORRIDOR], 3 * HALF_LENGTH[CORRIDOR])  # the first episode, by the goal's side
    told, detour = (optimal.goal_reward * DISCOUNT ** (steps - 1) for steps in walks)
    return [(told + detour) / 2] + [told] * (NUM_EPISODES - 1), told


def agent(place: str, stage: int | None) -> SoftmaxPolicy:
    """Return RL² after some iterations of meta-training; None: all. A bundle made in a hurry has its nearest ones."""
    bundle, run = bundled.load_or_train("beliefs"), f"rl1-vs-rl2/rl2-{place}"
    if not stage:
        return bundle.policy(run, after=stage)
    return bundle.policy(run, after=min(bundle.snapshots(run), key=lambda there: abs(there - stage)))


@cache
def returns_by_episode(place: str, stage: int | None) -> Tensor:
    """Return [NUM_TRIALS, 10] returns of the agent at a stage, on both tasks in turn, sampled actions."""
    env = BanditEnv(2, NUM_EPISODES) if place == BANDIT else CorridorEnv(HALF_LENGTH[CORRIDOR], None, NUM_EPISODES)
    trials = play(agent(place, stage), env, both_tasks(place, NUM_TRIALS), seed=0)
    return discounted_by_episode(trials, 1.0 if place == BANDIT else DISCOUNT)


def _margin(returns: Tensor) -> list[float]:
    """Half the 95% interval of the mean over trials [B, E], by the normal approximation; 0 for a single trial."""
    if len(returns) == 1:
        return [0.0] * returns.shape[1]
    return list((1.96 * returns.std(dim=0) / len(returns) ** 0.5).tolist())


class FirstEpisodes(Explorable):
    """Choose a POMDP and how much meta-training; one trial, or the mean of many."""

    title = "The first ten episodes of a new POMDP"

    def controls(self) -> dict[str, Control]:
        """Which POMDP, which stage of meta-training, one trial or the mean."""
        return {
            "place": Choice("POMDP", tuple(PLACES), "corridor"),
            "stage": Choice("meta-training", tuple(STAGES), ALL),
            "trial": Slider("trial", 1, 20, 1, 1),
            "average": Toggle(f"mean of {NUM_TRIALS} trials", True),
        }

    def state(self, **values: Any) -> dict[str, Any]:
        """Return the ten returns of the chosen agent and of one that was not meta-trained."""
        place, stage, trial, average = (self.first_values() | values).values()
        chosen, untrained = (returns_by_episode(PLACES[place], STAGES[name]) for name in (stage, NONE))
        rows = slice(None) if average else slice(int(trial) - 1, int(trial))
        optimal, told = references(PLACES[place])
        return {
            "place": place,
            "stage": stage,
            "trial": None if average else int(trial),
            "chosen": chosen[rows].mean(dim=0).tolist(),
            "untrained": untrained[rows].mean(dim=0).tolist(),
            "chosen_margin": _margin(chosen[rows]),
            "untrained_margin": _margin(untrained[rows]),
            "optimal": optimal,
            "told": told,
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """Two curves over the episodes, with 95% bands where they are means, and the two lines that bound them."""
        import matplotlib.pyplot as plt

        from rl2lib.evaluation.figures import PALETTE, band

        figure, axis = plt.subplots(figsize=(7.6, 3.8), constrained_layout=True)
        episodes = range(1, NUM_EPISODES + 1)
        axis.axhline(state["told"], color="#777777", linestyle=(0, (6, 3)), linewidth=1.2, label="told the task")
        trained = f"meta-trained: {state['stage']}"
        looks = {"untrained": {"color": PALETTE[5], "linestyle": "--", "marker": "s", "label": "not meta-trained"}}
        if state["stage"] != NONE:
            looks["chosen"] = {"color": PALETTE[0], "linestyle": "-", "marker": "o", "label": trained}
        for name, line in looks.items():
            middle, margin = (torch.tensor(state[key]) for key in (name, f"{name}_margin"))
            band(axis, episodes, middle - margin, middle, middle + margin, **line)
        axis.plot(
            episodes,
            state["optimal"],
            color="black",
            linestyle=":",
            linewidth=2,
            zorder=3,
            label="belief-optimal, expected",
        )
        unit = "return" if state["place"] != "corridor" else f"return, discount {DISCOUNT:g}"
        whose = f"mean of {NUM_TRIALS} trials" if state["trial"] is None else f"trial {state['trial']}"
        axis.set(xlabel="episode of the trial", ylabel=unit, title=f"{state['place']}, {whose}", xticks=episodes)
        axis.set_ylim(-0.04 * state["told"], 1.55 * state["told"])
        axis.legend(loc="upper right", fontsize=8, ncols=2)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the first and the last returns."""
        whose = f"Mean of {NUM_TRIALS} trials" if state["trial"] is None else f"Trial {state['trial']}"
        chosen, untrained = state["chosen"], state["untrained"]
        return (
            f"{whose} of the {state['place']}, meta-training: {state['stage']}. Return in episode 1, 2 and "
            f"{NUM_EPISODES}: {chosen[0]:.2f}, {chosen[1]:.2f}, {chosen[-1]:.2f}; not meta-trained: "
            f"{untrained[0]:.2f}, {untrained[1]:.2f}, {untrained[-1]:.2f}. Belief-optimal play expects "
            f"{state['optimal'][0]:.2f} in episode 1 and {state['optimal'][1]:.2f} after it."
        )
