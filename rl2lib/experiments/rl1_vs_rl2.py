"""Is the recurrent state a belief over tasks? RL² beside RL¹, which is told the task and remembers nothing of it.

Alver & Precup 2021 (section 4): if an agent whose state is wiped between episodes, and which is told the task after
the first one, learns as fast and ends as high as RL², then what RL² carries over is worth as much as being told.
Two tasks each: the two-point bandit, and the corridor. Around it, the small experiments of notebook 07: an agent that
is handed the exact belief, one that has nothing else, and corridors so long that the goal is hardly ever found.

The paper's LSTM of 48 units, its discounts and entropy weights; clipped PPO in the place of its A2C.
`python -m rl2lib.experiments.rl1_vs_rl2` trains everything that the notebook ships, in about half an hour on one core;
each run is kept as it ends, so that a run cut short goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.forgetful import ForgetfulPolicy, Forgets
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments import shipped
from rl2lib.files import write_whole
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv, Corridors
from rl2lib.tasks.sampling import make_generator, make_generators
from rl2lib.tasks.views import RevealedBelief, RevealedTask
from rl2lib.training.checkpoint import CheckpointError, tensors_from_bytes, tensors_to_bytes
from rl2lib.training.loop import TrainingConfig, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TaskDistribution, Trajectory, TrialEnv

PLACE = shipped.FOLDER / "rl1_vs_rl2"
VERSION = 1  # of the shipped files; raise it when their form or the networks change

BANDIT, CORRIDOR = "bandit", "corridor"
RL2, RL1 = "RL²", "RL¹"
RL2_AND_BELIEF, BELIEF_ALONE, NOTHING = "RL² and the belief", "the belief, no memory", "no belief, no memory"
BANDIT_PPO = PPOConfig(0.8, minibatch_trials=32, learning_rate=5e-3, baseline_learning_rate=5e-3, entropy_bonus=0.001)
CORRIDOR_PPO = replace(BANDIT_PPO, discount=0.9, trace=0.9, entropy_bonus=0.01)


@dataclass(frozen=True)
class Recipe:
    """How long an agent is trained, and by what settings.

    Attributes:
        iterations: outer-loop updates.
        ppo: the learner's settings.
        trials_per_iteration: fresh tasks for each update.
    """

    iterations: int
    ppo: PPOConfig
    trials_per_iteration: int = 64


@dataclass(frozen=True)
class Rl1VsRl2Config:
    """Settings of everything that notebook 07 ships.

    Attributes:
        num_runs: runs of RL² and of RL¹ on each of the two environments; the paper's are 20.
        num_small_runs: runs of each of the smaller comparisons.
        hidden_size: H of the LSTMs.
        num_pulls: of the bandit.
        half_length: d of the corridor.
        bandit: how agents are trained there.
        corridor: how agents are trained there.
        long_corridor: how agents are trained in the corridors of other lengths.
        long_half_lengths: d of the corridors whose episodes last 3 d steps, no more than the belief needs.
        num_test_trials: trials that a finished agent is measured on, both tasks equally often.
        stages: iterations after which the weights of RL²'s first run are kept, beside the last.
    """

    num_runs: int = 20
    num_small_runs: int = 5
    hidden_size: int = 48
    num_pulls: int = 10
    half_length: int = 5
    bandit: Recipe = Recipe(40, BANDIT_PPO)
    corridor: Recipe = Recipe(80, CORRIDOR_PPO)
    long_corridor: Recipe = Recipe(60, CORRIDOR_PPO, 16)
    long_half_lengths: tuple[int, ...] = (5, 10, 20, 30)
    num_test_trials: int = 1_000
    stages: tuple[int, ...] = (0, 5, 15)


SMOKE = Rl1VsRl2Config(
    num_runs=1,
    num_small_runs=1,
    hidden_size=6,
    num_pulls=3,
    half_length=1,
    bandit=Recipe(2, BANDIT_PPO, 8),
    corridor=Recipe(2, CORRIDOR_PPO, 8),
    long_corridor=Recipe(2, CORRIDOR_PPO, 8),
    long_half_lengths=(1, 2),
    num_test_trials=8,
    stages=(0, 1),
)
"""The same path in seconds, for tests; it learns nothing."""

SHORT = Rl1VsRl2Config(
    num_runs=2,
    num_small_runs=2,
    bandit=Recipe(25, BANDIT_PPO),
    corridor=Recipe(30, CORRIDOR_PPO),
    long_corridor=Recipe(30, CORRIDOR_PPO),
    long_half_lengths=(5, 10),
)
"""What the notebook trains where the shipped files are missing."""


# --------------------------------------------------------------------------------------- the learner


class WatchedPPO(PPO):
    """PPO that also notes the length of trials and the share of episodes that reach the goal, and keeps early weights.

    Args:
        policy: the fast learner.
        baseline: its baseline.
        config: PPO's settings.
        stages: fractions of training at which the policy's weights are kept, in `kept`.
    """

    def __init__(
        self, policy: RecurrentPolicy, baseline: RecurrentBaseline, config: PPOConfig, stages: tuple[float, ...] = ()
    ) -> None:
        super().__init__(policy, baseline, config)
        self.stages = stages
        self.kept: dict[float, dict[str, Tensor]] = {}

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take PPO's step; see `Learner.update`."""
        if progress in self.stages:
            self.kept[progress] = {name: value.clone() for name, value in self.policy.state_dict().items()}
        metrics = super().update(trajectory, tasks, progress=progress, generator=generator)
        return {**metrics, **measure(trajectory)}


