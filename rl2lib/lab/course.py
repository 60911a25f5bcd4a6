"""The course as the learner's side knows it: exercises, hints, quizzes, minutes. No answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct

from rl2lib import codec
from rl2lib.tasks.by_id import nearest_hint

COURSE_FILE = Path(__file__).with_name("course.json")

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_]{1,100}\Z")]
Number = Annotated[str, Meta(pattern=r"\A[0-9]{2}\Z")]
Count = Annotated[int, Meta(ge=0)]
Found = TypeVar("Found")


class UnknownName(LookupError):
    """A notebook, exercise or quiz that does not exist; the message suggests the nearest that does."""

    def __str__(self) -> str:
        return str(self.args[0])


class Exercise(Struct, frozen=True, forbid_unknown_fields=True):
    """One exercise: what the learner is told of it outside the notebook."""

    name: Name
    title: str
    minutes: Count
    difficulty: Annotated[int, Meta(ge=1, le=5)]
    points: Count
    hints: tuple[str, ...]
    diagnoses: dict[Name, str]


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One option of a quiz question and why it is right or wrong."""

    text: str
    correct: bool
    why: str


class Quiz(Struct, frozen=True, forbid_unknown_fields=True):
    """One multiple-choice question."""

    name: Name
    question: str
    options: Annotated[tuple[Option, ...], Meta(min_length=2)]


class Notebook(Struct, frozen=True, forbid_unknown_fields=True):
    """One notebook of the course."""

    number: Number
    slug: Name
    title: str
    minutes: Count
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


class Course(Struct, frozen=True, forbid_unknown_fields=True):
    """All notebooks, in order."""

    version: str
    notebooks: tuple[Notebook, ...]

    def notebook(self, key: str) -> Notebook:
        """Find a notebook by number ("2", "02"), slug or name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        return find_notebook(key, self.notebooks)

    def exercise(self, name: str) -> tuple[Notebook, Exercise]:
        """Find an exercise by name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        return _named("exercise", name, {item.name: (book, item) for book in self.notebooks for item in book.exercises})

    def quiz(self, name: str) -> tuple[Notebook, Quiz]:
        """Find a quiz question by name.

        Raises:
            UnknownName: there is none; the message names the nearest.
        """
        return _named("quiz", name, {item.name: (book, item) for book in self.notebooks for item in book.quizzes})


def find_notebook(key: str, notebooks: Sequence[Any]) -> Any:
    """Find a notebook, as learners know it or as its source has it, by number ("2", "02"), slug or name.

    Raises:
        UnknownName: there is none; the message names the nearest.
    """
    wanted = key.removesuffix(".ipynb").rsplit("/", 1)[-1]
    for notebook in notebooks:
        if wanted in (notebook.number, notebook.number.lstrip("0") or "0", notebook.slug, notebook.name):
            return notebook
    return _named("notebook", key, {notebook.name: notebook for notebook in notebooks})


def _named(what: str, key: str, known: Mapping[str, Found]) -> Found:
    if key not in known:
        raise UnknownName(f"there is no {what} {key!r}; {nearest_hint(key, known)}")
    return known[key]


@functools.cache
def load() -> Course:
    """Read course.json, which the build writes beside this module."""
    if not COURSE_FILE.exists():
        raise FileNotFoundError(f"{COURSE_FILE.name} is missing: run `make build` (or reinstall rl2lib)")
    return codec.decode(COURSE_FILE.read_bytes(), Course, COURSE_FILE.name)
