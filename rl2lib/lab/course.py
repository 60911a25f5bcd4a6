"""The course as the learner's side knows it: exercises, hints, quizzes, minutes. No answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl2lib.tasks.by_id import nearest_hint

COURSE_FILE = Path(__file__).with_name("course.json")


class UnknownName(LookupError):
    """A notebook, exercise or quiz that does not exist; the message suggests the nearest that does."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Exercise:
    """One exercise: what the learner is told of it outside the notebook."""

    name: str
    title: str
    minutes: int
    difficulty: int
    points: int
    hints: tuple[str, ...]
    diagnoses: dict[str, str]


@dataclass(frozen=True)
class Option:
    """One option of a quiz question and why it is right or wrong."""

    text: str
    correct: bool
    why: str


@dataclass(frozen=True)
class Quiz:
    """One multiple-choice question."""

    name: str
    question: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course."""

    number: str
    slug: str
    title: str
    minutes: int
    needs: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    quizzes: tuple[Quiz, ...]

    @property
    def name(self) -> str:
        """The notebook's file name without its ending: "02_input_embedding"."""
        return f"{self.number}_{self.slug}"

    @property
    def points(self) -> int:
        """The points of all its exercises."""
        return sum(exercise.points for exercise in self.exercises)


@dataclass(frozen=True)
class Course:
    """All notebooks, in order."""

    version: str
    notebooks: tuple[Notebook, ...]

    def notebook(self, key: str) -> Notebook:
        """Find a notebook by number ("2", "02"), slug or name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        wanted = key.removesuffix(".ipynb").rsplit("/", 1)[-1]
        for notebook in self.notebooks:
            if wanted in (notebook.number, notebook.number.lstrip("0") or "0", notebook.slug, notebook.name):
                return notebook
        raise UnknownName(_unknown("notebook", key, [notebook.name for notebook in self.notebooks]))

    def exercise(self, name: str) -> tuple[Notebook, Exercise]:
        """Find an exercise by name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        for notebook in self.notebooks:
            for exercise in notebook.exercises:
                if exercise.name == name:
                    return notebook, exercise
        raise UnknownName(_unknown("exercise", name, self.exercise_names()))

    def quiz(self, name: str) -> tuple[Notebook, Quiz]:
        """Find a quiz question by name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        names = []
        for notebook in self.notebooks:
            for quiz in notebook.quizzes:
                names.append(quiz.name)
                if quiz.name == name:
                    return notebook, quiz
        raise UnknownName(_unknown("quiz", name, names))

    def exercise_names(self) -> list[str]:
        """The names of all exercises, in order."""
        return [exercise.name for notebook in self.notebooks for exercise in notebook.exercises]


def _unknown(what: str, key: str, known: Iterable[str]) -> str:
    return f"there is no {what} {key!r}; {nearest_hint(key, known)}"


def from_json(data: dict[str, Any]) -> Course:
    """Build a `Course` from the contents of course.json."""
    notebooks = []
    for entry in data["notebooks"]:
        exercises = tuple(
            Exercise(**{**item, "hints": tuple(item["hints"]), "diagnoses": dict(item["diagnoses"])})
            for item in entry["exercises"]
        )
        quizzes = tuple(
            Quiz(item["name"], item["question"], tuple(Option(**option) for option in item["options"]))
            for item in entry["quizzes"]
        )
        fields = {**entry, "needs": tuple(entry["needs"]), "exercises": exercises, "quizzes": quizzes}
        notebooks.append(Notebook(**fields))
    return Course(data["version"], tuple(notebooks))


@functools.cache
def load() -> Course:
    """Read course.json, which the build writes beside this module."""
    if not COURSE_FILE.exists():
        raise FileNotFoundError(f"{COURSE_FILE.name} is missing: run `make build` (or reinstall rl2lib)")
    return from_json(json.loads(COURSE_FILE.read_text(encoding="utf-8")))
