"""Wang et al. 2016, section 3.2.2: the abstract structure of Harlow's task, learned by a stacked LSTM.

One of two images never met before is the rewarded one, in all ten choices of a trial. Who has learned the rule guesses
once and is right from then on: 9.5 of ten. The images here are vectors of normal numbers, and the larger they are, the
more of them must be kept and compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from rl2lib.agents.bandit import Random
from rl2lib.agents.harlow import HarlowOptimal
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ID = "harlow"
CHOICES = 10  # of a trial
CEILING = CHOICES - 0.5  # one guess, then no error
LAYERS = {2: "stacked LSTM", 1: "one LSTM"}
RL2, OPTIMAL, RANDOM = "RL²", "Optimal", "Random"
LEARNING = "learning"
MOST_POINTS = 60  # of a learning curve
AROUND_CHANCE = 0.02
"""The whole interval of the first choice must lie this close to a half."""
NEARLY_ALWAYS = 0.95
"""The whole interval of every later choice must lie above this."""


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        images: D, the numbers of an image, a cell each.
        iterations: of PPO, by D.
        hidden_size: of each LSTM.
        trials: of an iteration.
        test_tasks: of a comparison.
        validation_tasks: of the choice between greedy and sampled actions.
    """

    images: tuple[int, ...] = (2, 8, 32)
    iterations: tuple[int, ...] = (60, 120, 300)
    hidden_size: int = 64
    trials: int = 1024
    test_tasks: int = 10_000
    validation_tasks: int = 1_000


SIZES: dict[Scale, Size] = {
    "smoke": Size((2,), (1,), 4, 8, 200, 16),
    "laptop": Size(),
    "paper": Size((2, 8, 32, 128), (200, 400, 1000, 3000), 256),
}


def image_size(cell: str) -> int:
    """Return D of a cell."""
    return int(cell[1:])


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, small images first."""
    return tuple(f"d{size}" for size in SIZES[scale].images)


def setting(cell: str) -> Setting:
    """Return a cell's tasks and environment."""
    return make_task(ID, image_size=image_size(cell), episodes_per_trial=CHOICES)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return a stack of two LSTMs and a single one for every size of images."""
    return [
        Run(ID, f"lstm{layers}-{cell}", (cell,), partial(_lstm, cell, layers, scale), partial(_ppo, cell, scale))
        for cell in cells(scale)
        for layers in LAYERS
    ]


def _lstm(cell: str, layers: int, scale: Scale, seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy(
        (2, image_size(cell)),
        2,
        SIZES[scale].hidden_size,
        generator=make_generator(seed, "weights"),
        core="lstm",
        num_layers=layers,
    )


def _ppo(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    generator = make_generator(seed, "baseline")
    # what is still to come hangs on whether the rule is known yet, which a small network can tell
    baseline = RecurrentBaseline((2, image_size(cell)), 2, 16, generator=generator, core="lstm")
    config = PPOConfig(discount=0.9, learning_rate=5e-3, baseline_learning_rate=5e-3)
    iterations = size.iterations[size.images.index(image_size(cell))]
    yield Stage(PPO(policy, baseline, config), setting(cell), TrainingConfig(iterations, size.trials, seed, 100))


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks, whose images nobody has met."""
    distribution, env = setting(cell)
    size, seed = SIZES[scale], image_size(cell)
    tasks, validation = draw_tasks(distribution, size, "harlow", seed=seed)
    players = [Player(RANDOM, [Random(2)]), Player(OPTIMAL, [HarlowOptimal()])]
    for layers, variant in LAYERS.items():
        policies = trained.policies(f"lstm{layers}-{cell}")
        acting = acting_best(policies, env, validation, seed=seed)
        players.append(Player(RL2, acting, variant, seeds=len(policies)))
    rows = compare(
        ID, cell, players, env, tasks, seed=seed, random=RANDOM, reference=OPTIMAL, ceiling=CEILING, chunk=len(tasks)
    ).rows
    points = []
    for player in players:
        curves = [return_curve(play(policy, env, tasks, seed=seed)) for policy in player.policies]
        curves.sort(key=lambda curve: curve.mean.sum().item())
        curve = median_of(curves)
        numbers = zip(*(part.tolist() for part in (curve.x, curve.mean, curve.low, curve.high)), strict=True)
        points += [Point(ID, cell, player.name, *place) for place in numbers]
    for layers, variant in LAYERS.items():
        points += learning(cell, f"{RL2} ({variant})", trained.cards(f"lstm{layers}-{cell}"))
    return Measured(rows, points)


def learning(cell: str, name: str, cards: list[dict[str, Any]]) -> list[Point]:
    """Return the right choices of ten while a network learned, against trials: the median seed and the range of all."""
    returns = np.array([card["history"]["trial_return"] for card in cards])
    trials = np.array(cards[0]["history"]["env_steps"]) / CHOICES
    kept = range(0, len(trials), math.ceil(len(trials) / MOST_POINTS))
    lines = (trials, np.median(returns, axis=0), returns.min(axis=0), returns.max(axis=0))
    return [Point(ID, cell, f"{name}, {LEARNING}", *(float(line[i]) for line in lines)) for i in kept]


# --------------------------------------------------------------------------------------- what is shown and claimed

