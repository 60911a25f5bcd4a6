"""What a baseline does to REINFORCE: 500 estimates of a gradient that is known exactly, around its arrow.

Two pulls of two arms can go only sixteen ways on a task, so gradients, expectations and spreads are exact (see
`rl2lib.training.oracle`); only the 500 dots are drawn by chance. An honest baseline shrinks the cloud. One that
has seen a_t, or the reward that a_t caused, moves it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rl2lib.lab.explorables.base import Button, Choice, Control, Explorable, Slider

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TASKS = ((0.95, 0.3), (0.9, 0.6))  # two bandits whose first arm is the better one: an arrow worth looking at
NUM_PULLS, NUM_ESTIMATES = 2, 500
NONE = "no baseline"
# what a baseline knows of this step, beside everything that happened before it
KNOWS = {
    NONE: None,
    "knows the past": (),
    "knows the past and a_t": ("action",),
    "knows the past and r_t": ("reward",),
}
HONEST = "knows the past"
ARROW = {"arrowstyle": "-|>", "linewidth": 2.5, "color": "black", "shrinkA": 0, "shrinkB": 0}


@dataclass(frozen=True)
class _Exact:
    """Everything that does not depend on the baseline; N trials, n pulls, seen in a plane of weight space."""

    probability: np.ndarray  # [N]
    action: np.ndarray  # [N, n]
    reward: np.ndarray  # [N, n]
    returns: np.ndarray  # [N, n], to the end of the trial
    scores: np.ndarray  # [N, n, P], ∇ log π of each step
    gradient: np.ndarray  # [P], the true one
    plane: np.ndarray  # [P, 2]: along the true gradient, and across it where estimates vary most


@functools.cache
def _exact() -> _Exact:
    import torch

    from rl2lib.agents.recurrent import RecurrentPolicy
    from rl2lib.training.oracle import ExactOracle
    from rl2lib.training.returns import discounted_returns

    oracle = ExactOracle(torch.tensor(TASKS), NUM_PULLS)
    policy = RecurrentPolicy((1,), 2, 4, generator=torch.Generator().manual_seed(0))
    trials = oracle.trajectory
    probability = oracle.probabilities(policy).detach().double().numpy()
    returns = discounted_returns(trials.reward, trials.mask, 1.0).double().numpy()
    scores = oracle.scores(policy).double().numpy()
    gradient = torch.cat([part.flatten() for part in oracle.true_gradient(policy).values()]).double().numpy()
    along = gradient / np.linalg.norm(gradient)
    estimates = np.einsum("nt,ntp->np", returns, scores)
    across = estimates - np.outer(estimates @ along, along)
    across = (across - probability @ across) * np.sqrt(probability)[:, None]
    second = np.linalg.svd(across, full_matrices=False)[2][0]
    second = second * np.sign(second[np.abs(second).argmax()])  # a singular vector's sign is the machine's choice
    return _Exact(
        probability / probability.sum(),
        trials.action.numpy(),
        trials.reward.numpy(),
        returns,
        scores,
        gradient,
        np.stack([along, second], axis=1),
    )


def baseline_values(name: str) -> np.ndarray:
    """Return the best baseline of that knowledge, E[return | what it knows], on every trial: [N, n]."""
    exact, knows = _exact(), KNOWS[name]
    values = np.zeros_like(exact.returns)
    if knows is None:
        return values
    for t in range(NUM_PULLS):
        columns = [exact.action[:, :t], exact.reward[:, :t]]
        columns += [{"action": exact.action, "reward": exact.reward}[column][:, t : t + 1] for column in knows]
        _, group = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)
        group = group.ravel()
        weight = np.bincount(group, exact.probability)
        values[:, t] = (np.bincount(group, exact.probability * exact.returns[:, t]) / weight)[group]
    return values


class GradientCloud(Explorable):
    """Choose what the baseline knows; watch the cloud shrink, or leave the arrow."""

    title = "The true gradient, and 500 estimates of it"

    def controls(self) -> dict[str, Control]:
        """What the baseline knows, the trials in an estimate, and fresh luck."""
        return {
            "baseline": Choice("the baseline", tuple(KNOWS), HONEST),
            "num_trials": Slider("trials in an estimate", 4, 64, 4, 16),
            "draws": Button("draw another 500"),
        }

    def state(self, **values: Any) -> dict[str, Any]:
        """Return dots, expectation and spread of the chosen baseline, beside those of none."""
        name, num_trials = str(values["baseline"]), int(values["num_trials"])
        exact = _exact()
        rng = np.random.default_rng(int(values["draws"]))
        counts = rng.multinomial(num_trials, exact.probability, size=NUM_ESTIMATES)  # both panels: the same trials
        state: dict[str, Any] = {
            "baseline": name,
            "num_trials": num_trials,
            "arrow": float(np.linalg.norm(exact.gradient)),
        }
        for side, which in (("above", NONE), ("below", name)):
            estimates = np.einsum("nt,ntp->np", exact.returns - baseline_values(which), exact.scores)
            mean = exact.probability @ estimates
            variance = float((exact.probability @ (estimates - mean) ** 2).sum()) / num_trials
            state[side] = {
                "dots": counts @ (estimates @ exact.plane) / num_trials,
                "mean": mean @ exact.plane,
                "spread": variance**0.5,
                "bias": float(np.linalg.norm(mean - exact.gradient)) / state["arrow"],
            }
        return state

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """Draw both clouds in the same plane and to the same scale, one above the other."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(2, 1, figsize=(7.6, 4.4), sharex=True, sharey=True, gridspec_kw={"hspace": 0.28})
        both = np.concatenate([state["above"]["dots"], state["below"]["dots"], [[0, 0], [state["arrow"], 0]]])
        low, high = both[:, 0].min(), both[:, 0].max()
        room = 0.05 * (high - low)
        reach = np.abs(both[:, 1]).max() + room
        for axis, side, name in zip(axes, ("above", "below"), (NONE, state["baseline"]), strict=True):
            self._cloud(axis, state[side], state["arrow"])
            axis.set(xlim=(low - room, high + room), ylim=(-reach, reach), ylabel="across it")
            axis.set_title(f"{name}: spread {state[side]['spread']:.2f}", fontsize=10)
        axes[1].set_xlabel("along the true gradient")
        axes[0].legend(loc="lower right", fontsize=8)
        return figure

    def _cloud(self, axis: Axes, side: Mapping[str, Any], arrow: float) -> None:
        from rl2lib.evaluation.figures import PALETTE

        axis.plot(*side["dots"].T, marker=".", linestyle="", markersize=4, color=PALETTE[4], alpha=0.6)
        axis.annotate("", (arrow, 0), (0, 0), arrowprops=ARROW)
        axis.plot([], [], color="black", linewidth=2.5, linestyle="-", label="true gradient")
        axis.plot(
            *side["mean"],
            marker="X",
            linestyle="",
            markersize=10,
            color=PALETTE[5],
            markeredgecolor="white",
            label="what the estimates average to, exactly",
        )

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say spreads and biases in numbers."""
        above, below = state["above"], state["below"]
        moved = (
            "their average is the tip of the true gradient's arrow"
            if below["bias"] < 1e-6
            else f"their average misses the true gradient by {below['bias']:.0%} of its length"
        )
        return (
            f"Two clouds of {NUM_ESTIMATES} gradient estimates from {state['num_trials']} trials each, around the "
            f"arrow of the true gradient (length {state['arrow']:.2f}). Above, no baseline: spread "
            f"{above['spread']:.2f}, and the average is the arrow's tip. Below, {state['baseline']}: spread "
            f"{below['spread']:.2f}, and {moved}."
        )
