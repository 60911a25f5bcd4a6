"""A class to try the grader on: the reference, the blank release, a half-done notebook, every mutant."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from autograder.release import to_text
from autograder.source import Notebook, load_release, load_variants
from rl2lib.files import write_if_changed


def filled(notebook: Notebook, answers: Mapping[str, str]) -> NotebookNode:
    """Return the student release with the given answer cells written in."""
    release = copy.deepcopy(load_release(notebook))
    for cell in release.cells:
        grading = cell.metadata.get("nbgrader", {})
        if grading.get("solution") and grading["grade_id"] in answers:
            cell.source = answers[grading["grade_id"]]
    return release


def reference_answers(notebook: Notebook) -> dict[str, str]:
    """Return exercise -> reference answer."""
    return {exercise.name: exercise.answer.source for exercise in notebook.exercises}


def sample_students(
    notebook: Notebook, rounds: int | None = None
) -> Iterator[tuple[str, NotebookNode, dict[str, bool]]]:
    """Yield (student, notebook, exercise -> should it pass) for a class that tries everything.

    One mistake costs one exercise, so a submission can carry a mutant of each: the class stays small and every
    mutant and alternative is in it.

    Args:
        notebook: whose class.
        rounds: how many such submissions of mutants and of alternatives; None for all.
    """
    right = reference_answers(notebook)
    yield "reference", filled(notebook, right), dict.fromkeys(right, True)
    yield "blank", filled(notebook, {}), dict.fromkeys(right, False)
    half = list(right)[: (len(right) + 1) // 2]
    yield "half-done", filled(notebook, {name: right[name] for name in half}), {name: name in half for name in right}
    for kind, correct in (("mutants", False), ("alternatives", True)):
        for number, answers in enumerate(_rounds(notebook, correct)[:rounds], 1):
            passes = {name: correct or name not in answers for name in right}
            yield f"{kind}-{number:02d}", filled(notebook, {**right, **answers}), passes


def _rounds(notebook: Notebook, correct: bool) -> list[dict[str, str]]:
    """Return the variants dealt out: the first of every exercise, then the second of every exercise, and so on."""
    rounds: list[dict[str, str]] = []
    for exercise in notebook.exercises:
        variants = [item for item in load_variants(notebook.number) if item.exercise == exercise.name]
        for number, variant in enumerate(item for item in variants if item.correct == correct):
            if number == len(rounds):
                rounds.append({})
            rounds[number][exercise.name] = variant.source
    return rounds


def write_submission(folder: Path, student: str, notebook: Notebook, content: NotebookNode | str) -> Path:
    """Lay a notebook where a submission lies: folder/<student>/<notebook>/<notebook>.ipynb."""
    path = folder / student / notebook.name / f"{notebook.name}.ipynb"
    write_if_changed(path, content if isinstance(content, str) else to_text(content))
    return path
