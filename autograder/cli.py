"""`autograder ...`: what an instructor and an author run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def main() -> None:
    """Build the course, look after it, grade submissions."""


@app.command()
def build(
    notebook: Annotated[str | None, typer.Argument(help="with --execute: only this notebook")] = None,
    check: Annotated[bool, typer.Option("--check", help="change nothing; fail on a stale generated file")] = False,
    execute: Annotated[bool, typer.Option("--execute", help="also run the solutions, for reading")] = False,
) -> None:
    """Write notebooks/, course.json, refusals.json, nbgrader's folders from solutions/*.py; bundles from results/."""
    from autograder import build as building
    from autograder.bundles import build_bundles, stale_bundles
    from autograder.source import course_root
    from rl2lib.training.checkpoint import CheckpointError

    root = course_root()
    try:
        bundles = stale_bundles(root) if check else build_bundles(root)
    except CheckpointError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if check:
        from autograder.execute import stale_solutions

        stale = [*building.stale_files(root), *bundles, *stale_solutions(root)]
        for path in stale:
            print(f"{path.relative_to(root)}: not what the source builds; run `make build`")
        raise typer.Exit(1 if stale else 0)
    changed = [*building.build(root), *bundles]
    print(f"built: {len(changed)} files changed" if changed else "built: nothing changed")
    for path in changed:
        print(f"  {path.relative_to(root)}")
    if execute:
        from autograder.execute import execute_solutions

        execute_solutions(root, notebook)


@app.command()
def new(
    notebook: Annotated[str, typer.Argument(help="a notebook's number; for a new one with its slug: 08_adaptation")],
    name: Annotated[str, typer.Argument(help="what the exercise will be called: an identifier")],
) -> None:
    """Scaffold an exercise in all its places, each with what there is to fill in."""
    from autograder import build as building
    from autograder.scaffold import ScaffoldError, scaffold
    from autograder.source import course_root

    root = course_root()
    try:
        written = scaffold(root, notebook, name)
    except ScaffoldError as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for path, line, what in written:
        print(f"{path.relative_to(root)}:{line}: {what}")
    building.build(root)
    print(f"built; `autograder lint` lists what to fill in, then `autograder audit {notebook[:2]} --exercise {name}`")


@app.command()
def lint() -> None:
    """Refuse exercises without checks, hints, times, mutants, and other gaps."""
    from autograder.lint import lint as course_lint

    problems = course_lint()
    for problem in problems:
        print(problem)
    print(f"course linter: {len(problems)} problems" if problems else "course linter: clean")
    raise typer.Exit(1 if problems else 0)


