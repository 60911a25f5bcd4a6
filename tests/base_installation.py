"""What runs where nothing but the base dependencies is installed: a script for tests/test_packaging.py."""

import importlib
import importlib.util

import torch

import rl2lib
from rl2lib.agents.bandit import Random
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.cluster import cluster
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.experiments.catalogue import EXPERIMENTS
from rl2lib.extras import MissingExtra
from rl2lib.rollout import rollout
from rl2lib.tasks.catalogue import make_task
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO, PPOConfig

for name in ("jupyterlab", "IPython", "dask", "distributed", "typer", "gymnasium", "nbgrader", "pytest"):
    if importlib.util.find_spec(name):
        raise SystemExit(f"{name} can be imported: this is no base installation")

distribution, env = make_task("independent-bandits", num_arms=3, num_pulls=4)
generator = torch.Generator().manual_seed(0)
policy = RecurrentPolicy(env.observation_shape, env.num_actions, 4, generator=generator)
baseline = RecurrentBaseline(env.observation_shape, env.num_actions, 4, generator=generator)
learner = PPO(policy, baseline, PPOConfig(minibatch_trials=8))
train(learner, distribution, env, TrainingConfig(iterations=1, trials_per_iteration=8), progress=False)
tasks = distribution.sample(8, generator)
rollout(policy, env, tasks, policy_generator=generator, env_generator=generator)
print(evaluate({"RL²": policy, "random": Random(3)}, env, tasks, seed=0).table())
print(f"{len(EXPERIMENTS)} experiments of rl2lib {rl2lib.__version__}")
for needy in (lambda: importlib.import_module("rl2lib.gym"), lambda: cluster(1).__enter__()):
    try:
        needy()
    except MissingExtra as error:
        print("told:", error)
