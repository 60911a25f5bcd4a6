"""A hidden goal in a 5 × 5 grid: what REINFORCE learns, what memory adds, and what a fourth goal shows (notebook 06).

Three questions, each with three seeds. What do 1,000 trials of REINFORCE buy on three goals, and what do more? What
does a policy without a state reach, on three goals and on all 24? And how often does an agent that was trained on k
goals find one it never met? `python -m rl2lib.experiments.goal_gridworld` trains what the notebook ships, in about
half an hour on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from rl2lib.agents.feedforward import FeedForwardPolicy
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments import shipped
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, corner_goals
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.checkpoint import CheckpointError, tensors_under
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig

Kind = Literal["recurrent", "feedforward"]
Learning = Literal["PPO", "REINFORCE"]
VERSION = 1  # of the shipped files; raise it when their form or the networks change
PLACE = shipped.FOLDER / "goal_gridworld"
SIZE = 5
START = 0
CORNERS = corner_goals(SIZE)
ALL_CELLS = tuple(range(1, SIZE * SIZE))
REINFORCE_SETTINGS = ReinforceConfig(discount=1.0, learning_rate=3e-3, baseline_learning_rate=3e-3)
PPO_SETTINGS = PPOConfig(
    discount=1.0, trace=0.9, epochs=3, minibatch_trials=64, learning_rate=4e-3, baseline_learning_rate=4e-3
)


@dataclass(frozen=True)
class GoalGridworldConfig:
    """Settings of the experiment.

    Attributes:
        seeds: of weights, tasks and luck, and of the order in which cells become training goals.
        hidden_size: H, of every network.
        reinforce: REINFORCE's settings.
        reinforce_iterations: of the long runs.
        reinforce_trials: an iteration; 50 iterations of 20 are the chapter's 1,000.
        ppo: PPO's settings.
        ppo_iterations: of every run.
        ppo_trials: an iteration.
        num_training_goals: k, for the generalisation curve.
        num_held_out: goals that no agent of that curve meets in training.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    hidden_size: int = 32
    reinforce: ReinforceConfig = REINFORCE_SETTINGS
    reinforce_iterations: int = 500
    reinforce_trials: int = 20
    ppo: PPOConfig = PPO_SETTINGS
    ppo_iterations: int = 150
    ppo_trials: int = 128
    num_training_goals: tuple[int, ...] = (1, 3, 6, 12, 18)
    num_held_out: int = 6


SMOKE = GoalGridworldConfig(
    seeds=(0, 1, 2),
    hidden_size=8,
    reinforce_iterations=4,
    ppo=PPOConfig(discount=1.0, epochs=1),
    ppo_iterations=3,
    ppo_trials=16,
)
"""The same path in seconds, for tests and where the shipped files are missing; it learns nothing."""


@dataclass(frozen=True)
class GoalGridworldResult:
    """What the experiment found.

    Attributes:
        config: what it was run with.
        curves: mean trial return [seeds, iterations], by "REINFORCE recurrent three goals", "PPO feedforward all
            goals" and so on: learner, kind of policy, goals.
        agents: trained policies by (learner, kind, training goals in rising order, seed).
    """

    config: GoalGridworldConfig
    curves: dict[str, Tensor] = field(default_factory=dict)
    agents: dict[tuple[Learning, Kind, tuple[int, ...], int], SoftmaxPolicy] = field(default_factory=dict)

    def agent(
        self, goals: Sequence[int], seed: int, kind: Kind = "recurrent", learner: Learning = "PPO"
    ) -> SoftmaxPolicy:
        """Return the agent that was trained on these goals.

        Raises:
            KeyError: if there is none.
        """
        key = (learner, kind, tuple(sorted(goals)), seed)
        if key not in self.agents:
            raise KeyError(f"no {kind} agent of seed {seed} was trained by {learner} on the goals {key[2]}")
        return self.agents[key]


def shuffled_cells(seed: int) -> list[int]:
    """Return all 24 cells but the start in an order of their own for each seed.

    The first k are training goals, the last ones are held out.
    """
    generator = make_generator(seed, "order of cells")
    return [ALL_CELLS[i] for i in torch.randperm(len(ALL_CELLS), generator=generator).tolist()]


def make_policy(kind: Kind, hidden_size: int, generator: torch.Generator) -> SoftmaxPolicy:
    """Return an untrained policy for the grid: "recurrent", or its twin without a state, "feedforward"."""
    make: Callable[..., SoftmaxPolicy] = RecurrentPolicy if kind == "recurrent" else FeedForwardPolicy
    return make((SIZE * SIZE,), 4, hidden_size, generator=generator)


