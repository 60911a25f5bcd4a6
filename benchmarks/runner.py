"""Runs benchmarks one after the other, prints, and keeps what was measured after each of them."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import report
from benchmarks.machine import Machine, examine
from benchmarks.measure import Benchmark, Measurement, Settings, Unavailable
from benchmarks.registry import BENCHMARKS, figures, find

ROOT = Path(__file__).resolve().parent.parent
OPTIONAL = {"sb3_contrib", "stable_baselines3", "autograder", "nbgrader", "nbformat"}
"""What a checkout may lack; a benchmark that wants it is skipped, anything else missing is a mistake of ours."""


def main(
    arguments: Sequence[str] | None = None, root: Path = ROOT, benchmarks: Sequence[Benchmark] = BENCHMARKS
) -> int:
    """Run the command line; return 0 if everything named was measured, whether or not it keeps to its target."""
    parser = argparse.ArgumentParser(prog="rl2 bench", description="Measure this project's speed.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark; all without")
    parser.add_argument("--list", action="store_true", help="say what there is, and stop")
    parser.add_argument("--quick", action="store_true", help="see that everything runs, in tiny sizes; writes nothing")
    options = parser.parse_args(arguments)
    console = Console(markup=False, highlight=False)  # a note may hold brackets
    if options.list:
        console.print(_listing(benchmarks))
        return 0
    try:
        chosen = find(options.names, benchmarks)
    except LookupError as error:
        print(f"rl2 bench: {error}", file=sys.stderr)
        return 2
    machine = examine(options.quick)
    for line in machine.lines():
        console.print(line)
    folder, why_not = _folder(root, machine, whole=len(chosen) == len(benchmarks), quick=options.quick)
    settings = Settings(options.quick, folder)
    fresh, problems = [], 0
    for benchmark in chosen:
        console.print(f"{benchmark.name}: {benchmark.about} ...")
        measurements, problem = measure(benchmark, settings)
        if problem:
            problems += 1
            console.print(f"  {problem}")
        fresh += [replace(item, met=None) for item in measurements] if options.quick else measurements
        if folder is not None:
            _keep(root, folder, fresh, machine, benchmarks)
    console.print(_table(fresh, benchmarks))
    console.print(why_not or f"written: {report.RESULTS}/{report.FIGURES} and {report.PAGE}")
    return 1 if problems else 0


def measure(benchmark: Benchmark, settings: Settings) -> tuple[list[Measurement], str]:
    """Return a benchmark's measurements, and what went wrong: then none of its figures is met."""
    try:
        measurements = benchmark.run(settings)
        expected, got = [item.name for item in benchmark.figures], [item.name for item in measurements]
        if sorted(expected) != sorted(got):
            raise RuntimeError(f"figures: expected {expected}, got {got}; declare what it measures")
    except Unavailable as error:
        problem = f"skipped: {error}"
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        wanted = f"{missing} is not installed; `make setup` installs it"
        problem = f"skipped: {wanted}" if missing in OPTIONAL else _failed(error)
    except Exception as error:  # the others still want to be measured
        problem = _failed(error)
    else:
        return measurements, ""
    return [figure.missing(problem) for figure in benchmark.figures], problem


def _failed(error: Exception) -> str:
    """Print the traceback and return a line."""
    traceback.print_exception(error)
    return f"failed: {error!r}"


def _folder(root: Path, machine: Machine, *, whole: bool, quick: bool) -> tuple[Path | None, str]:
    """Return where results go, or None and why they go nowhere."""
    folder = root / report.RESULTS
    if quick:
        return None, "nothing written: --quick shows that everything runs, its figures mean nothing"
    kept = report.read_machine(folder)
    if kept is not None and kept.identity != machine.identity and not whole:
        there = f"{kept.model}, {kept.cores} cores, torch {kept.torch}"
        return None, f"nothing written: {report.RESULTS}/ was measured on {there}; run all to replace it"
    return folder, ""


def _keep(
    root: Path, folder: Path, fresh: Sequence[Measurement], machine: Machine, benchmarks: Sequence[Benchmark]
) -> None:
    kept = report.read_machine(folder)
    old = report.read(folder) if kept is None or kept.identity == machine.identity else []
    order = figures(benchmarks)
    report.write(folder, report.merge(old, fresh, order), machine)
    report.write_page(root, order)


def _table(measurements: Sequence[Measurement], benchmarks: Sequence[Benchmark]) -> Table:
    table = Table("figure, and how it was measured", "measured", "target", "")
    order = figures(benchmarks)
    for item in report.merge([], measurements, order):
        name, measured, target, met, note = report.cells(item, order)
        # below the name: a column of its own would be a few letters wide in a terminal
        table.add_row(Text.assemble(name, (f"\n{note}" * bool(note), "dim")), measured, target, met)
    return table


def _listing(benchmarks: Sequence[Benchmark]) -> Table:
    table = Table("benchmark", "measures", "figures and targets")
    for benchmark in benchmarks:
        named = "\n".join(f"{figure.name} {figure.aim}".strip() for figure in benchmark.figures)
        table.add_row(benchmark.name, benchmark.about, named)
    return table
