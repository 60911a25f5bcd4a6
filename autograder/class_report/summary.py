"""Results -> what an instructor wants to know of a class. Counting only: no page, no file."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograder.class_report.reading import Reading
from autograder.class_report.statistics import histogram, quartiles, wilson_interval
from autograder.result import Result
from autograder.sections import Section, exercise_number, where_to_read
from rl2lib.lab import course

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer, and who gave it."""

    anchor: str
    exercise: str
    name: str
    students: tuple[str, ...]
    diagnosis: str
    section: Section | None

    @property
    def opening(self) -> str:
        """The diagnosis's first sentence."""
        return SENTENCE_END.split(self.diagnosis, maxsplit=1)[0]


@dataclass(frozen=True)
class ExerciseSummary:
    """One exercise over a class.

    Args:
        anchor: what it is called within a page: two notebooks may have an exercise of one name.
        counts: status -> submissions, commonest first; those that could not be graded at all are not among them.
        misconceptions: commonest first.
        unexplained: wrong answers that look like no misconception that is known.
    """

    anchor: str
    name: str
    title: str
    number: str
    max_points: float
    counts: dict[str, int]
    misconceptions: tuple[Misconception, ...]
    unexplained: int

    @property
    def graded(self) -> int:
        """Submissions that count for the pass rate."""
        return sum(count for status, count in self.counts.items() if status != "ungradable")

    @property
    def passed(self) -> int:
        """How many of them are right."""
        return self.counts.get("passed", 0)

    @property
    def attempted(self) -> int:
        """How many of them hold an answer."""
        return self.graded - self.counts.get("not_attempted", 0)

    @property
    def pass_rate(self) -> float:
        """Passed of graded: what was left empty counts as not passed. NaN where nothing was graded."""
        return self.passed / self.graded if self.graded else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The pass rate's 95% interval."""
        return wilson_interval(self.passed, self.graded)


@dataclass(frozen=True)
class NotebookSummary:
    """One notebook over a class: one result a student."""

    name: str
    title: str
    results: tuple[Result, ...]
    exercises: tuple[ExerciseSummary, ...]

    @cached_property
    def max_points(self) -> float:
        """Points to be had."""
        return max(result.max_points for result in self.results)

    @cached_property
    def points(self) -> list[float]:
        """The points of every submission that could be graded, fewest first."""
        return sorted(result.points for result in self.results if is_graded(result))

    @property
    def full_marks(self) -> int:
        """How many earned everything."""
        return sum(value == self.max_points for value in self.points)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the points; NaN where nothing was graded."""
        return quartiles(self.points)

    @cached_property
    def histogram(self) -> list[tuple[str, int]]:
        """Points -> submissions."""
        return histogram(self.points, self.max_points)


@dataclass(frozen=True)
class Student:
    """One student over the course.

    Args:
        results: notebook -> the result that counts.
        max_points: of all notebooks in the report, handed in or not.
    """

    name: str
    results: dict[str, Result]
    max_points: float

    @cached_property
    def points(self) -> float:
        """Points earned."""
        return sum(result.points for result in self.results.values())

    @property
    def share(self) -> float:
        """Points earned of all there are."""
        return self.points / self.max_points if self.max_points else 0.0

    @cached_property
    def passed(self) -> int:
        """Exercises passed."""
        return sum(item.status == "passed" for result in self.results.values() for item in result.exercises)


@dataclass(frozen=True)
class Group:
    """Submissions that have one thing in common: a reason, a set of flags, a way of being run."""

    text: str
    results: tuple[Result, ...]

    @property
    def size(self) -> int:
        """How many submissions."""
        return len(self.results)

    @property
    def students(self) -> int:
        """How many students they are of."""
        return len({result.student for result in self.results})


@dataclass(frozen=True)
class Summary:
    """A class."""

    results: tuple[Result, ...]
    notebooks: tuple[NotebookSummary, ...]
    students: tuple[Student, ...]
    problems: tuple[str, ...]

    @property
    def num_graded(self) -> int:
        """How many submissions have a grade."""
        return sum(len(notebook.points) for notebook in self.notebooks)

    @property
    def max_points(self) -> float:
        """The points of all notebooks."""
        return sum(notebook.max_points for notebook in self.notebooks)

    @property
    def share(self) -> float:
        """Points earned of those that could be earned in what was graded."""
        graded = [result for result in self.results if is_graded(result)]
        most = sum(result.max_points for result in graded)
        return sum(result.points for result in graded) / most if most else 0.0

    @cached_property
    def ungraded(self) -> tuple[Group, ...]:
        """Submissions without a grade, by reason."""
        missing = [result for result in self.results if not is_graded(result)]
        return _groups(missing, _reason)

    @cached_property
    def flagged(self) -> tuple[Group, ...]:
        """Submissions in which our own cells were changed, by what was changed."""
        return _groups([item for item in self.results if item.flags], lambda result: "\n".join(result.flags))

    @cached_property
    def without_sandbox(self) -> tuple[Group, ...]:
        """Submissions whose code ran without a sandbox, or may have, by what was recorded."""
        found = [item for item in self.results if not is_isolated(item)]
        return _groups(found, lambda item: item.isolation or "not recorded")

    @cached_property
    def misconceptions(self) -> list[Misconception]:
        """All of the class, commonest first."""
        found = [
            item for notebook in self.notebooks for exercise in notebook.exercises for item in exercise.misconceptions
        ]
        return sorted(found, key=lambda item: -len(item.students))

    @cached_property
    def versions(self) -> list[tuple[str, str, int]]:
        """(course version, grader version, results), commonest first: a class should have one."""
        counted = Counter((result.course_version, result.grader_version) for result in self.results)
        return [(*versions, count) for versions, count in counted.most_common()]


def is_graded(result: Result) -> bool:
    """Whether a submission got a grade at all, however few the points."""
    return any(item.status != "ungradable" for item in result.exercises)


def _reason(result: Result) -> str:
    """Say why there is no grade, in the same words for every notebook."""
    reason = result.exercises[0].reason if result.exercises else "it has no exercises"
    return reason.replace(f"{result.notebook}.ipynb", "NN_notebook.ipynb")


def is_isolated(result: Result) -> bool:
    """Whether a sandbox stood around the student's code, by what was recorded, or none of it was run."""
    return result.isolation != "none" and (bool(result.isolation) or not is_graded(result))


