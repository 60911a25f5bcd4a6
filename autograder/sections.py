"""Where in the course something is explained: the section that a diagnosis names, else the exercise itself."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import quote

from autograder.source import load_course

HEADING = re.compile(r"^##+ +(?:(Exercise) +)?(\d+\.\d+)\b.*$", re.MULTILINE)
REFERENCE = re.compile(r"\b(section|exercise) (\d+\.\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """A place in a notebook.

    Args:
        notebook: the notebook's file name without its ending.
        heading: as it stands there, "2.1 Four columns" or "Exercise 2.3: embed a bandit's step".
    """

    notebook: str
    heading: str

    @property
    def words(self) -> str:
        """Say the place, for a reader on paper."""
        return f"“{self.heading}” in {self.notebook}.ipynb"

    @property
    def link(self) -> str:
        """Return the place relative to the notebooks' folder, with the anchor that JupyterLab gives a heading."""
        return f"{quote(self.notebook)}.ipynb#{quote(self.heading.replace(' ', '-'))}"


@dataclass(frozen=True)
class Contents:
    """All places of the course.

    Args:
        numbered: ("section" or "exercise", "2.1") -> place.
        exercises: an exercise's name -> its number and its place.
    """

    numbered: dict[tuple[str, str], Section]
    exercises: dict[str, tuple[str, Section]]


@functools.cache
def contents() -> Contents:
    """Read the headings of the course's source."""
    numbered: dict[tuple[str, str], Section] = {}
    exercises: dict[str, tuple[str, Section]] = {}
    for notebook in load_course():
        nearest = None
        for cell in notebook.cells:
            if cell.role == "exercise" and nearest:
                exercises[cell.name] = nearest
            elif cell.kind == "markdown" and cell.role == "":
                for match in HEADING.finditer(cell.source):
                    section = Section(notebook.name, match[0].lstrip("# ").strip())
                    numbered.setdefault(("exercise" if match[1] else "section", match[2]), section)
                    if match[1]:
                        nearest = (match[2], section)
    return Contents(numbered, exercises)


def exercise_number(name: str) -> str:
    """Return an exercise's number, "2.3"; "" where the course knows no such exercise."""
    return contents().exercises.get(name, ("", None))[0]


def where_to_read(exercise: str, diagnosis: str = "") -> Section | None:
    """Return the section that a diagnosis names, else the exercise's own; None where the course knows neither."""
    for kind, number in REFERENCE.findall(diagnosis):
        section = contents().numbered.get((kind.lower(), number))
        if section:
            return section
    return contents().exercises.get(exercise, ("", None))[1]
