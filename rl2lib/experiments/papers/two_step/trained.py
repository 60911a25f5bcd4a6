"""What is trained on the two-step task: one LSTM for each length of trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

ID = "two-step"
LENGTHS = (10, 100)  # episodes a trial: 20 steps, as far as the paper's settings were unrolled; and longer trials


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        lengths: which numbers of episodes a trial.
        hidden_size: of the LSTM; the paper's is 48.
        iterations: of PPO, by length.
        trials: of an iteration, by length.
    """

    lengths: tuple[int, ...] = LENGTHS
    hidden_size: int = 48
    iterations: tuple[int, ...] = (60, 120)
    trials: tuple[int, ...] = (512, 128)


SIZES: dict[Scale, Size] = {
    "smoke": Size((10,), 4, (1,), (8,), test_tasks=400, validation_tasks=16),
    "laptop": Size(),
    "paper": Size(iterations=(400, 600), trials=(512, 256)),
}


What = Literal["stay", "return"]


class Cell(NamedTuple):
    """What is measured of trials of one length.

    Attributes:
        length: episodes a trial.
        what: how everybody stays, or what is earned.
    """

    length: int
    what: What

    @property
    def name(self) -> str:
        """What it is called in results and on the command line."""
        return f"n{self.length}_{self.what}"


CELLS = {cell.name: cell for length in LENGTHS for cell in (Cell(length, "stay"), Cell(length, "return"))}
"""By name, short trials first."""


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(name for name, cell in CELLS.items() if cell.length in SIZES[scale].lengths)


def setting(length: int) -> Setting:
    """Return the tasks, and the environment of trials of this many episodes."""
    return make_task(ID, episodes_per_trial=length)


def runs(scale: Scale) -> list[Run]:
    """Return one LSTM for each length."""
    return [
        Run(
            ID,
            run_name(length),
            tuple(name for name, cell in CELLS.items() if cell.length == length),
            partial(_lstm, scale),
            partial(_ppo, length, scale),
        )
        for length in SIZES[scale].lengths
    ]


def run_name(length: int) -> str:
    """Return the name of the run on trials of this many episodes."""
    return f"lstm-n{length}"


def _lstm(scale: Scale, seed: int) -> SoftmaxPolicy:
    weights = make_generator(seed, "weights")
    return RecurrentPolicy((3,), 2, SIZES[scale].hidden_size, generator=weights, core="lstm")


def _ppo(length: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    place = size.lengths.index(length)
    generator = make_generator(seed, "baseline")
    # it sees what the policy sees, and rewards are those that were drawn: nothing in training knows the task
    baseline = RecurrentBaseline((3,), 2, size.hidden_size, generator=generator, core="lstm")
    config = PPOConfig(
        discount=0.9,
        minibatch_trials=64 if length <= 10 else 32,
        learning_rate=5e-3,
        baseline_learning_rate=5e-3,
        entropy_bonus=0.02,
    )
    training = TrainingConfig(size.iterations[place], size.trials[place], seed, checkpoint_every=60)
    yield Stage(PPO(policy, baseline, config), setting(length), training)
