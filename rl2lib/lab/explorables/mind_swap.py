"""The mind swap of notebook 07: two trials of one agent exchange their hidden states, and with them what they know.

Both trials play the corridor, one with the goal at the left, one at the right, by the agent's most likely
actions. A first pass, undisturbed, keeps each one's state at the chosen moment of its second episode; in a second pass
each goes on, from that moment, with the state of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.experiments import bundled
from rl2lib.experiments.papers.rl1_vs_rl2.trained import CORRIDOR, RL1, RL2, RUN_NAMES
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Slider
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.tasks.views import RevealedTask
from rl2lib.types import StepInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HALF_LENGTH = 5
LATEST = 4  # steps into episode 2; an agent that knows its way arrives after five
NOTHING, SWAP = "nothing", "the states are swapped"
ENDS = ("left", "right")


class Walk(NamedTuple):
    """One trial, as it was walked.

    Attributes:
        cells: where the agent stood when it acted, in both episodes.
        steps: how many of these steps belong to the first episode and to the second.
        ended_at: the end that the agent came to first in episode 2, 0 left, 1 right; None if to neither.
    """

    cells: tuple[int, ...]
    steps: tuple[int, int]
    ended_at: int | None


@torch.no_grad()
def walks(policy: RecurrentPolicy, env: Any, moment: int, kept: Tensor | None = None) -> tuple[list[Walk], Tensor]:
    """Play the left and the right corridor.

    Args:
        policy: the agent; its most likely actions are taken.
        env: the corridor, as this agent sees it.
        moment: steps into the second episode.
        kept: [2, N], the states to go on with from that moment, the other trial's for each; None: nothing happens.

    Returns:
        both walks, and each trial's own state at that moment [2, N].
    """
    last = 2 * HALF_LENGTH
    inputs = StepInput.first(env.reset(torch.tensor([0, 1]), torch.Generator().manual_seed(0)))
    state = policy.initial_state(2)
    found = torch.zeros_like(state)
    episode, age = torch.zeros(2, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    cells: list[list[int]] = [[], []]
    lengths = [[0, 0], [0, 0]]
    while bool((episode < 2).any()):
        now = ((episode == 1) & (age == moment))[:, None]
        found = torch.where(now, state, found)
        if kept is not None:
            state = torch.where(now, kept.flip(0), state)
        logits, state = policy.step(state, inputs)
        actions = logits.argmax(dim=1)
        stood = inputs.observation[:, : last + 1].argmax(dim=1).tolist()
        for trial, number in enumerate(episode.tolist()):
            if number < 2:
                cells[trial].append(stood[trial])
                lengths[trial][number] += 1
        step = env.step(actions)
        age = torch.where(step.episode_end, 0, age + 1)
        episode = episode + step.episode_end.long()
        inputs = StepInput(step.observation, actions, step.reward, step.episode_end.to(torch.float32))
    return [
        Walk(tuple(path), (first, second), _first_end(path[first:], goal * last))
        for goal, (path, (first, second)) in enumerate(zip(cells, lengths, strict=True))
    ], found


def _first_end(second_episode: list[int], goal: int) -> int | None:
    """The end come to first: the goal is left as soon as it is reached, so it is never among the cells."""
    for cell in second_episode:
        if cell in (0, 2 * HALF_LENGTH):
            return cell // (2 * HALF_LENGTH)
    beside = abs(second_episode[-1] - goal) == 1
    return goal // (2 * HALF_LENGTH) if beside else None


@cache
def _both_passes(agent: str, moment: int, swap: bool) -> tuple[list[Walk], list[Walk]]:
    """The undisturbed walks, and those with the operation."""
    policy, env = _agent(agent)
    whole, kept = walks(policy, env, moment)
    return whole, walks(policy, env, moment, kept)[0] if swap else whole


@cache
def _agent(agent: str) -> tuple[RecurrentPolicy, Any]:
    env = CorridorEnv(HALF_LENGTH)
    policy: Any = bundled.load_or_train("beliefs").policy(f"rl1-vs-rl2/{RUN_NAMES[agent]}-{CORRIDOR}")
    return policy, RevealedTask(env) if agent == RL1 else env


class MindSwap(Explorable):
    """Move the state between two trials, and watch where each one walks."""

    title = "Mind swap: whose goal does it walk to?"

    def controls(self) -> dict[str, Control]:
        """Which agent, whether to operate, and when."""
        return {
            "agent": Choice("agent", (RL2, RL1), RL2),
            "operation": Choice("operation", (NOTHING, SWAP), SWAP),
            "moment": Slider("steps into episode 2", 0, LATEST, 1, 0),
        }

    def state(self, **values: Any) -> dict[str, Any]:
        """Walk both corridors; a pure function of the controls."""
        chosen = self.first_values() | values
        agent, moment, swapped = chosen["agent"], int(chosen["moment"]), chosen["operation"] == SWAP
        whole, walked = _both_passes(agent, moment, swapped)
        return {
            "agent": agent,
            "swapped": swapped,
            "moment": moment,
            "undisturbed": whole,
            "walked": walked,
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """One panel for each corridor: the cell against the step."""
        import matplotlib.pyplot as plt

        room = {"hspace": 0.4}
        figure, axes = plt.subplots(2, 1, figsize=(8.4, 4.6), sharex=True, sharey=True, gridspec_kw=room)
        for goal, axis in enumerate(axes):
            _draw_walk(axis, state, goal)
        axes[0].legend(loc="upper right", fontsize=8)
        axes[1].set_xlabel("step of the trial")
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the operation, and where each trial walks in episode 2."""
        done = (
            f"{state['moment']} steps into episode 2 the two trials' states are swapped."
            if state["swapped"]
            else "Nothing is done to it."
        )
        sentences = [f"Two trials of {state['agent']} in the corridor. {done}"]
        for goal, walk in enumerate(state["walked"]):
            first = "neither end" if walk.ended_at is None else f"the {ENDS[walk.ended_at]} end"
            sentences.append(
                f"Goal at the {ENDS[goal]}: {walk.steps[0]} steps in episode 1; in episode 2 it comes to {first} "
                f"first and takes {walk.steps[1]} steps."
            )
        return " ".join(sentences)


