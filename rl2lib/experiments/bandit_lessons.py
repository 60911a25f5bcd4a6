"""What notebook 05 ships: agents for bandits of five, ten, two and eleven arms, and the curves of their training.

Five arms, ten pulls (Duan et al. 2016, table 1): the plain recurrent policy by PPO, and one that is trained for the
last pull alone. Ten arms, 100 pulls: the plain policy, the arm-equivariant one after exactly as many trials, and the
plain one again by imitation of the finite-horizon Gittins index, which tells whether the architecture or the slow
learner is the limit. Two arms: independent ones, and the four dependent distributions of Wang et al. 2016 (section
3.1.2). Eleven arms (section 3.1.3): plain training, and training after a short imitation of an agent that pays for
information. `python -m rl2lib.experiments.shipped_bandit_lessons` trains all of it, in about half an hour on one core.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, PaysForInformation
from rl2lib.agents.equivariant import ArmEquivariantPolicy
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.tasks.bandit import EASY, HARD, MEDIUM, UNIFORM, BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.views import LastEpisodeOnly
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv, InformativeBandits
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TaskDistribution, Trajectory, TrialEnv

FIVE_ARMS, LAST_PULL = "five arms", "five arms, last pull only"
TEN_ARMS, TEN_ARMS_EQUIVARIANT, TEN_ARMS_IMITATION = "ten arms", "ten arms, equivariant", "ten arms, imitation"
ELEVEN_ARMS, ELEVEN_ARMS_WARM = "eleven arms", "eleven arms, warm start"
TWO_ARMS: dict[str, TaskDistribution[Tensor]] = {
    "independent": IndependentBandits(2),
    "uniform": UNIFORM,
    "easy": EASY,
    "medium": MEDIUM,
    "hard": HARD,
}
"""What the two-armed agents are trained on, and tested on, by name."""
SEVERAL_SEEDS = (
    FIVE_ARMS,
    ELEVEN_ARMS,
    ELEVEN_ARMS_WARM,
    TEN_ARMS,
    TEN_ARMS_IMITATION,
    TEN_ARMS_EQUIVARIANT,
)
"""The experiments with a learning curve in the notebook; the others are of the first seed."""

FIVE_ARMS_PPO = PPOConfig(discount=1.0, learning_rate=3e-3, baseline_learning_rate=3e-3)
TEN_ARMS_PPO = PPOConfig(discount=1.0, trace=0.95, learning_rate=5e-3, expected_rewards=True)
TWO_ARMS_PPO = PPOConfig(
    discount=1.0, trace=0.9, minibatch_trials=64, learning_rate=3e-3, baseline_learning_rate=3e-3, expected_rewards=True
)
LAST_PULL_PPO = replace(FIVE_ARMS_PPO, trace=1.0, expected_rewards=True)  # all credit comes from the end
IMITATION = ImitationConfig(epochs=2, minibatch_trials=64, learning_rate=5e-3)
WARM_START = ImitationConfig(player="teacher", epochs=2, learning_rate=2e-2)
ELEVEN_ARMS_PPO = PPOConfig(discount=1.0, trace=0.95, epochs=4, learning_rate=3e-3, baseline_learning_rate=3e-3)


@dataclass(frozen=True)
class Length:
    """How long a training run is.

    Attributes:
        iterations: outer-loop updates.
        trials: fresh tasks for each.
    """

    iterations: int
    trials: int


@dataclass(frozen=True)
class BanditLessonsConfig:
    """Settings of everything that notebook 05 ships.

    Attributes:
        seeds: of weights, tasks and luck; every curve has one line a seed.
        hidden_size: H of the plain policies for five and ten arms.
        small_hidden_size: H of the policies for two and eleven arms, and of one arm's memory.
        num_pulls: n for five arms.
        num_pulls_long: n for two and ten arms.
        five_arms: training on five arms.
        ten_arms: training on ten arms, plain and equivariant alike.
        ten_arms_imitation: of the Gittins index there.
        two_arms: training on two arms; one agent a distribution, of the first seed.
        eleven_arms: training on eleven arms, plain and after the warm start alike.
        warm_start: the imitation before it.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    hidden_size: int = 64
    small_hidden_size: int = 32
    num_pulls: int = 10
    num_pulls_long: int = 100
    five_arms: Length = Length(150, 1024)
    ten_arms: Length = Length(40, 256)
    ten_arms_imitation: Length = Length(50, 256)
    two_arms: Length = Length(30, 256)
    eleven_arms: Length = Length(200, 512)
    warm_start: Length = Length(100, 512)