def measure(trajectory: Trajectory) -> dict[str, float]:
    """Return the mean number of steps in a trial, and the share of episodes that the task ended, not the horizon."""
    ends = trajectory.episode_end.sum()
    found = 1 - trajectory.timed_out.sum() / ends
    return {"steps": trajectory.mask.sum(dim=1).double().mean().item(), "found": found.item()}


# --------------------------------------------------------------------------------------- one run


@dataclass(frozen=True)
class Cell:
    """One agent on one environment, trained several times.

    Attributes:
        place: `BANDIT` or `CORRIDOR`.
        agent: `RL2`, `RL1`, `RL2_AND_BELIEF`, `BELIEF_ALONE` or `NOTHING`.
        num_runs: how many seeds, from 0.
        half_length: d, where it is a corridor of another length, whose episodes last 3 d steps; None: the usual one.
    """

    place: str
    agent: str
    num_runs: int
    half_length: int | None = None

    @property
    def name(self) -> str:
        """What it is called in the results, e.g. "corridor/RL²"."""
        return f"{self.place}{self.half_length or ''}/{self.agent}"


def cells(config: Rl1VsRl2Config) -> list[Cell]:
    """Return everything that is trained."""
    main = [Cell(place, agent, config.num_runs) for place in (BANDIT, CORRIDOR) for agent in (RL2, RL1)]
    handed = [Cell(CORRIDOR, agent, config.num_small_runs) for agent in (RL2_AND_BELIEF, BELIEF_ALONE, NOTHING)]
    return main + handed + [Cell(CORRIDOR, RL2, config.num_small_runs, d) for d in config.long_half_lengths]


def build(cell: Cell, config: Rl1VsRl2Config) -> tuple[TaskDistribution[Any], TrialEnv[Any], Recipe]:
    """Return a cell's task distribution, its environment as the agent sees it, and its recipe."""
    if cell.place == BANDIT:
        bandit: TrialEnv[Any] = BanditEnv(2, config.num_pulls)
        return TWO_POINT, RevealedTask(bandit) if cell.agent == RL1 else bandit, config.bandit
    if cell.half_length is not None:
        return Corridors(), CorridorEnv(cell.half_length, 3 * cell.half_length), config.long_corridor
    corridor = CorridorEnv(config.half_length)
    views: dict[str, Callable[[CorridorEnv], TrialEnv[Any]]] = {
        RL1: RevealedTask,
        RL2_AND_BELIEF: RevealedBelief,
        BELIEF_ALONE: RevealedBelief,
    }
    return Corridors(), views[cell.agent](corridor) if cell.agent in views else corridor, config.corridor


def new_policy(env: TrialEnv[Any], agent: str, hidden_size: int, generator: torch.Generator) -> RecurrentPolicy:
    """Return an untrained agent for an environment as it sees it."""
    shape = (env.observation_shape, env.num_actions, hidden_size)
    forgets: dict[str, Forgets] = {RL1: "episodes", BELIEF_ALONE: "steps", NOTHING: "steps"}
    if agent in forgets:
        return ForgetfulPolicy(*shape, forgets=forgets[agent], generator=generator, core="lstm")
    return RecurrentPolicy(*shape, generator=generator, core="lstm")


def new_learner(
    env: TrialEnv[Any], agent: str, hidden_size: int, ppo: PPOConfig, seed: int, stages: tuple[float, ...] = ()
) -> WatchedPPO:
    """Return a fresh agent and the PPO that trains it; the baseline, another LSTM, forgets nothing in any case."""
    weights = make_generator(seed, "weights")
    policy = new_policy(env, agent, hidden_size, weights)
    baseline = RecurrentBaseline(env.observation_shape, env.num_actions, hidden_size, generator=weights, core="lstm")
    return WatchedPPO(policy, baseline, ppo, stages)


