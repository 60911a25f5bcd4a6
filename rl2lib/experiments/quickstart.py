"""A recurrent agent learns to play bandits in about a minute: five arms, ten pulls, two CPU cores.

It is the smallest cell of Duan et al. 2016, table 1 (n = 10, k = 5), where the exact optimum is known: 6.66.
The recipe is plain: clipped PPO, sampled rewards, a baseline that sees what the policy sees and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl2lib.agents.bandit import UCB1, Greedy, Random, Thompson
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.evaluation.evaluate import Comparison, evaluate
from rl2lib.experiments.plan import Stage
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig, TrainingRun, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import Policy, expect_kind

RL2_GREEDY, RL2_SAMPLED = "RL², greedy actions", "RL², sampled actions"
RANDOM, OPTIMAL = "random", "Bayes-optimal"
PPO_SETTINGS = PPOConfig(discount=1.0, learning_rate=3e-3, baseline_learning_rate=3e-3)


@dataclass(frozen=True)
class QuickstartConfig:
    """Settings of the quickstart.

    Attributes:
        num_arms: K.
        num_pulls: n.
        hidden_size: H, of policy and baseline each.
        seed: of weights, training and test tasks, all streams of their own.
        iterations: outer-loop updates; fixed beforehand, so that a seed means the same weights on a slow machine.
        trials_per_iteration: fresh bandits for each.
        ppo: the learner's settings.
        num_test_tasks: fresh bandits for the comparison.
        threads: torch's threads; at this size a second one gains little and changes the last bits.
    """

    num_arms: int = 5
    num_pulls: int = 10
    hidden_size: int = 64
    seed: int = 0
    iterations: int = 150
    trials_per_iteration: int = 1024
    ppo: PPOConfig = PPO_SETTINGS
    num_test_tasks: int = 10_000
    threads: int | None = 1


SMOKE = QuickstartConfig(
    hidden_size=16,
    iterations=10,
    trials_per_iteration=256,
    ppo=PPOConfig(epochs=2),
    num_test_tasks=1_000,
)
"""The same path in seconds, for tests; it learns next to nothing."""


@dataclass(frozen=True)
class QuickstartResult:
    """What the quickstart found.

    Attributes:
        evaluation: the comparison on test tasks; RL²'s row states how its actions were chosen.
        training: the run's history and wall time.
        optimal_value: the exact expected return of the best possible agent.
        policy: the trained agent.
    """

    evaluation: Comparison
    training: TrainingRun
    optimal_value: float
    policy: RecurrentPolicy

    @property
    def normalised_score(self) -> float:
        """Of RL² with greedy actions: 0 is random play, 1 Bayes-optimal play, on the same tasks."""
        normalised = self.evaluation[RL2_GREEDY].normalised
        return float("nan") if normalised is None else normalised.mean

    def table(self) -> str:
        """Return the comparison as Markdown, with the exact optimum below."""
        return f"{self.evaluation.table()}\nNo agent can expect more than {self.optimal_value:.4f} (exact)."


def stage(config: QuickstartConfig) -> Stage:
    """Return fresh networks with their learner, what they learn on, and for how long."""
    generator = make_generator(config.seed, "weights")
    shape = ((1,), config.num_arms, config.hidden_size)
    policy = RecurrentPolicy(*shape, generator=generator)
    baseline = RecurrentBaseline(*shape, generator=generator)
    setting = Setting(IndependentBandits(config.num_arms), BanditEnv(config.num_arms, config.num_pulls))
    training = TrainingConfig(config.iterations, config.trials_per_iteration, config.seed)
    return Stage(PPO(policy, baseline, config.ppo), setting, training)


def run(
    config: QuickstartConfig | None = None, *, folder: Path | None = None, progress: bool | None = None
) -> QuickstartResult:
    """Train RL² with clipped PPO, then compare it with classic algorithms on tasks it has never met.

    Args:
        config: the settings; None is the default, about a minute on two CPU cores.
        folder: where checkpoints go; a run that was cut short goes on from there.
        progress: show a progress line; None: if somebody is watching.

    Returns:
        The comparison, the run and the trained policy.
    """
    config = config or QuickstartConfig()
    learner, (distribution, env), training, _ = stage(config)
    policy = expect_kind("policy", learner.policy, RecurrentPolicy)
    training_run = train(learner, distribution, env, training, folder=folder, progress=progress, threads=config.threads)
    optimal = BayesOptimal(config.num_arms, config.num_pulls)
    agents: dict[str, Policy[Any]] = {
        RL2_GREEDY: policy.acting("greedy"),
        RL2_SAMPLED: policy.acting("sampled"),
        RANDOM: Random(config.num_arms),
        "greedy": Greedy(config.num_arms),
        "Thompson": Thompson(config.num_arms),
        "UCB1, c = 0.1": UCB1(config.num_arms, c=0.1),
        OPTIMAL: optimal,
    }
    with torch_threads(config.threads):
        evaluation = evaluate(
            agents,
            env,
            distribution.sample(config.num_test_tasks, make_generator(config.seed, "test tasks")),
            seed=config.seed,
            random=RANDOM,
            reference=OPTIMAL,
        )
    return QuickstartResult(evaluation, training_run, optimal.value, policy)
