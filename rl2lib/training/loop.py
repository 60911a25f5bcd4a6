"""The one training loop: play trials, let the learner improve, save; the same for every slow learner.

A run is fixed by its config: the seed makes every generator, schedules are functions of the iteration, and the
number of iterations is chosen beforehand, so a killed and resumed run ends with the weights of an unbroken one.
"""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.training import checkpoint as checkpoints
from rl2lib.training.checkpoint import Checkpoint, CheckpointError
from rl2lib.training.learner import Learner, OwnLearner, check_device, check_finite, largest_weight, player_of
from rl2lib.training.memory import keep_freed_memory
from rl2lib.training.progress import progress_bar
from rl2lib.types import TaskDistribution, Trajectory, TrialEnv

Watch = Callable[[Trajectory, Any, int], dict[str, float]]
"""Called with the fresh trials, their tasks and the number of iterations done, before the learner learns from them;
returns what the history shall hold beside the learner's own metrics."""


@dataclass(frozen=True)
class TrainingConfig:
    """What fixes a run, beside the learner's own config.

    Attributes:
        iterations: outer-loop updates.
        trials_per_iteration: fresh tasks, one trial each, for every update.
        seed: makes all generators of the run; the learner's initial weights have their own.
        checkpoint_every: iterations between checkpoints, where a folder is given; the last is always saved.
    """

    iterations: int
    trials_per_iteration: int
    seed: int = 0
    checkpoint_every: int = 50


