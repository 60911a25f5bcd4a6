"""A schedule for learning on many arms: short trials first, longer ones later; by imitation or by reinforcement.

On whole trials of 50 arms a plain GRU is slow to start. On its own trials, random play at first, the index's answers
hang on the records of all arms at once. On the index's trials the answer is nearly always the arm before, so that is
what it learns, and then it never leaves an arm. At a trial's beginning the answers are simple, and change often: stay
while it pays, else take the next one. A short trial is nothing but beginning, and hundreds of them cost little.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments.plan import Stage
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule

MOST_PPO_RATE = 3e-3  # imitation bears larger steps


class Part(NamedTuple):
    """Training on trials of one length.

    Attributes:
        num_pulls: the length.
        iterations: outer-loop updates.
        trials: fresh tasks for each.
        minibatch: trials in a minibatch.
        rates: learning rate, from and to, linearly.
        player: whose trials are learned from by imitation.
    """

    num_pulls: int
    iterations: int
    trials: int
    minibatch: int
    rates: tuple[float, float]
    player: Literal["teacher", "student"] = "student"


Parts = tuple[Part, ...]


def scaled(parts: Parts, iterations: float, trials: int = 1) -> Parts:
    """Return the same parts with the numbers of iterations, and of trials in each, multiplied."""
    return tuple(
        part._replace(
            iterations=max(1, round(part.iterations * iterations)),
            trials=part.trials * trials,
            minibatch=part.minibatch * trials,
        )
        for part in parts
    )


def imitating(num_pulls: int, num_arms: int, parts: Parts, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Return stages of imitating the finite-horizon index, which plays short trials as the beginning of long ones.

    Args:
        num_pulls: n, the length that the index plans for.
        num_arms: K.
        parts: the schedule.
        policy: the student.
        seed: of the run.
    """
    teacher = FiniteHorizonGittins(num_arms, num_pulls)
    for number, part in enumerate(parts):
        config = ImitationConfig(
            player=part.player, epochs=2, minibatch_trials=part.minibatch, learning_rate=Schedule(*part.rates)
        )
        yield _stage(Imitation(policy, teacher, config), num_arms, part, seed + 1000 * number)


def reinforcing(num_arms: int, parts: Parts, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Return stages of PPO on the same trials, as in table 1: expected rewards, and a baseline that sees the task.

    Args:
        num_arms: K.
        parts: the schedule; whoever should play, here the policy does.
        policy: what is trained.
        seed: of the run.
    """
    for number, part in enumerate(parts):
        first, last = (min(rate, MOST_PPO_RATE) for rate in part.rates)
        config = PPOConfig(
            discount=1.0,
            trace=0.95,
            epochs=4,
            minibatch_trials=2 * part.minibatch,
            learning_rate=Schedule(first, last),
            expected_rewards=True,
        )
        baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, part.num_pulls)
        yield _stage(PPO(policy, baseline, config), num_arms, part, seed + 1000 * number)


def _stage(learner: Learner, num_arms: int, part: Part, seed: int) -> Stage:
    setting = Setting(IndependentBandits(num_arms), BanditEnv(num_arms, part.num_pulls))
    return Stage(learner, setting, TrainingConfig(part.iterations, part.trials, seed, checkpoint_every=20))
