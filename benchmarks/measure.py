"""The words of the benchmarks: a benchmark measures figures, a figure has a target, a measurement says if it is met."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPEATS = 5


class Unavailable(Exception):
    """Something that a benchmark needs is not here; its figures are skipped, with this reason, and not met."""


@dataclass(frozen=True)
class Measurement:
    """One entry of results/bench.json.

    Attributes:
        name: the figure's.
        measured: its value; None where it was skipped, failed, or never came to be.
        unit: "x" for a ratio.
        target: what it is held against; None where it is for information.
        met: whether it keeps to the target; None without one. Nothing that was not measured is met.
        note: how it was measured, or why not.
    """

    name: str
    measured: float | None
    unit: str
    target: float | None
    met: bool | None
    note: str


@dataclass(frozen=True)
class Figure:
    """What is to be measured.

    Attributes:
        name: unique among all figures; results are merged by it.
        unit: "x" for a ratio.
        target: None for information only.
        lower_is_better: a target is a ceiling then, else a floor.
    """

    name: str
    unit: str
    target: float | None = None
    lower_is_better: bool = False

    def measured(self, value: float, note: str = "") -> Measurement:
        """Return the measurement of this value."""
        met = None
        if self.target is not None:
            met = value <= self.target if self.lower_is_better else value >= self.target
        return Measurement(self.name, float(value), self.unit, self.target, met, note)

    def missing(self, reason: str) -> Measurement:
        """Return the measurement that was not made, or found nothing: never met."""
        return Measurement(self.name, None, self.unit, self.target, None if self.target is None else False, reason)

    @property
    def aim(self) -> str:
        """The target in words, e.g. "≤ 3 s"; empty without one."""
        if self.target is None:
            return ""
        return f"{'≤' if self.lower_is_better else '≥'} {self.target:g} {self.unit}"


@dataclass(frozen=True)
class Settings:
    """How a run is made.

    Attributes:
        quick: tiny sizes that show that everything runs, and measure nothing.
        results: where a benchmark may write what is more than a figure; None: nowhere.
    """

    quick: bool = False
    results: Path | None = None

    @property
    def repeats(self) -> int:
        """How often a thing is timed; the median counts."""
        return 1 if self.quick else REPEATS


@dataclass(frozen=True)
class Benchmark:
    """A registered benchmark.

    Attributes:
        name: what `rl2 bench NAME` takes.
        about: one line.
        figures: all that it measures.
        run: measures them.
    """

    name: str
    about: str
    figures: tuple[Figure, ...]
    run: Callable[[Settings], list[Measurement]]


def median_seconds(*actions: Callable[[], Any], repeats: int = REPEATS, warm_up: bool = True) -> list[float]:
    """Time the actions in turn, A B A B ..., after one unmeasured round; return their medians.

    Times on a shared machine wander, and those measured in turn wander together: their ratio is what to read.

    Args:
        actions: what is compared, or a single one.
        repeats: measured rounds.
        warm_up: run everything once before; without it a first call's set-up counts.
    """
    times: list[list[float]] = [[] for _ in actions]
    for repeat in range(repeats + warm_up):
        for index, action in enumerate(actions):
            began = time.perf_counter()
            action()
            if repeat >= warm_up:
                times[index].append(time.perf_counter() - began)
    return [statistics.median(seconds) for seconds in times]