@app.command()
def audit(
    notebook: Annotated[str | None, typer.Argument(help="only this notebook")] = None,
    exercise: Annotated[str | None, typer.Option(help="only this exercise")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="print the messages too")] = False,
    seeds: Annotated[int, typer.Option(min=0, help="also grade each reference with this many seeds")] = 0,
    write: Annotated[bool, typer.Option("--write", help="keep what was found in results/audit.json and .md")] = False,
) -> None:
    """Print the kill matrix: stubs and mutants fail, references and alternatives pass."""
    from autograder import audit as auditing
    from autograder.source import course_root, find_notebook, load_course

    course = load_course()
    names = [item.name for notebook_ in course for item in notebook_.exercises]
    record = auditing.read_record(course_root())
    wrong = 0
    for found in [find_notebook(notebook)] if notebook else course:
        print(f"{found.name}\n{'':2}{'exercise':<34}{'answer':<46}{'visible':<15}{'hidden':<15}diagnosed as")
        for item in found.exercises:
            if exercise not in (None, item.name):
                continue
            lines = auditing.audit_exercise(found, item, auditing.SEED)
            record["rows"][item.name] = [line.as_row() for line in lines]
            for line in lines:
                answer = f"{line.kind} {line.variant}".strip()
                mark = " " if line.as_it_should else "!"
                wrong += not line.as_it_should
                checks = f"{line.visible.status:<15}{line.hidden.status:<15}"
                print(f"{mark} {line.exercise:<34}{answer:<46}{checks}{line.named or ''}")
                if verbose or not line.as_it_should:
                    print(f"    visible: {line.visible.reason}\n    hidden:  {line.hidden.reason}")
            if seeds:
                counts = record["regraded"][item.name] = auditing.regrade(found, item, seeds)
                wrong += sum(count["wrongly"] for count in counts.values())
                told = "; ".join(f"{kind} {count['graded']} ({count['wrongly']})" for kind, count in counts.items())
                print(f"  {item.name:<34}graded again (wrongly): {told}", flush=True)
            if write:
                auditing.write_record(course_root(), record, names)
    print(f"{wrong} are not as they should be" if wrong else "every row is as it should be")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="submissions: <student>/<notebook>/<notebook>.ipynb")],
    out: Annotated[Path, typer.Option(help="where grades.csv, feedback/, results.jsonl, gradebook.db go")],
    notebook: Annotated[str | None, typer.Option(help="only this notebook")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that grade side by side on this machine")] = 1,
    scheduler: Annotated[str, typer.Option(help="tcp:// or tls:// address of a Dask cluster that grades instead")] = "",
    gradebook: Annotated[
        str, typer.Option(envvar="RL2_GRADEBOOK", help="URL of nbgrader's database [default: sqlite below OUT]")
    ] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="grade anew what OUT/journal.jsonl holds already")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="run student code with nothing between it and this machine")
    ] = False,
) -> None:
    """Grade a folder of submissions; begun before, it goes on from where it stopped."""
    from autograder.batch import grade_folder
    from autograder.class_report import table
    from autograder.worker import Grader

    results = grade_folder(
        folder,
        out,
        workers,
        notebook,
        scheduler=scheduler,
        gradebook=gradebook,
        fresh=fresh,
        grader=Grader(sandboxed=not unsafe),
    )
    print(table(results))
    print(f"written: {out}/grades.csv, feedback/, results.jsonl, gradebook{' at its URL' if gradebook else '.db'}")


@app.command()
def report(
    out: Annotated[Path, typer.Argument(help="the folder that `grade` wrote: it holds results.jsonl")],
    to: Annotated[Path | None, typer.Option(help="where the report goes instead of OUT")] = None,
) -> None:
    """Write the instructor's view of a class: report.html (opens offline), report.json, report_*.csv."""
    from autograder.class_report import NothingToReport, overview, write_report

    try:
        summary = write_report(out, to)
    except NothingToReport as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(overview(summary))
    print(f"written: {to or out}/report.html, report.json, report_students.csv, report_submissions.csv,", end=" ")
    print("report_exercises.csv")
    if summary.without_sandbox:
        count = sum(group.size for group in summary.without_sandbox)
        print(f"WARNING: {count} of {len(summary.results)} results were graded without a sandbox", file=sys.stderr)
    for problem in summary.problems:
        print(f"autograder: {out}/results.jsonl, {problem}; grading again writes it anew", file=sys.stderr)
    raise typer.Exit(1 if summary.problems else 0)


@app.command()
def quotes(
    write: Annotated[bool, typer.Option("--write", help="put the files' numbers into the prose")] = False,
) -> None:
    """Compare the numbers quoted in prose with the files they come from."""
    from autograder import quotes as quoting
    from autograder.source import course_root

    if write:
        for path in quoting.write_quotes(course_root()):
            print(f"updated {path.relative_to(course_root())}")
    problems = quoting.wrong_quotes(course_root())
    for problem in problems:
        print(problem)
    print(f"quoted numbers: {len(problems)} are wrong" if problems else "quoted numbers: all as measured")
    raise typer.Exit(1 if problems else 0)


@app.command()
def demo(
    record: Annotated[bool, typer.Option("--record", help="keep the figures in results/demo.json")] = False,
) -> None:
    """Build, learn, grade and train once: the whole path, on real input."""
    from autograder.demo import run_demo

    run_demo(record)


def run() -> None:
    """Entry point: one clear line for a mistake of the author's or instructor's."""
    from autograder.journal import BatchError
    from autograder.source import SourceError
    from rl2lib.lab.course import UnknownName

    try:
        app()
    except (BatchError, SourceError, UnknownName, FileNotFoundError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit(error.code if isinstance(error, BatchError) else 2) from None


if __name__ == "__main__":
    run()
