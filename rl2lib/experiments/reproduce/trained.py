"""One run of one seed: trained stage by stage, resumed where it was cut short, kept with a card among the results."""

from __future__ import annotations

import copy
import inspect
import json
import math
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments import model_card
from rl2lib.experiments.history import thinned
from rl2lib.experiments.plan import SEEDS, Run, Scale, Stage
from rl2lib.experiments.reproduce.places import VERSION, Places
from rl2lib.files import write_whole
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.checkpoint import CheckpointError, tensors_from_bytes, tensors_to_bytes
from rl2lib.training.loop import Watch, current_commit, describe, train
from rl2lib.types import Trajectory

NUM_CHECKED = 512  # trials played with whole and with half precision


class TrainedRuns:
    """Finished runs, each file read once: what is played is what the provenance tells of.

    Args:
        runs: which ones.
        scale: their scale.
        places: where they lie.
        seeds: how many of each; None is the plan's own number.
    """

    def __init__(self, runs: Iterable[Run], scale: Scale, places: Places, seeds: int | None = None) -> None:
        self.scale, self.places, self.seeds = scale, places, seeds
        self._runs = {run.name: run for run in runs}
        self._read: dict[tuple[str, int], tuple[dict[str, Any], dict[str, Tensor]]] = {}

    def policies(self, name: str) -> list[SoftmaxPolicy]:
        """Return a run's policies, one a seed.

        Raises:
            CheckpointError: if one is missing, damaged, or its card disagrees with it.
        """
        run = self._runs[name]
        return [self._policy(run, seed) for seed in range(num_seeds(run, self.scale, self.seeds))]

    def cards(self, name: str) -> list[dict[str, Any]]:
        """Return a run's cards, one a seed; "history" holds its learning curve.

        Raises:
            CheckpointError: if one is missing or damaged.
        """
        run = self._runs[name]
        return [self._finished(run, seed)[0] for seed in range(num_seeds(run, self.scale, self.seeds))]

    def _policy(self, run: Run, seed: int) -> SoftmaxPolicy:
        policy = run.policy(seed)
        try:
            policy.load_state_dict(self._finished(run, seed)[1])
        except RuntimeError as error:
            raise CheckpointError(f"{run.name}, seed {seed}: its weights do not fit its policy: {error}") from error
        return policy

    def _finished(self, run: Run, seed: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
        if (run.name, seed) not in self._read:
            self._read[run.name, seed] = finished(run, self.scale, seed, self.places)
        return self._read[run.name, seed]


def num_seeds(run: Run, scale: Scale, asked: int | None) -> int:
    """Return how many seeds a run is trained with."""
    return asked or run.seeds or SEEDS[scale]


def finished(run: Run, scale: Scale, seed: int, places: Places) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return a finished run's card and weights.

    Raises:
        CheckpointError: if one is missing or damaged, of another version, or they do not belong together; both files
            are named, and the command that makes them again.
    """
    return _read(places.weights(run, scale, seed), run, scale)


def snapshot(run: Run, scale: Scale, iterations: int, places: Places) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and weights that the first seed had after so many iterations of its last stage.

    Raises:
        CheckpointError: as for `finished`.
    """
    return _read(places.snapshot(run, scale, iterations), run, scale)


def _read(place: Path, run: Run, scale: Scale) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        return model_card.load(place, VERSION)
    except CheckpointError as error:
        card, weights = place.with_suffix(model_card.CARD), place.with_suffix(model_card.WEIGHTS)
        again = f"rl2 reproduce {run.owner} --scale {scale} --fresh"
        told = "" if again in str(error) else f"; `{again}` makes them again"
        raise CheckpointError(f"{error}; the files are {card} and {weights}{told}") from error


def finished_card(run: Run, scale: Scale, seed: int, places: Places) -> dict[str, Any] | None:
    """Return the card of a run that is there already; None if there is none.

    Raises:
        CheckpointError: if what is there is damaged, or was made by another plan.
    """
    place = places.weights(run, scale, seed)
    wanted = [place, *(places.snapshot(run, scale, iterations) for iterations in snapshots(run, seed))]
    if not all(path.with_suffix(model_card.CARD).exists() for path in wanted):
        return None
    card, _ = finished(run, scale, seed, places)
    made, planned = card["config"]["stages"], _descriptions(run, seed)
    differences = [f"it had {len(made)} stages, now {len(planned)}"] if len(made) != len(planned) else []
    for was, now in zip(made, planned, strict=False):
        differences += [
            f"{part} was {was[part]}, now {now[part]}" for part in now if part in was and was[part] != now[part]
        ]
    if differences:
        raise CheckpointError(
            f"{place}: it was made by another plan: {differences[0]}; "
            f"`rl2 reproduce {run.owner} --scale {scale} --fresh` makes it again"
        )
    return card


def snapshots(run: Run, seed: int) -> tuple[int, ...]:
    """Return the iterations after which a seed's weights are kept beside the last ones."""
    return run.snapshots if seed == 0 else ()


def train_run(
    run: Run, scale: Scale, seed: int, places: Places, *, device: str = "cpu", progress: bool | None = None
) -> dict[str, Any]:
    """Train a run of one seed, or go on with it, and keep its weights with their card.

    The weights are kept in half precision where that changes nothing that can be measured.

    Returns:
        The card.

    Raises:
        CheckpointError: if a checkpoint under way is damaged or belongs to another plan.
        DivergenceError: if a number is no longer finite.
    """
    policy = run.policy(seed).to(device)
    history: dict[str, list[float]] = {"env_steps": []}
    descriptions, env_steps, seconds = [], 0, 0.0
    last: Stage | None = None
    for number, stage in enumerate(run.stages(policy, seed)):
        for module in stage.learner.modules.values():
            module.to(device)
        last = stage
        descriptions.append(_description(stage))
        folder = places.stage(run, scale, seed, number)
        try:
            done = train(
                stage.learner,
                *stage.setting,
                stage.training,
                folder=folder,
                progress=progress,
                threads=1 if device == "cpu" else None,
                device=device,
                watch=_watching(stage, folder, snapshots(run, seed)),
            )
        except CheckpointError as error:
            raise CheckpointError(f"{error}; or remove {folder.parent}, and this run begins anew") from error
        before, length = len(history["env_steps"]), len(done.history["trial_return"])
        history["env_steps"] += [env_steps + done.env_steps * (i + 1) / length for i in range(length)]
        for name in {**history, **done.history}:
            if name != "env_steps":  # a stage without a metric leaves a gap in its curve
                values = history.setdefault(name, [math.nan] * before)
                values += done.history.get(name, [math.nan] * length)
        env_steps, seconds = env_steps + done.env_steps, seconds + done.seconds
    if last is None:
        raise ValueError(f"{run.owner}: {run.name} has no stages")
    policy = policy.to("cpu")
    what = f"{run.owner}: {run.name}, seed {seed}, at {scale} scale"
    common: dict[str, Any] = {
        "version": VERSION,
        "command": f"rl2 reproduce {run.owner} --scale {scale} --fresh",
        "config": {"stages": descriptions},
        "seconds": round(seconds, 1),
        "device": device,
        "commit": current_commit(),
    }
    for iterations in snapshots(run, seed):
        then = copy.deepcopy(last.learner.policy)
        then.load_state_dict(tensors_from_bytes(_snapshot_file(folder, iterations).read_bytes()))
        weights, precision = _kept(then, then, last.setting, seed)
        model_card.save(
            places.snapshot(run, scale, iterations),
            weights,
            what=f"{what}, after {iterations} iterations",
            precision=precision,
            iterations=iterations,
            **common,
        )
    weights, precision = _kept(policy, last.learner.policy, last.setting, seed)
    card = model_card.save(
        places.weights(run, scale, seed),
        weights,
        what=what,
        precision=precision,
        env_steps=env_steps,
        history={name: thinned(values) for name, values in history.items()},
        **common,
    )
    shutil.rmtree(places.stage(run, scale, seed, 0).parent, ignore_errors=True)
    return card


def forget(run: Run, scale: Scale, seed: int, places: Places) -> None:
    """Remove a run, finished or under way, so that it is trained anew."""
    for place in (
        places.weights(run, scale, seed),
        *(places.snapshot(run, scale, done) for done in snapshots(run, seed)),
    ):
        for suffix in (model_card.CARD, model_card.WEIGHTS):
            place.with_suffix(suffix).unlink(missing_ok=True)
    shutil.rmtree(places.stage(run, scale, seed, 0).parent, ignore_errors=True)


def _descriptions(run: Run, seed: int) -> list[dict[str, Any]]:
    return [_description(stage) for stage in run.stages(run.policy(seed), seed)]


def _description(stage: Stage) -> dict[str, Any]:
    """What fixes a stage, as JSON values: learner, loop and networks; what its tasks and environment were made with."""
    made = {
        type(part).__name__: {
            name: getattr(part, name) for name in inspect.signature(type(part)).parameters if hasattr(part, name)
        }
        for part in stage.setting
    }
    setting = json.loads(json.dumps(made, default=lambda value: type(value).__name__))
    return {**describe(stage.learner, stage.training), "setting": setting}


def _watching(stage: Stage, folder: Path, iterations: tuple[int, ...]) -> Watch | None:
    """What the loop calls before every update: the stage's own watch; and what writes snapshots, if there are any."""
    if not iterations:
        return stage.watch

    def watch(trajectory: Trajectory, tasks: Any, done: int) -> dict[str, float]:
        if done in iterations:
            write_whole(_snapshot_file(folder, done), tensors_to_bytes(stage.learner.policy.state_dict()))
        return stage.watch(trajectory, tasks, done) if stage.watch is not None else {}

    return watch


def _snapshot_file(stage_folder: Path, iterations: int) -> Path:
    """Where a snapshot waits for the end of its run; a stage of the same number of iterations has its own."""
    return stage_folder.with_name(f"{stage_folder.name}-after{iterations}.safetensors")


def _kept(
    policy: SoftmaxPolicy, acting: SoftmaxPolicy, setting: Setting, seed: int
) -> tuple[dict[str, Tensor], Literal["half", "single"]]:
    """A policy's weights in the precision they are kept in; `acting` is the policy as the setting's task has it."""
    half = _plays_the_same(acting, setting, seed)
    weights = {
        name: value.half() if half and value.is_floating_point() else value
        for name, value in policy.state_dict().items()
    }
    return weights, "half" if half else "single"


def _plays_the_same(policy: SoftmaxPolicy, setting: Setting, seed: int) -> bool:
    """Whether rounding the weights to half precision leaves the score where it was, on fresh tasks."""
    rounded = copy.deepcopy(policy).half().float()
    if not all(bool(torch.isfinite(value).all()) for value in rounded.state_dict().values()):
        return False  # a weight beyond half precision's range
    tasks = setting.distribution.sample(NUM_CHECKED, make_generator(seed, "half precision"))
    scores = []
    for player in (policy, rounded):
        trajectory = play(player.acting("greedy"), setting.env, tasks, seed=seed)
        scores.append(trajectory.trial_return(expected=trajectory.expected_reward is not None))
    difference = paired_difference(*scores)
    return difference.low <= 0 <= difference.high
