"""`rl2 ...`: what a learner runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from rl2lib.extras import MissingExtra, needs_extra

try:
    with needs_extra("lab", "the command"):
        import typer
except MissingExtra as missing:
    raise SystemExit(f"rl2: {missing}") from None

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Number = Annotated[str, typer.Argument(help="a notebook: 2, 02 or its name")]


@app.callback()
def main() -> None:
    """Learn RL² by building it."""


@app.command()
def learn(
    number: Annotated[str | None, typer.Argument(help="a notebook: 2, 02 or its name; all without")] = None,
    open_lab: Annotated[bool, typer.Option("--open/--no-open", help="open JupyterLab")] = True,
) -> None:
    """Copy the released notebooks into work/ unless they are there, and open JupyterLab."""
    import subprocess

    from rl2lib.lab import workbook

    paths = workbook.start(number)
    for path in paths:
        print(path)
    if open_lab:
        target = paths[0] if number else paths[0].parent
        raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", str(target)]))


@app.command()
def check(
    number: Number,
    exercise: Annotated[str | None, typer.Argument(help="only this exercise")] = None,
    file: Annotated[Path | None, typer.Option(help="check this file instead of your copy in work/")] = None,
    seconds: Annotated[float, typer.Option(help="time limit of one cell or check")] = 10.0,
) -> None:
    """Check your notebook; the exit code is 0 only when every exercise passes."""
    from rl2lib.lab import messages, places, terminal
    from rl2lib.lab.store import Store

    outcomes = terminal.check_notebook(number, file, exercise, seconds)
    for outcome in outcomes:
        print(messages.outcome_text(outcome))
        if places.recording() and file is None:
            Store().record_attempt(outcome.exercise, outcome.status, outcome.mutant)
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{passed} of {len(outcomes)} passed")
    raise typer.Exit(0 if passed == len(outcomes) else 1)


@app.command()
def hint(exercise: str) -> None:
    """Show the next hint for an exercise."""
    from rl2lib.lab import course, notebook

    course.load().exercise(exercise)
    notebook.hint(exercise)


@app.command()
def progress() -> None:
    """Show what has passed so far, and what comes next."""
    from rl2lib.lab import notebook

    notebook.progress()


@app.command()
def reset(number: Number) -> None:
    """Start a notebook again; your copy is kept with today's date."""
    from rl2lib.lab import workbook

    backup = workbook.reset(number)
    print(f"fresh copy made; yours is kept at {backup}" if backup else "fresh copy made")


@app.command()
def submit(
    number: Number, student: Annotated[str | None, typer.Option(help="your name in the class list")] = None
) -> None:
    """Lay your notebook where the instructor collects it: submitted/<student>/<notebook>/."""
    from rl2lib.lab import workbook

    print(workbook.submit(number, student))


@app.command()
def doctor(
    probe: Annotated[bool, typer.Option("--probe", help="climb the ladder of five tiny training tasks")] = False,
    learner: Annotated[
        str | None, typer.Option(help="with --probe: module:name of a function that makes a learner")
    ] = None,
) -> None:
    """Look at everything a notebook needs, and say how to mend what is wrong."""
    from rl2lib.lab import doctor as looking

    if probe or learner:
        found, width, word = looking.probe(learner or looking.LEARNER), 24, "suspect"
    else:
        found, width, word = iter(looking.examine()), 14, "fix"
    healthy = True
    for finding in found:
        print(f"{'✗' if finding.fix else '✓'} {finding.what:<{width}}{finding.found}", flush=True)
        if finding.fix:
            healthy = False
            print(f"  {'':<{width}}{word}: {finding.fix}")
    raise typer.Exit(0 if healthy else 1)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="benchmarks; all without")] = None,
    listing: Annotated[bool, typer.Option("--list", help="say what there is, and stop")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="see that everything runs, in tiny sizes")] = False,
) -> None:
    """Measure this project's speed, from a checkout: everything in about an hour, or what is named."""
    import subprocess

    from rl2lib.lab import places

    script = places.CHECKOUT / "benchmarks" / "bench.py"
    if not script.is_file():
        raise FileNotFoundError(
            "bench: the benchmarks are not part of the installed package. They are the folder benchmarks/ of the "
            f"project's repository ({script} is not there): clone it, run `make setup`, and `rl2 bench` in it"
        )
    flags = ["--list"] * listing + ["--quick"] * quick
    raise typer.Exit(subprocess.call([sys.executable, str(script), *flags, *(names or [])]))