SMOKE = BanditLessonsConfig(
    hidden_size=8,
    small_hidden_size=8,
    num_pulls_long=12,
    five_arms=Length(2, 16),
    ten_arms=Length(2, 16),
    ten_arms_imitation=Length(2, 16),
    two_arms=Length(2, 16),
    eleven_arms=Length(2, 16),
    warm_start=Length(2, 16),
)
"""The same path in seconds, for tests and where the shipped files are missing; it learns nothing."""


@dataclass(frozen=True)
class BanditLessons:
    """What was trained.

    Attributes:
        config: with what.
        curves: mean trial returns [seeds, iterations] by experiment; for eleven arms also the share of trials that
            pay for information first, and how often those then pull the target, by "eleven arms: pays" and
            "eleven arms: reads" (and the same with a warm start).
        policies: by experiment, one a seed; `two_arms(name)` names the five two-armed ones.
    """

    config: BanditLessonsConfig
    curves: dict[str, Tensor] = field(default_factory=dict)
    policies: dict[str, list[SoftmaxPolicy]] = field(default_factory=dict)


class WatchedPPO(PPO):
    """PPO that also notes who pays for information first, and who then pulls the target."""

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """See `Learner.update`."""
        metrics = super().update(trajectory, tasks, progress=progress, generator=generator)
        pays = trajectory.action[:, 0] == INFORMATIVE_ARM
        told = trajectory.action[:, 1] == tasks[:, :NUM_CANDIDATES].argmax(dim=1)
        reads = (pays & told).sum() / pays.sum().clamp(min=1)
        return {**metrics, "pays": pays.float().mean().item(), "reads": reads.item()}


def two_arms(name: str) -> str:
    """Return the name of the experiment on one of the distributions of `TWO_ARMS`."""
    return f"two arms, {name}"


def new_policy(experiment: str, config: BanditLessonsConfig, generator: torch.Generator) -> SoftmaxPolicy:
    """Return an experiment's policy with fresh weights."""
    small, large = config.small_hidden_size, config.hidden_size
    if experiment == TEN_ARMS_EQUIVARIANT:
        return ArmEquivariantPolicy(10, config.num_pulls_long, small, generator=generator)
    if experiment.startswith("five"):
        return RecurrentPolicy((1,), 5, large, generator=generator)
    if experiment.startswith("ten"):
        return RecurrentPolicy((1,), 10, large, generator=generator)
    num_actions = NUM_CANDIDATES + 1 if experiment.startswith("eleven") else 2
    return RecurrentPolicy((1,), num_actions, small, generator=generator)


@dataclass(frozen=True)
class Setting:
    """What one training run needs beside its length.

    Attributes:
        policy: fresh, and trained in place.
        learner: the slow learner.
        distribution: what tasks are drawn from.
        env: what they are played in.
        length: of training.
    """

    policy: SoftmaxPolicy
    learner: Learner
    distribution: TaskDistribution[Tensor]
    env: TrialEnv[Tensor]
    length: Length


