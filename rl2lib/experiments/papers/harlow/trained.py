"""What is trained on Harlow's task: a stack of two LSTMs and a single one for every size of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

ID = "harlow"
CHOICES = 10  # of a trial
CEILING = CHOICES - 0.5  # one guess, then no error
LAYERS = {2: "stacked LSTM", 1: "one LSTM"}


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        iterations: of PPO, by the numbers of an image, D: a cell each.
        hidden_size: of each LSTM.
        trials: of an iteration.
    """

    iterations: Mapping[int, int]
    hidden_size: int = 64
    trials: int = 1024


SIZES: dict[Scale, Size] = {
    "smoke": Size({2: 1}, hidden_size=4, trials=8, test_tasks=200, validation_tasks=16),
    "laptop": Size({2: 60, 8: 120, 32: 300}),
    "paper": Size({2: 200, 8: 400, 32: 1000, 128: 3000}, hidden_size=256),
}


CELLS = {f"d{image_size}": image_size for image_size in SIZES["paper"].iterations}
"""By name the numbers of an image, D; small images first."""


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, small images first."""
    return tuple(name for name, image_size in CELLS.items() if image_size in SIZES[scale].iterations)


def setting(image_size: int) -> Setting:
    """Return the tasks and the environment of a size of images."""
    return make_task(ID, image_size=image_size, episodes_per_trial=CHOICES)


def run_name(cell: str, layers: int) -> str:
    """Return the name of a cell's run."""
    return f"lstm{layers}-{cell}"


def runs(scale: Scale) -> list[Run]:
    """Return a stack of two LSTMs and a single one for every size of images."""
    return [
        Run(ID, run_name(cell, layers), (cell,), partial(_lstm, cell, layers, scale), partial(_ppo, cell, scale))
        for cell in cells(scale)
        for layers in LAYERS
    ]


def _lstm(cell: str, layers: int, scale: Scale, seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy(
        (2, CELLS[cell]),
        2,
        SIZES[scale].hidden_size,
        generator=make_generator(seed, "weights"),
        core="lstm",
        num_layers=layers,
    )


def _ppo(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size, image_size = SIZES[scale], CELLS[cell]
    generator = make_generator(seed, "baseline")
    # what is still to come hangs on whether the rule is known yet, which a small network can tell
    baseline = RecurrentBaseline((2, image_size), 2, 16, generator=generator, core="lstm")
    config = PPOConfig(discount=0.9, learning_rate=5e-3, baseline_learning_rate=5e-3)
    training = TrainingConfig(size.iterations[image_size], size.trials, seed, 100)
    yield Stage(PPO(policy, baseline, config), setting(image_size), training)
