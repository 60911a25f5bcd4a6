"""A trainer that trains nothing: it writes down what it is asked for, and its agents' success is a known number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.report import Report
from rl2lib.lab.values import Callback


@dataclass
class ScriptedTrainer:
    """What `generalisation_curve` is handed in place of half an hour of training.

    Attributes:
        trained: (goals in rising order, repetition) of every call of `train`; an agent is its place in this list.
        tested: (agent, goals in rising order) of every call of `success`.
    """

    trained: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    tested: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def train(self, goals: Any, repetition: Any) -> int:
        """Write down a call; return the agent."""
        self.trained.append((_cells(goals), int(repetition)))
        return len(self.trained) - 1

    def success(self, agent: Any, goals: Any) -> float:
        """Return the success of an agent on some goals, a number of its own for every pair."""
        if isinstance(agent, bool) or not isinstance(agent, int) or not 0 <= agent < len(self.trained):
            raise TypeError("success(agent, goals): agent should be what train(goals, repetition) returned")
        cells = _cells(goals)
        self.tested.append((agent, cells))
        return self.value(*self.trained[agent], cells)

    @staticmethod
    def value(trained: Sequence[int], repetition: int, tested: Sequence[int]) -> float:
        """The success, from 0 to 1, of an agent trained on some goals and tested on others."""
        mixed = 0.377 * sum(trained) + 0.613 * len(trained) + 0.141 * repetition + 0.0717 * sum(tested)
        return (mixed + 0.0291 * len(tested)) % 1.0

    def train_callback(self) -> Callback:
        """`train` as the learner sees it."""
        return Callback(self.train, methods=["__call__"])

    def success_callback(self) -> Callback:
        """`success` as the learner sees it."""
        return Callback(self.success, methods=["__call__"])


def _cells(goals: Any) -> tuple[int, ...]:
    values = goals.tolist() if isinstance(goals, Tensor) else list(goals)
    return tuple(sorted(int(goal) for goal in values))


def compare_curves(
    report: Report,
    what: str,
    trainer: ScriptedTrainer,
    got: Any,
    orders: Sequence[Sequence[int]],
    counts: Sequence[int],
    num_held_out: int,
) -> None:
    """Look at who was trained on what, who was tested on what, and at the numbers that came back."""
    wanted = {(_cells(order[:count]), r) for r, order in enumerate(orders) for count in counts}
    _check_training(report, what, trainer, wanted, orders, counts, num_held_out)
    _check_tests(report, what, trainer, orders, num_held_out)
    report.true(
        f"{what}: what it returns",
        isinstance(got, dict) and set(got) == {"training", "held_out"},
        expected='a dictionary {"training": ..., "held_out": ...}',
        got=str(sorted(map(str, got))) if isinstance(got, dict) else type(got).__name__,
    )
    expected = {
        "training": _table(trainer, orders, counts, None),
        "held_out": _table(trainer, orders, counts, num_held_out),
    }
    for name, right in expected.items():
        report.close(f"{what}: {name}", got[name], right)


def _table(
    trainer: ScriptedTrainer, orders: Sequence[Sequence[int]], counts: Sequence[int], held_out: int | None
) -> Tensor:
    rows = []
    for repetition, order in enumerate(orders):
        row = []
        for count in counts:
            tested = order[:count] if held_out is None else order[-held_out:]
            row.append(trainer.value(_cells(order[:count]), repetition, _cells(tested)))
        rows.append(row)
    return torch.tensor(rows)


def _check_training(
    report: Report,
    what: str,
    trainer: ScriptedTrainer,
    wanted: set[tuple[tuple[int, ...], int]],
    orders: Sequence[Sequence[int]],
    counts: Sequence[int],
    num_held_out: int,
) -> None:
    told = f"{what}: the agents trained"
    for goals, repetition in trainer.trained:
        if not 0 <= repetition < len(orders):
            report.fail(told, f"repetitions 0 to {len(orders) - 1}", f"repetition {repetition}")
        leaked = set(goals) & set(orders[repetition][-num_held_out:])
        own = any((goals, r) in wanted for r in range(len(orders)))
        report.true(
            f"{what}: an agent of repetition {repetition}, trained on {_shown(report, goals)}",
            not leaked or own,  # another repetition's goals are told below
            expected="no held-out goal among its training goals",
            got=f"{len(leaked)} of them",
        )
    seeds = {repetition for _, repetition in trainer.trained}
    sets = {goals for goals, _ in trainer.trained}
    if len(orders) > 1:
        report.true(
            told,
            len(seeds) > 1 or not trainer.trained,
            expected=f"agents of {len(orders)} repetitions",
            got="agents of one",
        )
        first = {_cells(orders[0][:count]) for count in counts}
        alike = sets == first and first != {goals for goals, _ in wanted}
        report.true(
            told,
            not alike,
            expected="training goals by each repetition's own order",
            got="the first order's in every repetition",
        )
    each = len(orders) * len(counts)
    few = len(trainer.trained) < each
    report.true(
        told, not few, expected=f"{each}: a fresh one for every count and repetition", got=str(len(trainer.trained))
    )
    report.true(
        told,
        set(trainer.trained) == wanted,
        expected="each on the first goals of its repetition's order, as many as the count says",
        got="agents with other training goals",
    )
    report.true(told, len(trainer.trained) == each, expected=str(each), got=str(len(trainer.trained)))


def _check_tests(
    report: Report, what: str, trainer: ScriptedTrainer, orders: Sequence[Sequence[int]], num_held_out: int
) -> None:
    for agent, tested in trainer.tested:
        goals, repetition = trainer.trained[agent]
        order = orders[repetition]
        told = f"{what}: the agent of repetition {repetition} trained on {_shown(report, goals)}, its test goals"
        if tested in (goals, _cells(order[-num_held_out:])):
            continue
        got = _shown(report, tested)
        if tested == _cells(set(order) - set(goals)):
            got = "all that it was not trained on"
        elif tested == _cells(order):
            got = "all of its order"
        elif any(tested == _cells(other[-num_held_out:]) for other in orders):
            got = "the held-out ones of another repetition"
        expected = f"its training goals, or the held-out ones {_shown(report, order[-num_held_out:])}"
        report.fail(told, expected, got)


def _shown(report: Report, cells: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(cells))) if report.reveal else f"{len(cells)} goals"
