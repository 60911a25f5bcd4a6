"""All benchmarks, in the order of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks import agents, course, grader, learning, memory, profile, structured, training, update
from benchmarks.measure import Benchmark, Figure
from rl2lib.tasks.by_id import nearest_hint

BENCHMARKS: tuple[Benchmark, ...] = (
    *update.BENCHMARKS,
    *training.BENCHMARKS,
    *memory.BENCHMARKS,
    *profile.BENCHMARKS,
    *learning.BENCHMARKS,
    *structured.BENCHMARKS,
    *agents.BENCHMARKS,
    *course.BENCHMARKS,
    *grader.BENCHMARKS,
)


def figures(benchmarks: Iterable[Benchmark] = BENCHMARKS) -> list[Figure]:
    """Return all figures, in order."""
    return [figure for benchmark in benchmarks for figure in benchmark.figures]


def find(names: Sequence[str], benchmarks: Sequence[Benchmark] = BENCHMARKS) -> list[Benchmark]:
    """Return the benchmarks of these names in the registry's order; all without names.

    Raises:
        LookupError: if there is none of a name; the nearest is suggested.
    """
    known = {benchmark.name: benchmark for benchmark in benchmarks}
    for name in names:
        if name not in known:
            raise LookupError(f"no benchmark is called {name!r}; {nearest_hint(name, known)}")
    return [benchmark for benchmark in benchmarks if not names or benchmark.name in names]