def run(
    config: BanditLessonsConfig | None = None, *, folder: Path | None = None, progress: bool | None = None
) -> BanditLessons:
    """Train everything.

    Args:
        config: the settings; None is what is shipped.
        folder: where checkpoints go; a run that was cut short goes on from there.
        progress: show a line for each run; None: if somebody is watching.
    """
    config = config or BanditLessonsConfig()
    lessons = BanditLessons(config)
    with torch_threads(1):
        for experiment in (*SEVERAL_SEEDS, LAST_PULL, *map(two_arms, TWO_ARMS)):
            histories = []
            for seed in config.seeds if experiment in SEVERAL_SEEDS else config.seeds[:1]:
                place = folder / f"{experiment.replace(', ', '-').replace(' ', '_')}-{seed}" if folder else None
                chosen = setting(experiment, seed, config)
                if experiment == ELEVEN_ARMS_WARM:
                    warm_start(chosen, seed, config, place and place.with_name(f"{place.name}-imitation"), progress)
                training = TrainingConfig(chosen.length.iterations, chosen.length.trials, seed)
                done = train(chosen.learner, chosen.distribution, chosen.env, training, folder=place, progress=progress)
                histories.append(done.history)
                lessons.policies.setdefault(experiment, []).append(chosen.policy)
            for name in ("trial_return", "pays", "reads"):
                if name in histories[0]:
                    key = experiment if name == "trial_return" else f"{experiment}: {name}"
                    lessons.curves[key] = torch.tensor([history[name] for history in histories])
    return lessons


def setting(experiment: str, seed: int, config: BanditLessonsConfig) -> Setting:
    """Return an experiment's policy with fresh weights, and what it is trained with.

    Args:
        experiment: its name.
        seed: of the weights.
        config: sizes and lengths.
    """
    generator = make_generator(seed, "weights")
    policy = new_policy(experiment, config, generator)
    if experiment.startswith("ten"):
        ten, ten_env = IndependentBandits(10), BanditEnv(10, config.num_pulls_long)
        if experiment == TEN_ARMS_IMITATION:
            learner: Learner = Imitation(policy, FiniteHorizonGittins(10, config.num_pulls_long), IMITATION)
            return Setting(policy, learner, ten, ten_env, config.ten_arms_imitation)
        linear = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, config.num_pulls_long)
        return Setting(policy, PPO(policy, linear, TEN_ARMS_PPO), ten, ten_env, config.ten_arms)

    def baseline(num_arms: int, hidden_size: int, task_size: int = 0) -> RecurrentBaseline:
        return RecurrentBaseline((1,), num_arms, hidden_size, generator=generator, task_size=task_size)

    if experiment.startswith("five"):
        five, five_env = IndependentBandits(5), BanditEnv(5, config.num_pulls)
        if experiment == LAST_PULL:
            # nine pulls are judged by the tenth: the baseline sees the task, or there is little but noise
            learner = PPO(policy, baseline(5, config.hidden_size, task_size=5), LAST_PULL_PPO)
            return Setting(policy, learner, five, LastEpisodeOnly(five_env, config.num_pulls), config.five_arms)
        learner = PPO(policy, baseline(5, config.hidden_size), FIVE_ARMS_PPO)
        return Setting(policy, learner, five, five_env, config.five_arms)
    if experiment.startswith("eleven"):
        learner = WatchedPPO(policy, baseline(NUM_CANDIDATES + 1, config.small_hidden_size), ELEVEN_ARMS_PPO)
        return Setting(policy, learner, InformativeBandits(), InformativeBanditEnv(), config.eleven_arms)
    distribution = next(item for name, item in TWO_ARMS.items() if two_arms(name) == experiment)
    learner = PPO(policy, baseline(2, config.small_hidden_size, task_size=2), TWO_ARMS_PPO)
    return Setting(policy, learner, distribution, BanditEnv(2, config.num_pulls_long), config.two_arms)


def warm_start(
    chosen: Setting, seed: int, config: BanditLessonsConfig, folder: Path | None, progress: bool | None
) -> None:
    """Let a policy for eleven arms imitate `PaysForInformation` for a while."""
    learner = Imitation(chosen.policy, PaysForInformation(), WARM_START)
    training = TrainingConfig(config.warm_start.iterations, config.warm_start.trials, seed)
    train(learner, chosen.distribution, chosen.env, training, folder=folder, progress=progress)
