"""Drag points, and a recurrent network whose weights are frozen refits the line (the opening of notebook 03).

`python -m rl2lib.lab.explorables.drag_points` trains the shipped networks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from rl2lib.experiments import model_card
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Slider
from rl2lib.training.checkpoint import tensors_under

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Network = tuple[nn.GRU, nn.Linear]

NOISE = 0.2  # standard deviation of a point around its line
HIDDEN_SIZE = 32
POINTS_PER_LINE = 12  # in training
ITERATIONS, LINES_PER_ITERATION, LEARNING_RATE = 1000, 128, 0.01
SEEDS = (0, 1, 2)
PLACE = model_card.FOLDER / "line_learners"
VERSION = 1  # of the shipped files; raise it when their form or the networks change

POINT_X = (-0.6, 0.7, 0.1, -0.9, 0.4)
START_Y = (-1.0, 1.5, 0.4, -1.5, 1.1)
QUERIES = torch.linspace(-1, 1, 41)
TRAINED, UNTRAINED = "trained", "untrained"


# --------------------------------------------------------------------------------------- the family of lines


def sample_lines(num_lines: int, num_points: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw lines with slope and intercept from N(0, 1), and points with x from U[-1, 1].

    Returns:
        x, y and the line's own height at x, each [num_lines, num_points]; y has noise of standard deviation
        `NOISE`.
    """
    slope, intercept = torch.randn(2, num_lines, 1, generator=generator)
    x = 2 * torch.rand(num_lines, num_points, generator=generator) - 1
    height = slope * x + intercept
    return x, height + NOISE * torch.randn(num_lines, num_points, generator=generator), height


def bayes_line(x: Tensor, y: Tensor) -> Tensor:
    """Return the posterior mean [B, 2] of (slope, intercept) given points [B, N]: Bayesian linear regression.

    For squared error nothing beats it on this family.
    """
    features = torch.stack([x, torch.ones_like(x)], dim=-1)
    precision = torch.eye(2) + features.mT @ features / NOISE**2
    return torch.linalg.solve(precision, (features.mT @ y.unsqueeze(-1)).squeeze(-1) / NOISE**2)


def bayes_predictions(x: Tensor, y: Tensor) -> Tensor:
    """Return the best possible prediction of each y_t from x_t and the points before it, [B, T]."""
    columns = []
    for t in range(x.shape[1]):
        slope, intercept = bayes_line(x[:, :t], y[:, :t]).unbind(dim=-1)
        columns.append(slope * x[:, t] + intercept)
    return torch.stack(columns, dim=1)


# --------------------------------------------------------------------------------------- the networks