def summarise(reading: Reading) -> Summary:
    """Count. Where a student has several results for a notebook, the last line of the file counts."""
    counted = {(result.student, result.notebook): result for result in reading.results}
    results = sorted(counted.values(), key=lambda item: (item.student.casefold(), item.student, item.notebook))
    by_notebook: dict[str, list[Result]] = defaultdict(list)
    by_student: dict[str, dict[str, Result]] = defaultdict(dict)
    for result in results:
        by_notebook[result.notebook].append(result)
        by_student[result.student][result.notebook] = result
    notebooks = tuple(_notebook(name, by_notebook[name]) for name in _in_order(by_notebook))
    most = sum(notebook.max_points for notebook in notebooks)
    students = tuple(Student(name, found, most) for name, found in by_student.items())
    return Summary(tuple(results), notebooks, students, reading.problems)


def _in_order(names: Iterable[str]) -> list[str]:
    known = [notebook.name for notebook in course.load().notebooks]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def _notebook(name: str, results: Sequence[Result]) -> NotebookSummary:
    graded = [result for result in results if is_graded(result)]
    names = dict.fromkeys(item.name for result in graded for item in result.exercises)
    try:
        title = course.load().notebook(name).title
    except course.UnknownName:
        title = name
    return NotebookSummary(name, title, tuple(results), tuple(_exercise(name, item, graded) for item in names))


def _exercise(notebook: str, name: str, results: Sequence[Result]) -> ExerciseSummary:
    found = [(result.student, item) for result in results for item in result.exercises if item.name == name]
    anchor = f"{notebook}.{name}"
    wrong: dict[str, list[str]] = defaultdict(list)
    diagnoses: dict[str, str] = {}
    for student, item in found:
        if item.misconception:
            wrong[item.misconception].append(student)
            diagnoses[item.misconception] = item.diagnosis
    misconceptions = [
        Misconception(anchor, name, kind, tuple(students), diagnoses[kind], where_to_read(name, diagnoses[kind]))
        for kind, students in sorted(wrong.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    ]
    try:
        title = course.load().exercise(name)[1].title
    except course.UnknownName:
        title = ""
    counts = dict(Counter(item.status for _, item in found).most_common())
    unexplained = sum(item.status == "failed" and not item.misconception for _, item in found)
    most = max(item.max_points for _, item in found)
    return ExerciseSummary(anchor, name, title, exercise_number(name), most, counts, tuple(misconceptions), unexplained)


def _groups(results: Iterable[Result], text: Callable[[Result], str]) -> tuple[Group, ...]:
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[text(result)].append(result)
    return tuple(Group(key, tuple(items)) for key, items in sorted(found.items(), key=lambda entry: -len(entry[1])))
