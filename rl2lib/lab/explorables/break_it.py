"""Switch off what a trained bandit agent is fed, or its state, and see what adaptation is left (notebook 05)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Greedy
from rl2lib.agents.masked import Hidden, hide
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Toggle
from rl2lib.lab.explorables.five_arms import NUM_ARMS, NUM_PULLS
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import StepInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_BANDITS, SEED = 2_000, 5
KEPT, HALF, WIPED = "kept", "half of it wiped at every pull", "wiped at every pull"
WHOLE, LAST = "the whole trial", "the last pull only"
RUNS = {WHOLE: "table1/gru-n10_k5", LAST: "ablation/n10_k5-paid-for-the-last-episode"}


class Broken:
    """A trained policy, some of whose inputs are held at zero, and whose state is wiped in part.

    Args:
        policy: whose likeliest actions are played.
        action: whether it is fed the previous action; arm 0 otherwise.
        reward: whether it is fed the previous reward; 0 otherwise.
        flag: whether it is fed the flag; 0 otherwise.
        memory: how much of the state survives a pull.
    """

    def __init__(
        self, policy: SoftmaxPolicy, *, action: bool = True, reward: bool = True, flag: bool = True, memory: str = KEPT
    ) -> None:
        self.policy = policy.acting("greedy")
        fed: dict[Hidden, bool] = {"action": action, "reward": reward, "flag": flag}
        self.hides, self.memory = [name for name, on in fed.items() if not on], memory

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return a fresh trial's state."""
        state: Tensor = self.policy.initial_state(batch_size)
        return state

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Act on what is left of inputs and state."""
        inputs = hide(inputs, self.hides)
        if self.memory != KEPT:
            survives = 0 if self.memory == WIPED else state.shape[1] // 2
            state = torch.cat([state[:, :survives], torch.zeros_like(state[:, survives:])], dim=1)
        return self.policy.act(state, inputs, generator)


@lru_cache(maxsize=64)
def by_pull(trained: str, action: bool, reward: bool, flag: bool, memory: str) -> tuple[float, ...]:
    """Return the mean expected reward of each pull, on the same bandits for everybody."""
    policy = bundled.load_or_train("bandits").policy(RUNS[trained])
    return _by_pull(Broken(policy, action=action, reward=reward, flag=flag, memory=memory))


@lru_cache(maxsize=1)
def greedy_by_pull() -> tuple[float, ...]:
    """Return the same of the greedy counting agent."""
    return _by_pull(Greedy(NUM_ARMS))


def _by_pull(agent: Any) -> tuple[float, ...]:
    half = IndependentBandits(NUM_ARMS).sample(NUM_BANDITS // 2, torch.Generator().manual_seed(SEED))
    tasks = torch.cat([half, 1 - half])  # with their mirror images every arm is worth a half, exactly
    trial = play(agent, BanditEnv(NUM_ARMS, NUM_PULLS), tasks, seed=SEED)
    expected = trial.reward if trial.expected_reward is None else trial.expected_reward
    return tuple(expected.mean(dim=0).tolist())


class BreakIt(Explorable):
    """Inputs on and off, a state that is kept or wiped, and an agent that was trained for the end alone."""

    title = "Break it: what does adaptation hang on?"

    def controls(self) -> dict[str, Control]:
        """A switch for each input, the state's fate, and what the agent was trained for."""
        return {
            "action": Toggle("previous action", True),
            "reward": Toggle("previous reward", True),
            "flag": Toggle("flag", True),
            "memory": Choice("state", (KEPT, HALF, WIPED), KEPT),
            "trained": Choice("trained for", (WHOLE, LAST), WHOLE),
        }

    def state(
        self,
        action: bool = True,
        reward: bool = True,
        flag: bool = True,
        memory: str = KEPT,
        trained: str = WHOLE,
        **_: Any,
    ) -> dict[str, Any]:
        """Play the broken agent, and the whole one, on 2,000 bandits; a pure function of the controls."""
        names = {"previous action": action, "previous reward": reward, "flag": flag}
        off = [name for name, on in names.items() if not on]
        if memory != KEPT:
            off.append(f"state {memory}")
        broken = by_pull(trained, action, reward, flag, memory)
        whole = by_pull(WHOLE, True, True, True, KEPT)
        return {
            "off": off,
            "trained": trained,
            "broken": broken,
            "whole": whole,
            "greedy": greedy_by_pull(),
            "total": sum(broken),
            "whole_total": sum(whole),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """Expected reward against the pull's number."""
        import matplotlib.pyplot as plt

        from rl2lib.evaluation.figures import PALETTE

        figure, axes = plt.subplots(figsize=(7.6, 3.8), constrained_layout=True)
        pulls = range(1, NUM_PULLS + 1)
        axes.plot(pulls, state["greedy"], color="black", linestyle=":", label="greedy counting agent")
        whole = f"RL², nothing off: {state['whole_total']:.2f}"
        broken = f"off: {', '.join(state['off']) or 'nothing'}: {state['total']:.2f}"
        axes.plot(pulls, state["whole"], color=PALETTE[0], linestyle="--", label=whole)
        axes.plot(pulls, state["broken"], color=PALETTE[5], linestyle="-", marker="o", label=broken)
        axes.axhline(0.5, color="#777777", linestyle="-.", label="no adaptation")
        axes.set(xlabel="pull", ylabel="expected reward of the arm chosen", ylim=(0.4, 0.85), xticks=list(pulls))
        axes.set_title(f"trained for {state['trained']}")
        axes.legend(loc="upper left", fontsize=9)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say what is off and what it costs."""
        off = ", ".join(state["off"]) or "nothing"
        return (
            f"Five arms, ten pulls, an agent trained for {state['trained']}; switched off: {off}. Expected reward of "
            f"the first pull {state['broken'][0]:.2f}, of the last {state['broken'][-1]:.2f}, {state['total']:.2f} in "
            f"all; the agent with everything on, trained for the whole trial: {state['whole_total']:.2f}."
        )
