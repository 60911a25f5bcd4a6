"""results.jsonl -> results; a line that is torn or wrong is named and the others are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.result import SCHEMA_VERSION, ExerciseResult, Result
from autograder.shown_text import visible_line
from rl2lib.lab.messages import HEADINGS

RESULTS = "results.jsonl"


class NothingToReport(Exception):
    """There is no result to report on; the message says where one was looked for."""


class WrongLine(ValueError):
    """A line of results.jsonl that is not a result; the message says why."""


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
    for number, line in _lines(data):
        try:
            results.append(_result(line))
        except WrongLine as error:
            problems.append(f"line {number}: {error}")
    if not results:
        why = f"none of its {len(problems)} lines can be read; {problems[0]}" if problems else "it is empty"
        raise NothingToReport(f"{path}: there is nothing to report on, {why}")
    return Reading(tuple(results), tuple(problems))


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _result(line: bytes) -> Result:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        torn = f"starts {line[:40]!r}, ends {line[-20:]!r}"
        raise WrongLine(f"not JSON, cut off perhaps ({type(error).__name__}; {len(line)} bytes, {torn})") from None
    if not isinstance(data, dict):
        raise WrongLine(f"expected an object, got {type(data).__name__}")
    version = data.get("schema_version")
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise WrongLine(f"schema_version: expected at most {SCHEMA_VERSION}, got {_short(version)}; update autograder")
    exercises = data.get("exercises")
    if not isinstance(exercises, list):
        raise WrongLine(f"exercises: expected a list, got {_short(exercises)}")
    flags = data.get("flags", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise WrongLine(f"flags: expected a list of texts, got {_short(flags)}")
    texts = ("student", "notebook", "course_version", "submission_sha256", "grader_version")
    known = {name: _text(data, name) for name in texts} | {"isolation": _text(data, "isolation", "")}
    if not known["student"] or not known["notebook"]:
        raise WrongLine("student and notebook: expected a name each, got an empty one")
    seed = data.get("seed")
    if not isinstance(seed, int):
        raise WrongLine(f"seed: expected an integer, got {_short(seed)}")
    marks = tuple(_exercise(item) for item in exercises)
    return Result(exercises=marks, flags=tuple(flags), seed=seed, schema_version=SCHEMA_VERSION, **known)


def _exercise(data: Any) -> ExerciseResult:
    if not isinstance(data, dict):
        raise WrongLine(f"an exercise: expected an object, got {_short(data)}")
    status = _text(data, "status")
    if status not in HEADINGS:
        raise WrongLine(f"status: expected one of {', '.join(HEADINGS)}, got {_short(status)}")
    points, most = (_number(data, name) for name in ("points", "max_points"))
    if not 0 <= points <= most:
        raise WrongLine(f"points: expected 0 to {most:g}, got {points:g}")
    named = {} if data.get("misconception") is None else {"misconception": _text(data, "misconception")}
    diagnosis = _text(data, "diagnosis", "")
    reason = _text(data, "reason")
    return ExerciseResult(_text(data, "name"), points, most, status, reason, diagnosis=diagnosis, **named)


def _text(data: dict[str, Any], name: str, missing: str | None = None) -> str:
    value = data.get(name, missing)
    if not isinstance(value, str):
        raise WrongLine(f"{name}: expected a text, got {_short(value)}")
    return value


def _number(data: dict[str, Any], name: str) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise WrongLine(f"{name}: expected a number, got {_short(value)}")
    return float(value)


def _short(value: Any) -> str:
    return visible_line(repr(value), limit=60)
