"""One bandit, five arms, ten pulls: a trained agent beside the classics, on the same arms with the same luck."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from rl2lib.agents.bandit import UCB1, Greedy, Thompson
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.lab.explorables.base import Control, Explorable, Slider
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generator
from rl2lib.types import Policy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_ARMS, NUM_PULLS, NUM_BANDITS = 5, 10, 30
TRAINED = "RL²"


@cache
def agents() -> dict[str, Policy[Any]]:
    """Return the agents in the order of their rows."""
    return {
        TRAINED: bundled.load_or_train("bandits").policy("table1/gru-n10_k5").acting("greedy"),
        "greedy": Greedy(NUM_ARMS),
        "UCB1": UCB1(NUM_ARMS, c=0.1),
        "Thompson": Thompson(NUM_ARMS),
        "Gittins": FiniteHorizonGittins(NUM_ARMS, NUM_PULLS),
        "Bayes-optimal": BayesOptimal(NUM_ARMS, NUM_PULLS),
    }


class FiveArms(Explorable):
    """Choose a bandit and how much of the trial to see."""

    title = "Five arms, the same luck for all"

    def controls(self) -> dict[str, Control]:
        """The bandit's number, and the pulls shown."""
        return {
            "bandit": Slider("bandit", 1, NUM_BANDITS, 1, 19),
            "pulls": Slider("pulls shown", 1, NUM_PULLS, 1, NUM_PULLS),
        }

    def state(self, bandit: float = 19, pulls: float = NUM_PULLS, **_: Any) -> dict[str, Any]:
        """Play every agent on the bandit; a pure function of the sliders."""
        number, shown = int(bandit), int(pulls)
        generator = make_generator(1000 + number, "bandit")
        tasks = IndependentBandits(NUM_ARMS).sample(1, generator)
        rows = {}
        for name, agent in agents().items():
            trial = play(agent, BanditEnv(NUM_ARMS, NUM_PULLS), tasks, seed=number)
            expected = trial.reward if trial.expected_reward is None else trial.expected_reward
            rows[name] = {
                "arms": trial.action[0, :shown].tolist(),
                "paid": [int(reward) for reward in trial.reward[0, :shown]],
                "regret": float((tasks.max() - expected[0, :shown]).sum()),
            }
        same = torch.tensor([rows[TRAINED]["arms"]]) == torch.tensor([row["arms"] for row in rows.values()])
        return {
            "bandit": number,
            "pulls": shown,
            "means": tasks[0].tolist(),
            "rows": rows,
            "agrees": dict(zip(rows, same.sum(dim=1).tolist(), strict=True)),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """The arms' means, everybody's pulls, everybody's regret."""
        import matplotlib.pyplot as plt

        figure, (means, pulls, regret) = plt.subplots(
            1, 3, figsize=(10.2, 3.8), width_ratios=(0.7, 2.2, 0.9), constrained_layout=True
        )
        _draw_means(means, state)
        _draw_pulls(pulls, state)
        _draw_regret(regret, state)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the means, what RL² pulled, and everybody's regret."""
        means = ", ".join(f"arm {arm} {mean:.2f}" for arm, mean in enumerate(state["means"]))
        own = state["rows"][TRAINED]
        pulls = ", ".join(
            f"{arm} {'paid' if paid else '-'}" for arm, paid in zip(own["arms"], own["paid"], strict=True)
        )
        regrets = ", ".join(f"{name} {row['regret']:.2f}" for name, row in state["rows"].items())
        return (
            f"Bandit {state['bandit']} with means {means}; {state['pulls']} pulls. RL² pulled arms {pulls}. "
            f"Regret so far: {regrets}."
        )


def _draw_means(axes: Axes, state: Mapping[str, Any]) -> None:
    means = state["means"]
    best = max(range(NUM_ARMS), key=lambda arm: means[arm])
    bars = axes.bar(range(NUM_ARMS), means, color="#DDDDDD", edgecolor="black")
    bars[best].set(hatch="//")
    axes.set(xlabel="arm", ylim=(0, 1), xticks=range(NUM_ARMS), title="means (hidden)")


def _draw_pulls(axes: Axes, state: Mapping[str, Any]) -> None:
    names = list(state["rows"])
    for y, row in enumerate(state["rows"].values()):
        for x, (arm, paid) in enumerate(zip(row["arms"], row["paid"], strict=True)):
            face, ink = ("#0072B2", "white") if paid else ("white", "black")
            axes.text(
                x + 1,
                y,
                str(arm),
                ha="center",
                va="center",
                color=ink,
                weight="bold" if paid else "normal",
                bbox={"boxstyle": "square,pad=0.35", "facecolor": face, "edgecolor": "black", "linewidth": 0.8},
            )
    axes.set(xlim=(0.3, NUM_PULLS + 0.7), ylim=(len(names) - 0.4, -0.6), xlabel="pull", xticks=range(1, NUM_PULLS + 1))
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.set_title("arm pulled; dark: it paid")


def _draw_regret(axes: Axes, state: Mapping[str, Any]) -> None:
    regrets = [row["regret"] for row in state["rows"].values()]
    bars = axes.barh(range(len(regrets)), regrets, color="#E69F00", edgecolor="black")
    axes.bar_label(bars, labels=[f"{value:.2f}" for value in regrets], padding=2)
    axes.set(ylim=(len(regrets) - 0.4, -0.6), yticks=[], xlim=(0, max(1.0, 1.35 * max(regrets))), title="regret so far")