NETWORKS = tuple(f"{RL2} ({variant})" for variant in LAYERS.values())


def draw(measured: Measured) -> Figure:
    """Draw, for each size of images, the share of right choices from first to tenth, and how it was learned."""
    import matplotlib.pyplot as plt

    there = measured.cells()
    num_panels = max(1, len(there))
    figure, panels = plt.subplots(
        2, num_panels, figsize=(2 + 2.4 * num_panels, 5.6), sharey="row", squeeze=False, layout="constrained"
    )
    for cell, (by_choice, by_trial) in zip(there, panels.T, strict=False):
        _lines(
            by_choice, {name: measured.line(cell, name) for name in (*NETWORKS, RANDOM)}, (("o", 8), ("s", 3), ("", 0))
        )
        ink = by_choice.yaxis.label.get_color()
        best = measured.line(cell, OPTIMAL)
        by_choice.plot([p.x for p in best], [p.y for p in best], color=ink, linestyle=":", linewidth=1, label=OPTIMAL)
        by_choice.set(xlabel="choice of the trial", title=f"images of {image_size(cell)} numbers", xticks=range(1, 11))
        curves = {name: measured.line(cell, f"{name}, {LEARNING}") for name in NETWORKS}
        _lines(by_trial, {name: [replace(p, x=p.x / 1000) for p in line] for name, line in curves.items()})
        by_trial.axhline(CEILING, color=ink, linestyle=":", linewidth=1)
        by_trial.set(xlabel="thousand trials of training", xlim=(0, None))
    panels[0, 0].set(ylabel="share of right choices", ylim=(0.4, 1.05))
    panels[1, 0].set(ylabel=f"right choices of {CHOICES}", ylim=(4.7, 10))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _lines(axes: Axes, lines: dict[str, list[Point]], markers: tuple[tuple[str, float], ...] = ()) -> None:
    """Draw lines with their bands; a marker's size keeps lines apart that lie on one another."""
    from rl2lib.evaluation.figures import band

    for place, (name, points) in enumerate(lines.items()):
        marker, size = markers[place] if place < len(markers) else ("", 0.0)
        x, y, low, high = ([getattr(point, part) for point in points] for part in ("x", "y", "low", "high"))
        band(axes, x, low, y, high, label=name, marker=marker, markersize=size, markerfacecolor="none")


def _stacked(measured: Measured) -> dict[str, list[Point]]:
    """Return the stacked LSTM's ten points in every cell."""
    found = {cell: measured.line(cell, NETWORKS[0]) for cell in measured.cells()}
    if not found or not all(found.values()):
        raise KeyError(NETWORKS[0])
    return found


def _guesses_first(measured: Measured) -> Verdict:
    found = {cell: points[0] for cell, points in _stacked(measured).items()}
    chance = all(max(0.5 - point.low, point.high - 0.5) < AROUND_CHANCE for point in found.values())
    words = [f"{cell}: {point.low:.3f} to {point.high:.3f}" for cell, point in found.items()]
    return Verdict("matched" if chance else "not reached", "; ".join(words))


def _right_afterwards(measured: Measured) -> Verdict:
    found = {cell: min(points[1:], key=lambda point: point.low) for cell, points in _stacked(measured).items()}
    right = all(point.low > NEARLY_ALWAYS for point in found.values())
    words = [f"{cell}: at least {p.low:.3f} to {p.high:.3f} (choice {p.x:g})" for cell, p in found.items()]
    return Verdict("matched" if right else "not reached", f"{'; '.join(words)}; asked: above {NEARLY_ALWAYS}")


def _near_the_optimum(measured: Measured) -> Verdict:
    found = [measured.row(cell, RL2, LAYERS[2]) for cell in _stacked(measured)]
    words = "; ".join(f"{row.cell}: {row.score.format(3)}, {row.share.percent()}" for row in found)
    word = at_least((row.share for row in found), 0.99)
    return Verdict(word, f"{words} of the way from chance to {CEILING}")


EXPERIMENT = Experiment(
    id=ID,
    title="Harlow's task",
    source="Wang et al. 2016, section 3.2.2 and figure 6",
    about=(
        "The task's abstract structure: two images, one of them paid for, sides drawn anew at each of ten choices, "
        "other images in every trial. The paper's pixels, fixation and eye movements are left out: an image is a "
        "vector of D normal numbers, cells by D, and the right choice pays 1, the wrong one 0. RL² is a stack of two "
        "LSTMs, beside it a single one; both learn by PPO (the paper: A3C) from rewards alone, with a baseline that "
        "sees what the policy sees. All test images are fresh draws: no network has met one of them. The optimum, 9.5 "
        "of ten, is exact: the first choice is a guess, no later one is."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Share of right choices from the first to the tenth of a trial: a half at the first for everybody, then close "
        "to one for RL² and exactly one for the optimal agent; below, how the networks learned it."
    ),
    claims=(
        Claim(f"The first choice is at chance (its interval lies within {AROUND_CHANCE} of a half).", _guesses_first),
        Claim("From the second choice on it is right, on images never met.", _right_afterwards),
        Claim("Its ten choices are at 99% of the optimum, from chance.", _near_the_optimum),
    ),
    unit="right choices of ten",
)