def new_line_learner(seed: int) -> Network:
    """Return an untrained network; torch's global stream is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.GRU(2, HIDDEN_SIZE, batch_first=True), nn.Linear(HIDDEN_SIZE, 1)


def load_line_learners() -> tuple[list[Network], Tensor]:
    """Return what was trained beforehand, for each seed of `SEEDS`: the networks, and their losses [3, iterations].

    Raises:
        CheckpointError: if the files are missing, damaged or of another version.
    """
    _, weights = model_card.load(PLACE, VERSION)
    networks = [new_line_learner(seed) for seed in SEEDS]
    for number, (gru, readout) in enumerate(networks):
        for part, module in (("gru", gru), ("readout", readout)):
            module.load_state_dict(tensors_under(weights, f"{number}.{part}."))
    return networks, weights["losses"]


def train_line_learner(seed: int, iterations: int = ITERATIONS) -> tuple[Network, list[float]]:
    """Train one network as the notebook does, Adam on the squared error of every prediction; also return the losses."""
    gru, readout = new_line_learner(seed)
    parameters = [*gru.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(parameters, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=iterations, pct_start=0.1)
    generator, losses = torch.Generator().manual_seed(seed), []
    for _ in range(iterations):
        x, y, _ = sample_lines(LINES_PER_ITERATION, POINTS_PER_LINE, generator)
        states, _ = gru(torch.stack([x, nn.functional.pad(y, (1, 0))[:, :-1]], dim=-1))
        loss = (readout(states).squeeze(-1) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return (gru, readout), losses


def regenerate() -> None:
    """Train the shipped networks and write their weights and card."""
    torch.set_num_threads(1)  # sums in one order
    runs = [train_line_learner(seed) for seed in SEEDS]
    weights = {"losses": torch.tensor([losses for _, losses in runs])}
    for number, (network, _) in enumerate(runs):
        for part, module in zip(("gru", "readout"), network, strict=True):
            weights.update({f"{number}.{part}.{name}": value for name, value in module.state_dict().items()})
    model_card.save(
        PLACE,
        weights,
        version=VERSION,
        what="GRU and linear layer that predict y_t from x_t and (x, y) before it, on random lines (notebook 03)",
        command="python -m rl2lib.lab.explorables.drag_points",
        config={
            "seeds": SEEDS,
            "hidden_size": HIDDEN_SIZE,
            "iterations": ITERATIONS,
            "lines_per_iteration": LINES_PER_ITERATION,
            "points_per_line": POINTS_PER_LINE,
            "learning_rate": LEARNING_RATE,
            "noise": NOISE,
        },
    )


@lru_cache(maxsize=2)
def _network(kind: str) -> Network:
    return load_line_learners()[0][0] if kind == TRAINED else new_line_learner(SEEDS[0])


@torch.no_grad()
def refit(network: Network, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Show a frozen network N points and ask for its line after each.

    Returns:
        its answers [N + 1, 41] at `QUERIES` after 0, 1, ..., N points, and the states [N + 1, H] behind them:
        what the network holds when it has been fed point N's x and waits for its y.
    """
    gru, readout = network
    answers, states = [], []
    state = torch.zeros(1, 1, gru.hidden_size)
    previous = 0.0
    for n in range(len(x) + 1):
        rows = torch.stack([QUERIES, torch.full_like(QUERIES, previous)], dim=-1).unsqueeze(1)  # [41, 1, 2]
        asked, _ = gru(rows, state.expand(1, len(QUERIES), -1).contiguous())
        answers.append(readout(asked).reshape(-1))
        states.append(asked[len(QUERIES) // 2, 0])  # asked at x = 0, so that only the points make a difference
        if n < len(x):
            _, state = gru(torch.tensor([[[float(x[n]), previous]]]), state)
            previous = float(y[n])
    return torch.stack(answers), torch.stack(states)


# --------------------------------------------------------------------------------------- the explorable


class DragPoints(Explorable):
    """Move five points; the network sees them one after the other and answers with a line."""

    title = "Drag points: a frozen network refits the line"

    def controls(self) -> dict[str, Control]:
        """How many points are shown, one slider for the height of each, and which network."""
        return {
            "shown": Slider("points shown", 0, 5, 1, 3),
            **{
                f"y{number}": Slider(f"point {number}: y at x = {x:+.1f}", -3.0, 3.0, 0.1, y)
                for number, (x, y) in enumerate(zip(POINT_X, START_Y, strict=True), 1)
            },
            "network": Choice("network", (TRAINED, UNTRAINED), TRAINED),
        }

    def state(self, shown: float = 3, network: str = TRAINED, **heights: float) -> dict[str, Any]:
        """Feed the first `shown` points; a pure function of the sliders."""
        count = int(shown)
        y = [float(heights.get(f"y{number}", start)) for number, start in enumerate(START_Y, 1)]
        x_seen, y_seen = torch.tensor(POINT_X[:count]), torch.tensor(y[:count])
        answers, states = refit(_network(network), x_seen, y_seen)
        slope, intercept = bayes_line(x_seen[None], y_seen[None])[0].tolist()
        best = slope * QUERIES + intercept
        fit_slope, fit_intercept = np.polyfit(QUERIES.numpy(), answers[-1].numpy(), 1)
        return {
            "network": network,
            "points": list(zip(POINT_X[:count], y[:count], strict=True)),
            "answers": answers.numpy(),
            "states": states.numpy(),
            "best": best.numpy(),
            "line": (float(fit_slope), float(fit_intercept)),
            "best_line": (slope, intercept),
            "apart": float((answers[-1] - best).abs().max()),
            "num_weights": sum(p.numel() for part in _network(network) for p in part.parameters()),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """The line on the left, the hidden state on the right."""
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.8), width_ratios=(1.5, 1), constrained_layout=True)
        _draw_line(left, state)
        _draw_states(right, state)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the points, the network's line and the best possible one."""
        points = ", ".join(f"({x:+.1f}, {y:+.1f})" for x, y in state["points"]) or "none"
        return (
            f"Points shown to the {state['network']} network, in this order: {points}. Its line is now about "
            f"y = {state['line'][0]:+.2f} x {state['line'][1]:+.2f}; the best possible answer is "
            f"y = {state['best_line'][0]:+.2f} x {state['best_line'][1]:+.2f}; they are at most "
            f"{state['apart']:.2f} apart. The {state['num_weights']:,} weights did not change."
        )


def _draw_line(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    x = QUERIES.numpy()
    for earlier in state["answers"][:-1]:
        axes.plot(x, earlier, color="#BBBBBB", linestyle="-", linewidth=1)
    axes.plot(x, state["best"], color="black", linestyle="--", linewidth=1.5, label="best possible (Bayes)")
    axes.plot(x, state["answers"][-1], color=PALETTE[0], linestyle="-", linewidth=2.5, label="the frozen network")
    for number, (px, py) in enumerate(state["points"], 1):
        axes.plot(px, py, marker="o", linestyle="none", color=PALETTE[5], markersize=9, markeredgecolor="black")
        axes.annotate(str(number), (px, py), xytext=(8, 6), textcoords="offset points")
    axes.set(xlim=(-1.05, 1.05), ylim=(-3.4, 3.4), xlabel="x", ylabel="y")
    axes.set_title(f"after {len(state['points'])} points (grey: after fewer)")
    axes.legend(loc="upper left", fontsize=9)


def _draw_states(axes: Axes, state: Mapping[str, Any]) -> None:
    states = state["states"]
    axes.imshow(states, aspect="auto", cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    axes.set(xlabel="hidden unit", yticks=range(len(states)), ylabel="points seen")
    axes.grid(visible=False)
    axes.set_title(f"the state changes; the {state['num_weights']:,} weights do not", fontsize=10)


if __name__ == "__main__":
    regenerate()