@dataclass
class TrainingRun:
    """What a run leaves behind, beside the learner's weights.

    Attributes:
        history: a value an iteration: "trial_return" (by expected reward where it is told) and the learner's own.
        env_steps: steps of all trials played.
        seconds: wall time, all sittings of a resumed run together.
        checkpoint: the last checkpoint written or read, if any.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    env_steps: int = 0
    seconds: float = 0.0
    checkpoint: Path | None = None


class DivergenceError(RuntimeError):
    """Training met a number that is not finite, and stopped."""


def train(
    learner: Learner | OwnLearner,
    distribution: TaskDistribution[Any],
    env: TrialEnv[Any],
    config: TrainingConfig,
    *,
    folder: Path | None = None,
    progress: bool | None = None,
    threads: int | None = None,
    device: torch.device | str = "cpu",
    watch: Watch | None = None,
) -> TrainingRun:
    """Train a learner for `config.iterations`, resuming from `folder` if a checkpoint of this run is there.

    Args:
        learner: whose weights are trained in place.
        distribution: what tasks are drawn from.
        env: what they are played in.
        config: what fixes the run.
        folder: where checkpoints go; None keeps none.
        progress: show a line with the running return and the time left; None: if somebody is watching.
        threads: torch's threads during the run; None leaves them alone. Sums, and so the last bits of the
            weights, depend on them.
        device: where tasks and generators live; the learner's modules must be there.
        watch: looks at every iteration's trials and adds metrics to the history; it changes nothing.

    Returns:
        The run's history and bookkeeping.

    Raises:
        DivergenceError: if a loss, gradient, weight or logit is not finite; the last good checkpoint stays.
        CheckpointError: if the folder's checkpoint is damaged or belongs to another run.
        ValueError: if a module's weights are not on `device`.
    """
    check_device(learner.modules, torch.device(device))
    keep_freed_memory()
    generators = make_generators(config.seed, "tasks", "env", "policy", "learner", device=device)
    run, done = TrainingRun(), 0
    if folder is not None and (place := checkpoints.latest(folder)) is not None:
        done = _resume(place, learner, config, generators, run)
    bar = progress_bar(config.iterations, done, progress)
    seconds_before, started = run.seconds, time.perf_counter()
    with torch_threads(threads):
        try:
            for iteration in range(done, config.iterations):
                metrics = _iterate(learner, distribution, env, config, iteration, generators, run, watch)
                for name, value in metrics.items():
                    run.history.setdefault(name, []).append(value)
                run.seconds = seconds_before + time.perf_counter() - started
                done = iteration + 1
                recent = run.history["trial_return"][-20:]
                bar.set_postfix_str(f"return {sum(recent) / len(recent):.3f}", refresh=False)
                bar.update()
                if folder is not None and (done % config.checkpoint_every == 0 or done == config.iterations):
                    run.checkpoint = _save(folder, done, learner, config, generators, run)
        except FloatingPointError as error:
            raise DivergenceError(_diverged(done + 1, error, run.checkpoint)) from error
        finally:
            bar.close()
    return run


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Run a block with this many torch threads, then restore what was; None changes nothing."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _iterate(
    learner: Learner | OwnLearner,
    distribution: TaskDistribution[Any],
    env: TrialEnv[Any],
    config: TrainingConfig,
    iteration: int,
    generators: dict[str, torch.Generator],
    run: TrainingRun,
    watch: Watch | None,
) -> dict[str, float]:
    tasks = distribution.sample(config.trials_per_iteration, generators["tasks"])
    player = player_of(learner)
    try:
        trajectory = rollout(player, env, tasks, policy_generator=generators["policy"], env_generator=generators["env"])
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; the largest weight is {largest_weight(learner.modules)}") from error
    watched = watch(trajectory, tasks, iteration) if watch is not None else {}
    metrics = learner.update(trajectory, tasks, progress=iteration / config.iterations, generator=generators["learner"])
    check_finite(learner.modules)
    run.env_steps += int(trajectory.mask.sum())
    returns = trajectory.trial_return(expected=trajectory.expected_reward is not None)
    return {"trial_return": returns.mean().item(), **metrics, **watched}


def _diverged(iteration: int, error: FloatingPointError, saved: Path | None) -> str:
    kept = f"The last good checkpoint is {saved}." if saved else "No checkpoint had been saved."
    return (
        f"iteration {iteration}: {error}. Look at the learning rate first (try a tenth of it), then at the rewards "
        f"(finite? of order 1?) and at the gradient clipping. {kept}"
    )


def describe(learner: Learner | OwnLearner, config: TrainingConfig) -> dict[str, Any]:
    """Return what fixes a run, as JSON values: the learner's settings, the loop's, and the networks."""
    description = {
        "learner": {"name": type(learner).__name__, **asdict(learner.config)},
        "training": asdict(config),
        "modules": {name: str(module) for name, module in learner.modules.items()},
    }
    # through JSON, so that it compares equal to what a card holds (tuples are lists there)
    return dict(json.loads(json.dumps(description)))


def _save(
    folder: Path,
    iteration: int,
    learner: Learner | OwnLearner,
    config: TrainingConfig,
    generators: dict[str, torch.Generator],
    run: TrainingRun,
) -> Path:
    state = {f"generator.{name}": generator.get_state() for name, generator in generators.items()}
    groups = {}
    for name, optimiser in learner.optimisers.items():
        tensors, groups[name] = checkpoints.pack_optimiser(optimiser)
        state |= {f"optimiser.{name}.{key}": value for key, value in tensors.items()}
    for name, values in run.history.items():
        state[f"history.{name}"] = torch.tensor(values, dtype=torch.float64)
    card = {
        "config": describe(learner, config),
        "seed": config.seed,
        "env_steps": run.env_steps,
        "seconds": run.seconds,
        "optimisers": groups,
        "commit": current_commit(),
        "versions": {name: version(name) for name in ("torch", "numpy", "safetensors")},
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
    }
    weights = checkpoints.pack_modules(learner.modules)
    return checkpoints.save(folder, iteration, Checkpoint(weights, state, card))


def _resume(
    place: Path,
    learner: Learner | OwnLearner,
    config: TrainingConfig,
    generators: dict[str, torch.Generator],
    run: TrainingRun,
) -> int:
    saved = checkpoints.load(place)
    wanted, found = describe(learner, config), saved.card["config"]
    for part in wanted:
        if wanted[part] != found[part]:
            raise CheckpointError(
                f"{place}: it belongs to another run: {part} was {found[part]}, now {wanted[part]}; "
                "give this run a folder of its own"
            )
    checkpoints.unpack_modules(learner.modules, saved.weights)
    for name, optimiser in learner.optimisers.items():
        tensors = checkpoints.tensors_under(saved.state, f"optimiser.{name}.")
        checkpoints.unpack_optimiser(optimiser, tensors, saved.card["optimisers"][name])
    for name, generator in generators.items():
        generator.set_state(saved.state[f"generator.{name}"])
    history = checkpoints.tensors_under(saved.state, "history.")
    run.history = {name: values.tolist() for name, values in history.items()}
    run.env_steps, run.seconds, run.checkpoint = saved.card["env_steps"], saved.card["seconds"], place
    return int(saved.card["iteration"])


@cache
def current_commit() -> str:
    """Return the commit of the checkout that this library lies in; elsewhere it is unknown."""
    try:
        here = Path(__file__).parent
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