def both_tasks(place: str, num_trials: int) -> Tensor:
    """Return both tasks of a place, equally often, one after the other."""
    which = torch.arange(num_trials) % 2
    return torch.nn.functional.one_hot(which, 2).to(torch.float32) if place == BANDIT else which


def play(
    policy: SoftmaxPolicy, env: TrialEnv[Any], place: str, num_trials: int, *, seed: int = 0, greedy: bool = False
) -> Trajectory:
    """Play trials on both tasks, with sampled or greedy actions."""
    generators = make_generators(seed, "test policy", "test env")
    return rollout(
        policy.acting("greedy" if greedy else "sampled"),
        env,
        both_tasks(place, num_trials),
        policy_generator=generators["test policy"],
        env_generator=generators["test env"],
    )


def train_one(cell: Cell, seed: int, config: Rl1VsRl2Config) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Train one agent once.

    Returns:
        its numbers, for JSON, and weights to ship, by stage and name (of the first run of RL² and RL¹ only).
    """
    distribution, env, recipe = build(cell, config)
    ship = seed == 0 and cell.half_length is None and cell.agent in (RL2, RL1)
    stages = tuple(done / recipe.iterations for done in config.stages) if ship and cell.agent == RL2 else ()
    learner = new_learner(env, cell.agent, config.hidden_size, recipe.ppo, seed, stages)
    plan = TrainingConfig(recipe.iterations, recipe.trials_per_iteration, seed)
    run = train(learner, distribution, env, plan, progress=False, threads=1)
    found: dict[str, Any] = {
        name: [round(value, 4) for value in run.history[name]] for name in ("trial_return", "steps", "found")
    }
    for name, greedy in (("sampled", False), ("greedy", True)):
        trials = play(learner.policy, env, cell.place, config.num_test_trials, seed=seed, greedy=greedy)
        found[name] = {"trial_return": trials.trial_return(expected=True).mean().item(), **measure(trials)}
    found["seconds"] = round(run.seconds, 1)
    if not ship:
        return found, {}
    states = {**dict(zip(config.stages, learner.kept.values(), strict=False)), recipe.iterations: None}
    weights: dict[str, Tensor] = {}
    for done, state in states.items():
        for name, value in (learner.policy.state_dict() if state is None else state).items():
            weights[f"{cell.name}/{done}/{name}"] = value
    return found, weights


# --------------------------------------------------------------------------------------- all of them


def run(config: Rl1VsRl2Config | None = None, *, folder: Path, to: Path = PLACE) -> dict[str, Any]:
    """Train every cell, one run after the other, and write what the notebook ships.

    Args:
        config: the settings; None is the shipped one, about half an hour on one core.
        folder: keeps each run as it ends; runs found there are not trained again, so it serves one config only.
        to: the shipped files' common path.

    Returns:
        their card; "results" holds the numbers.

    Raises:
        CheckpointError: if the folder holds runs of another config.
    """
    config = config or Rl1VsRl2Config()
    settings = json.loads(json.dumps(asdict(config)))
    _expect_same_config(folder / "config.json", settings)
    results: dict[str, list[dict[str, Any]]] = {}
    weights: dict[str, Tensor] = {}
    for cell in cells(config):
        for seed in range(cell.num_runs):
            place = folder / f"{cell.name.replace('/', '-')}-{seed}.json"
            beside = place.with_suffix(".safetensors")
            if not place.exists():
                with torch_threads(1):
                    found, kept = train_one(cell, seed, config)
                if kept:
                    write_whole(beside, tensors_to_bytes(kept))
                write_whole(place, json.dumps(found))  # last: where it is, the run is whole
                print(f"{cell.name}, seed {seed}: {found['sampled']} after {found['seconds']} s", flush=True)
            results.setdefault(cell.name, []).append(json.loads(place.read_text(encoding="utf-8")))
            if beside.exists():
                weights |= tensors_from_bytes(beside.read_bytes())
    return shipped.save(
        to,
        weights,
        version=VERSION,
        what="RL² and RL¹ on the two-point bandit and the corridor, and the failures of notebook 07",
        command="python -m rl2lib.experiments.rl1_vs_rl2",
        config=settings,
        results=results,
    )


def _expect_same_config(path: Path, settings: dict[str, Any]) -> None:
    if not path.exists():
        write_whole(path, json.dumps(settings, indent=2) + "\n")
    elif json.loads(path.read_text(encoding="utf-8")) != settings:
        raise CheckpointError(f"{path.parent}: it holds runs of another config; give this one a folder of its own")


if __name__ == "__main__":
    run(folder=Path("work/rl1_vs_rl2"))
