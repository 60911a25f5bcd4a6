"""Eleven arms: an agent that pays for information is told the truth, or a lie (notebook 05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from rl2lib.agents.eleven_arms import INFORMATIVE_ARM
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Slider
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAYS, SEARCHES = "pays for information (warm start)", "never pays (plain training)"
RUNS = {PAYS: "eleven-arms/imitation", SEARCHES: "eleven-arms/number"}
NUM_PULLS = 5
SEED = 1  # of the three agents of each kind


class LieToIt(Explorable):
    """Choose the target and the number that the informative arm names."""

    title = "Eleven arms: lie to it"

    def controls(self) -> dict[str, Control]:
        """The target, what the eleventh arm says it is, and who plays."""
        return {
            "target": Slider("target (pays 5)", 1, NUM_CANDIDATES, 1, 7),
            "told": Slider("the eleventh arm says", 1, NUM_CANDIDATES, 1, 7),
            "agent": Choice("agent", (PAYS, SEARCHES), PAYS),
        }

    def state(self, target: float = 7, told: float = 7, agent: str = PAYS, **_: Any) -> dict[str, Any]:
        """Play one trial by the agent's likeliest actions; a pure function of the controls."""
        payouts = torch.ones(1, NUM_CANDIDATES + 1)
        payouts[0, int(target) - 1] = 5.0
        payouts[0, INFORMATIVE_ARM] = int(told) / 10
        policy = bundled.load_or_train("bandits").policy(RUNS[agent], SEED)
        trial = play(policy.acting("greedy"), InformativeBanditEnv(NUM_PULLS), payouts, seed=0)
        return {
            "target": int(target),
            "told": int(told),
            "agent": agent,
            "honest": int(target) == int(told),
            "arms": [arm + 1 for arm in trial.action[0].tolist()],  # counted from 1, as the informative arm counts
            "rewards": [round(reward, 1) for reward in trial.reward[0].tolist()],
            "total": float(trial.reward.sum()),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """A row of arms for every pull, the pulled one marked with what it paid."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(9.2, 3.4), constrained_layout=True)
        for y, (pulled, reward) in enumerate(zip(state["arms"], state["rewards"], strict=True)):
            for arm in range(1, NUM_CANDIDATES + 2):
                chosen = arm == pulled
                face = ("#009E73" if reward == 5 else "#E69F00") if chosen else "white"
                axes.add_patch(plt.Circle((arm, y), 0.36, facecolor=face, edgecolor="#777777", zorder=2))
                if chosen:
                    axes.text(arm, y, f"{reward:g}", ha="center", va="center", weight="bold", zorder=3)
        axes.axvline(state["target"], color="#009E73", linestyle="-", linewidth=6, alpha=0.25, zorder=0)
        if not state["honest"]:
            axes.axvline(state["told"], color="#D55E00", linestyle="--", zorder=0)
        labels = [str(arm) for arm in range(1, NUM_CANDIDATES + 1)] + [f"11: says {state['told']}"]
        axes.set_xticks(range(1, NUM_CANDIDATES + 2), labels)
        axes.set_yticks(range(NUM_PULLS), [f"pull {number + 1}" for number in range(NUM_PULLS)])
        axes.set(xlim=(0.3, NUM_CANDIDATES + 1.9), ylim=(NUM_PULLS - 0.4, -0.6), xlabel="arm")
        axes.set_aspect("equal")
        axes.grid(visible=False)
        verdict = "told the truth" if state["honest"] else f"told {state['told']}, a lie"
        axes.set_title(f"target {state['target']}, {verdict}: {state['total']:g} in all")
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the pulls and what they paid."""
        pulls = ", ".join(f"arm {arm} paid {paid:g}" for arm, paid in zip(state["arms"], state["rewards"], strict=True))
        says = "the truth" if state["honest"] else "a lie"
        return (
            f"Target {state['target']}; the eleventh arm names {state['told']}, {says}. The agent that "
            f"{state['agent']} plays: {pulls}; {state['total']:g} in all."
        )
