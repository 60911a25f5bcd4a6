"""results.jsonl -> results; a line that is torn or wrong is named and the others are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.result import Result, ResultError

RESULTS = "results.jsonl"


class NothingToReport(Exception):
    """There is no result to report on; the message says where one was looked for."""


@dataclass(frozen=True)
class Reading:
    """What a results file holds.

    Args:
        results: in the file's order.
        problems: one line for each line of the file that is not among them, with its number.
    """

    results: tuple[Result, ...]
    problems: tuple[str, ...]


def read_results(folder: Path) -> Reading:
    """Read `folder`/results.jsonl.

    Raises:
        NothingToReport: it is missing, empty, or has no line that can be read.
    """
    path = folder / RESULTS
    try:
        data = path.read_bytes()
    except OSError as error:
        where = f"{path} cannot be read ({error.strerror})"
        raise NothingToReport(f"{where}; `autograder grade ... --out {folder}` writes it") from None
    results, problems = [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            if line.strip():
                results.append(Result.from_json(line, oldest=1))
        except ResultError as error:
            problems.append(f"line {number}: {error}")
    if not results:
        why = f"none of its {len(problems)} lines can be read; {problems[0]}" if problems else "it is empty"
        raise NothingToReport(f"{path}: there is nothing to report on, {why}")
    return Reading(tuple(results), tuple(problems))