@app.command()
def reproduce(
    experiment: Annotated[str | None, typer.Argument(help="an id of --list, or all")] = None,
    cell: Annotated[str | None, typer.Option(help="only this cell of its table, e.g. n10_k5")] = None,
    scale: Annotated[
        str, typer.Option(help="smoke: seconds; laptop: minutes a cell; paper: the paper's sizes")
    ] = "laptop",
    seeds: Annotated[int | None, typer.Option(min=1, help="of everything that is trained")] = None,
    device: Annotated[str, typer.Option(help="what networks are trained on: cpu, cuda")] = "cpu",
    workers: Annotated[int, typer.Option(min=1, help="processes of this machine")] = 1,
    scheduler: Annotated[str, typer.Option(help="the address of a Dask cluster that sees --out and --running")] = "",
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="go on with what is there, or forget it")] = True,
    remeasure: Annotated[bool, typer.Option(help="measure again what was measured with the same weights")] = False,
    out: Annotated[Path, typer.Option(help="the folder of results")] = Path("results"),
    running: Annotated[Path, typer.Option(help="the folder of runs under way")] = Path("runs"),
    plan: Annotated[bool, typer.Option("--plan", help="say what the training would cost, and stop")] = False,
    listing: Annotated[bool, typer.Option("--list", help="say what there is, and stop")] = False,
) -> None:
    """Train, measure and write a published table or figure; what is done already is not done again."""
    from rl2lib.cluster import ClusterError
    from rl2lib.experiments.catalogue import EXPERIMENTS, UnknownExperiment, catalogue, find
    from rl2lib.experiments.plan import SCALES
    from rl2lib.experiments.reproduce.agenda import Order, ReproduceError
    from rl2lib.experiments.reproduce.campaign import print_plan
    from rl2lib.experiments.reproduce.campaign import reproduce as carry_out
    from rl2lib.experiments.reproduce.places import Places
    from rl2lib.tasks.by_id import nearest_hint
    from rl2lib.training.checkpoint import CheckpointError

    if listing or experiment is None:
        for known in EXPERIMENTS.values():
            print(f"{known.id:<22}{known.title} ({known.source})")
        return
    try:
        if scale not in SCALES:
            raise ReproduceError(f"there is no scale {scale!r}; {nearest_hint(scale, SCALES)}")
        order = Order(
            Places(out.resolve(), running.resolve()),
            SCALES[SCALES.index(scale)],
            cell,
            seeds,
            device,
            workers,
            scheduler,
            fresh=not resume,
            remeasure=remeasure,
        )
        asked = list(EXPERIMENTS.values()) if experiment == "all" else [find(experiment)]
        if plan:
            print_plan(asked, order)
            return
        failed = carry_out(asked, order, catalogue)
    except (ReproduceError, UnknownExperiment, ClusterError, CheckpointError) as error:
        print(f"rl2: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    raise typer.Exit(1 if failed else 0)


def run() -> None:
    """Entry point: one clear line for a learner's mistake, never a traceback."""
    from rl2lib.lab.course import UnknownName
    from rl2lib.lab.workbook import WorkbookError

    try:
        app()
    except (UnknownName, WorkbookError, MissingExtra, FileNotFoundError, PermissionError) as error:
        print(f"rl2: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    run()
