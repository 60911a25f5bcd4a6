"""source -> notebooks/, course.json, refusals.json, nbgrader's source/ and release/, byte for byte repeatable.

No notebook is executed. The visible checks run on the mutants of exercises of which something changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from autograder import refused
from autograder.release import nbgrader_source, student_release, to_text
from autograder.source import Notebook, course_root, load_course, load_variants
from rl2lib import __version__ as course_version
from rl2lib import codec
from rl2lib.files import write_if_changed
from rl2lib.lab import course

GENERATED = "rl2lib/lab/course.json"
COURSE_FOLDER = "course"


def build(root: Path | None = None) -> list[Path]:
    """Write every generated file below `root`; return those that changed."""
    root = root or course_root()
    changed = [path for path, text in generated_files(root).items() if write_if_changed(path, text)]
    return changed + refused.build(root)  # last: the visible checks look their exercises up in course.json


def stale_files(root: Path | None = None) -> list[Path]:
    """Return the committed generated files that differ from what a build would write."""
    root = root or course_root()
    ignored = root / COURSE_FOLDER
    stale = [
        path
        for path, text in generated_files(root).items()
        if ignored not in path.parents and (not path.exists() or path.read_text(encoding="utf-8") != text)
    ]
    known = set(generated_files(root))
    orphans = [path for path in sorted((root / "notebooks").glob("*.ipynb")) if path not in known]
    return stale + orphans + refused.stale(root)


def generated_files(root: Path) -> dict[Path, str]:
    """Return path -> text of everything that a build writes."""
    notebooks = load_course(root)
    files = {root / GENERATED: course_json(notebooks, root)}
    for notebook in notebooks:
        source = nbgrader_source(notebook)
        release = to_text(student_release(source))
        files[notebook.release] = release
        folder = root / COURSE_FOLDER
        files[folder / "source" / notebook.name / f"{notebook.name}.ipynb"] = to_text(source)
        files[folder / "release" / notebook.name / f"{notebook.name}.ipynb"] = release
    return files


# --------------------------------------------------------------------------------------- course.json


def course_json(notebooks: list[Notebook], root: Path) -> str:
    """Return the learner's side of the course: exercises, hints, diagnoses, quizzes; no answers."""
    entries = tuple(_notebook_entry(notebook, root) for notebook in notebooks)
    whole = codec.builtins(course.Course(course_version, entries))
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _notebook_entry(notebook: Notebook, root: Path) -> course.Notebook:
    diagnoses: dict[str, dict[str, str]] = {exercise.name: {} for exercise in notebook.exercises}
    for item in load_variants(notebook.number, root):
        if item.diagnosis and item.exercise in diagnoses:
            diagnoses[item.exercise][item.name] = item.diagnosis
    return course.Notebook(
        notebook.number,
        notebook.slug,
        notebook.title,
        notebook.minutes,
        tuple(notebook.needs),
        tuple(
            course.Exercise(
                name=item.name,
                title=item.title,
                minutes=item.minutes,
                difficulty=item.difficulty,
                points=item.points,
                hints=tuple(cell.source for cell in item.hints),
                diagnoses=diagnoses[item.name],
            )
            for item in notebook.exercises
        ),
        tuple(notebook.quizzes),
    )