def _draw_walk(axis: Axes, state: Mapping[str, Any], goal: int) -> None:
    from rl2lib.evaluation.figures import PALETTE

    whole, walk = state["undisturbed"][goal], state["walked"][goal]
    start = walk.steps[0]
    axis.plot(whole.cells, color="#999999", linestyle="--", linewidth=2, label="undisturbed")
    name = "after the swap" if state["swapped"] else "as it is"
    axis.plot(walk.cells, color=PALETTE[0], linestyle="-", marker=".", markersize=5, label=name)
    axis.axvline(start - 0.5, color="black", linestyle=":", linewidth=1)
    axis.text(start - 0.3, 2 * HALF_LENGTH + 0.4, "episode 2", fontsize=8, va="bottom")
    if state["swapped"]:
        cell = walk.cells[start + state["moment"]]
        place = (start + state["moment"], cell)
        axis.plot(*place, marker="X", color=PALETTE[5], markersize=11, linestyle="", label="the operation")
    axis.plot(-1, goal * 2 * HALF_LENGTH, marker="*", color=PALETTE[1], markersize=14, linestyle="", clip_on=False)
    axis.set(ylim=(-0.6, 2 * HALF_LENGTH + 0.6), yticks=(0, HALF_LENGTH, 2 * HALF_LENGTH), ylabel="cell")
    axis.set_yticklabels(["left", "middle", "right"])
    axis.set_title(f"goal (star) at the {ENDS[goal]}", fontsize=10, loc="left", pad=12)
