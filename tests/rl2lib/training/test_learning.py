"""Every learner learns: the two-point bandit, where one pull tells all, is worth 9.5 to the best and 5 to the blind."""

from collections.abc import Callable

import pytest
import torch

from rl2lib.agents.belief_optimal import DependentBanditOptimal
from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.training.schedules import Schedule
from rl2lib.training.trpo import TRPO, FirstOrderTRPO, FirstOrderTRPOConfig, TRPOConfig

SHAPE = ((1,), 2, 24)
CONSTANT = Schedule(0.01, shape="constant")


def policy() -> RecurrentPolicy:
    return RecurrentPolicy(*SHAPE, generator=torch.Generator().manual_seed(0))


def shared() -> RecurrentActorCritic:
    return RecurrentActorCritic(*SHAPE, generator=torch.Generator().manual_seed(0))


def baseline(task_size: int = 0) -> RecurrentBaseline:
    return RecurrentBaseline(*SHAPE, generator=torch.Generator().manual_seed(1), task_size=task_size)


PPO_CONFIG = PPOConfig(1.0, learning_rate=0.01, baseline_learning_rate=0.01, minibatch_trials=64)
IMITATION = ImitationConfig(learning_rate=0.02, epochs=2, minibatch_trials=64)
LEARNERS: dict[str, tuple[int, Callable[[], Learner]]] = {
    "reinforce": (100, lambda: Reinforce(policy(), baseline(), ReinforceConfig(1.0, 0.01, 0.01))),
    "a2c": (100, lambda: A2C(policy(), baseline(2), A2CConfig(1.0, 1.0, 0.02, 0.02, expected_rewards=True))),
    "a2c, shared core": (120, lambda: A2C(shared(), None, A2CConfig(1.0, 1.0, 0.02, value_weight=0.1))),
    "ppo": (25, lambda: PPO(policy(), baseline(2), PPO_CONFIG)),
    "ppo, shared core": (25, lambda: PPO(shared(), None, PPO_CONFIG)),
    "trpo": (40, lambda: TRPO(policy(), baseline(), TRPOConfig(1.0, max_kl=0.03, baseline_learning_rate=0.01))),
    "first-order trpo": (
        40,
        lambda: FirstOrderTRPO(
            policy(),
            baseline(),
            FirstOrderTRPOConfig(1.0, max_kl=0.03, baseline_learning_rate=0.01, learning_rate=CONSTANT),
        ),
    ),
    "imitation": (40, lambda: Imitation(policy(), DependentBanditOptimal(TWO_POINT, 10), IMITATION)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_to_stay_with_the_arm_that_pays(name: str) -> None:
    iterations, make = LEARNERS[name]
    run = train(make(), TWO_POINT, BanditEnv(2, 10), TrainingConfig(iterations, 128), threads=1, progress=False)
    returns = run.history["trial_return"]
    last = returns[-5:]
    assert returns[0] < 6 and sum(last) / len(last) > 9.0


def test_a_cloned_teacher_is_followed_by_the_student() -> None:
    config = ImitationConfig(player="teacher", learning_rate=0.02, epochs=2, minibatch_trials=64)
    learner = Imitation(policy(), DependentBanditOptimal(TWO_POINT, 10), config)
    run = train(learner, TWO_POINT, BanditEnv(2, 10), TrainingConfig(40, 128), threads=1, progress=False)
    agreement = run.history["agreement"]
    assert agreement[0] < 0.9 and agreement[-1] > 0.99
    assert min(run.history["trial_return"]) > 9.2, "the history's returns are the teacher's, who plays"
