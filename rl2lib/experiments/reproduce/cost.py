"""What a scale would cost, before anybody pays: a few trials of every stage are timed, the rest is multiplication."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rl2lib.experiments.plan import Experiment, Run, Scale, Stage
from rl2lib.experiments.reproduce.trained import num_seeds
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.loop import torch_threads

TIMED_TRIALS = 64  # fewer, and a step costs more than it does in a whole batch


@dataclass(frozen=True)
class Cost:
    """What one run costs, all its seeds together.

    Attributes:
        owner: the experiment's id.
        run: its name.
        seeds: how many.
        env_steps: of all seeds.
        core_hours: of all seeds, on one core of this machine.
    """

    owner: str
    run: str
    seeds: int
    env_steps: int
    core_hours: float


def costs(experiments: Sequence[Experiment], scale: Scale, seeds: int | None = None) -> list[Cost]:
    """Time and multiply every run of the experiments, each once, on one thread."""
    runs = {(run.owner, run.name): run for experiment in experiments for run in experiment.runs(scale)}
    with torch_threads(1):
        return [_cost(run, num_seeds(run, scale, seeds)) for run in runs.values()]


def _cost(run: Run, seeds: int) -> Cost:
    policy = run.policy(0)
    steps, seconds = 0.0, 0.0
    for stage in run.stages(policy, 0):
        stage_steps, seconds_per_step = _timed(stage)
        steps += stage_steps
        seconds += stage_steps * seconds_per_step
    return Cost(run.owner, run.name, seeds, round(steps * seeds), seconds * seeds / 3600)


def _timed(stage: Stage) -> tuple[float, float]:
    """Return the steps of a stage and the core seconds of one, from a second small iteration: the first warms up."""
    learner, (distribution, env), training, _ = stage
    generators = make_generators(0, "tasks", "env", "policy", "learner")
    few = min(training.trials_per_iteration, TIMED_TRIALS)
    for _ in range(2):
        began = time.process_time()  # the processor's own: what else the machine does costs nothing
        tasks = distribution.sample(few, generators["tasks"])
        trajectory = rollout(
            learner.player,
            env,
            tasks,
            policy_generator=generators["policy"],
            env_generator=generators["env"],
        )
        learner.update(trajectory, tasks, progress=0.0, generator=generators["learner"])
        seconds = time.process_time() - began
    played = int(trajectory.mask.sum())
    return training.iterations * training.trials_per_iteration * played / few, seconds / played
