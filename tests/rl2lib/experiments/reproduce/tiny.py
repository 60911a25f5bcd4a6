"""A tiny experiment for the tests: two arms, four pulls, runs of two short stages.

A worker of another process makes the long one by `long_catalogue`, with `TINY_ITERATIONS` for the run's length and
`TINY_LOG`, a file that gains a line for every update.
"""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rl2lib.agents.bandit import Oracle, Random, Thompson
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.catalogue import catalogue, find
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.reproduce import campaign
from rl2lib.experiments.reproduce.agenda import Order
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTING = Setting(IndependentBandits(2), BanditEnv(2, 4))
CELLS = ("first", "second")


class Logged(Reinforce):
    """REINFORCE that leaves a line for every update."""

    def update(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        with open(os.environ["TINY_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{os.getpid()}\n")
        return super().update(*args, **kwargs)


def policy(seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy((1,), 2, 4, generator=make_generators(seed, "weights")["weights"])


def stages(iterations: int, learner: type[Reinforce] = Reinforce) -> Callable[[SoftmaxPolicy, int], Iterable[Stage]]:
    """Imitation for three iterations, then reinforcement; a checkpoint after every one."""

    def made(policy: SoftmaxPolicy, seed: int) -> Iterable[Stage]:
        imitation = Imitation(policy, Thompson(2), ImitationConfig(minibatch_trials=8))
        yield Stage(imitation, SETTING, TrainingConfig(3, 16, seed, checkpoint_every=1))
        reinforce = learner(policy, None, ReinforceConfig(learning_rate=1e-2))
        yield Stage(reinforce, SETTING, TrainingConfig(iterations, 16, seed + 1000, checkpoint_every=1))

    return made


def run(
    owner: str = "tiny",
    name: str = "net",
    cells: tuple[str, ...] = CELLS,
    iterations: int = 4,
    seeds: int | None = None,
    learner: type[Reinforce] = Reinforce,
) -> Run:
    return Run(owner, name, cells, policy, stages(iterations, learner), seeds)


def measure(id: str, names: dict[str, str]) -> Callable[[str, Scale, Trained], Measured]:
    """Return how a cell is measured; `names` says which run plays in which cell."""

    def measured(cell: str, scale: Scale, trained: Trained) -> Measured:
        generator = make_generators(CELLS.index(cell), "test")["test"]
        networks = [policy.acting("greedy") for policy in trained.policies(names[cell])]
        players = [
            Player("Random", [Random(2)], published=2.0),
            Player("Oracle", [Oracle()]),
            Player("Thompson", [Thompson(2)], published=9.0),
            Player("RL²", networks, "tiny", 2.2, seeds=len(networks)),
        ]
        tasks = SETTING.distribution.sample(200, generator)
        rows = compare(id, cell, players, SETTING.env, tasks, seed=1, random="Random", reference="Thompson").rows
        returns = trained.cards(names[cell])[0]["history"]["trial_return"]
        points = [Point(id, cell, "learning", x, y) for x, y in enumerate(returns)]
        return Measured(rows, points)

    return measured


def draw(measured: Measured) -> "Figure":
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(1, 1))
    axes.axis("off")
    axes.plot([row.mean for row in measured.rows])
    return figure


def _judge(measured: Measured) -> Verdict:
    row = measured.row("second", "RL²")
    return Verdict("matched" if row.mean > 0 else "not reached", f"{row.mean:.2f}")


def experiment(id: str = "tiny", runs: tuple[Run, ...] | None = None, **parts: Any) -> Experiment:
    """Return an experiment of two cells; "net" plays in the first and "other", or else "net", in the second."""
    planned = runs or (run(id), run(id, "other", ("second",)))
    names = {cell: next(run.name for run in reversed(planned) if cell in run.cells) for cell in CELLS}
    settings: dict[str, Any] = {
        "id": id,
        "title": f"Title of {id}",
        "source": "Nobody, table 0",
        "about": "About it.",
        "cells": lambda scale: CELLS,
        "runs": lambda scale: list(planned),
        "measure": measure(id, names),
        "draw": draw,
        "alt": "a line",
        "claims": (Claim("It is positive.", _judge),),
        "reasons": {"Thompson": "the number was made up"},
    }
    return Experiment(**settings | parts)


def weights(places: Places, name: str = "net", scale: Scale = "smoke", seed: int = 0) -> bytes:
    """Return the content of a finished run's weights."""
    return places.weights(run(name=name), scale, seed).with_suffix(".safetensors").read_bytes()


def long_experiment() -> Experiment:
    """One long run, logged, for a worker that is killed."""
    iterations = int(os.environ["TINY_ITERATIONS"])
    return experiment(runs=(run(iterations=iterations, learner=Logged),))


def long_catalogue() -> dict[str, Experiment]:
    """Return it as a catalogue; a worker is sent this function's name."""
    return {"tiny": long_experiment()}


def reproduce(ids: list[str], order: Order) -> list[str]:
    """Reproduce experiments of the catalogue."""
    return campaign.reproduce([find(id) for id in ids], order, catalogue)