def make_learner(name: Learning, kind: Kind, config: GoalGridworldConfig, seed: int) -> Learner:
    """Return "REINFORCE" or "PPO" around a fresh policy and a recurrent baseline."""
    generator = make_generator(seed, "weights")
    policy: Any = make_policy(kind, config.hidden_size, generator)
    baseline = RecurrentBaseline((SIZE * SIZE,), 4, config.hidden_size, generator=generator)
    if name == "REINFORCE":
        return Reinforce(policy, baseline, config.reinforce)
    return PPO(policy, baseline, config.ppo)


def train_agent(
    name: Learning,
    kind: Kind,
    goals: Sequence[int],
    config: GoalGridworldConfig,
    seed: int,
    *,
    progress: bool | None = None,
) -> tuple[SoftmaxPolicy, list[float]]:
    """Train one agent on a goal drawn evenly from some cells in each trial.

    Returns:
        the policy, and the mean trial return of each iteration.
    """
    learner = make_learner(name, kind, config, seed)
    iterations, trials = (
        (config.reinforce_iterations, config.reinforce_trials)
        if name == "REINFORCE"
        else (config.ppo_iterations, config.ppo_trials)
    )
    run = train(
        learner,
        GoalGrids(SIZE, tuple(sorted(goals))),
        GridEnv(SIZE),
        TrainingConfig(iterations, trials, seed),
        progress=progress,
        threads=1,
    )
    return learner.policy, run.history["trial_return"]


def run(config: GoalGridworldConfig | None = None, *, say: Callable[[str], None] | None = None) -> GoalGridworldResult:
    """Train everything that the notebook shows.

    Args:
        config: the settings; None is the default.
        say: called with a line after each agent.
    """
    config = config or GoalGridworldConfig()
    result = GoalGridworldResult(config)
    curves: dict[str, list[list[float]]] = {}

    def add(name: Learning, kind: Kind, goals: Sequence[int], seed: int, told: str = "") -> None:
        policy, curve = train_agent(name, kind, goals, config, seed, progress=False)
        if told:
            curves.setdefault(f"{name} {kind} {told}", []).append(curve)
        result.agents[name, kind, tuple(sorted(goals)), seed] = policy
        if say is not None:
            last = curve[-max(len(curve) // 10, 1) :]
            say(f"{name}, {kind}, {len(goals)} goals, seed {seed}: {sum(last) / len(last):.3f}")

    kinds: tuple[Kind, ...] = ("recurrent", "feedforward")
    for seed in config.seeds:
        for kind in kinds:
            add("REINFORCE", kind, CORNERS, seed, "three goals")
            add("PPO", kind, CORNERS, seed, "three goals")
            add("PPO", kind, ALL_CELLS, seed, "all goals")
        for count in config.num_training_goals:
            add("PPO", "recurrent", shuffled_cells(seed)[:count], seed)
    result.curves.update({name: torch.tensor(rows) for name, rows in curves.items()})
    return result


# --------------------------------------------------------------------------------------- files


def save(result: GoalGridworldResult, place: Path = PLACE) -> None:
    """Write the agents' weights, and a card with what they are and the learning curves."""
    tensors, agents = {}, []
    for number, ((learner, kind, goals, seed), policy) in enumerate(result.agents.items()):
        agents.append({"learner": learner, "kind": kind, "goals": goals, "seed": seed})
        tensors.update({f"{number}.{name}": value for name, value in policy.state_dict().items()})
    shipped.save(
        place,
        tensors,
        version=VERSION,
        what="agents that look for a hidden goal in a 5 × 5 grid, and their learning curves (notebook 06)",
        command="python -m rl2lib.experiments.goal_gridworld",
        config=asdict(result.config),
        agents=agents,
        curves={name: [[round(x, 3) for x in row] for row in rows.tolist()] for name, rows in result.curves.items()},
    )


def load(place: Path = PLACE) -> GoalGridworldResult:
    """Read what `save` wrote.

    Raises:
        CheckpointError: if the files are missing, damaged, of another version, or do not belong together.
    """
    card, tensors = shipped.load(place, VERSION)
    config = shipped.read_config(GoalGridworldConfig, card["config"])
    result = GoalGridworldResult(config, {name: torch.tensor(rows) for name, rows in card["curves"].items()})
    for number, entry in enumerate(card["agents"]):
        policy = make_policy(entry["kind"], config.hidden_size, torch.Generator())
        policy.load_state_dict(tensors_under(tensors, f"{number}."))
        result.agents[entry["learner"], entry["kind"], tuple(entry["goals"]), entry["seed"]] = policy
    return result


def load_or_train(place: Path = PLACE) -> GoalGridworldResult:
    """Return what is shipped; where that cannot be used, say so and train for a few seconds."""
    try:
        return load(place)
    except CheckpointError as error:
        print(
            f"{error}. In its place: agents trained for a few seconds, which have learned nothing. "
            "`python -m rl2lib.experiments.goal_gridworld` trains the real ones in half an hour."
        )
    return run(SMOKE)


if __name__ == "__main__":
    with torch_threads(1):
        save(run(say=lambda line: print(line, flush=True)))
