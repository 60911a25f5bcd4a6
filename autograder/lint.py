"""The course linter: refuses an exercise that a learner or a grader could not rely on, naming file and line."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from autograder.reference import answer_handle
from autograder.release import stub
from autograder.scaffold import UNFILLED, unfilled
from autograder.source import Exercise, Notebook, course_root, load_course, load_variants
from rl2lib.lab import refusals
from rl2lib.lab.checking import run_visible

MIN_HINTS, MIN_MUTANTS, MIN_ALTERNATIVES, MIN_QUIZZES = 2, 3, 1, 4


def lint(root: Path | None = None) -> list[str]:
    """Return one line for everything that is missing or wrong: path:line: what."""
    root = root or course_root()
    notebooks = load_course(root)
    names = [exercise.name for notebook in notebooks for exercise in notebook.exercises]
    problems = [f"{name}: two exercises share this name" for name in sorted({n for n in names if names.count(n) > 1})]
    for notebook in notebooks:
        problems.extend(_notebook(notebook, root))
    return problems


def _notebook(notebook: Notebook, root: Path) -> Iterator[str]:
    where = notebook.path.relative_to(root)
    if len(notebook.quizzes) < MIN_QUIZZES:
        yield f"{where}:1: {len(notebook.quizzes)} quiz questions, expected at least {MIN_QUIZZES}"
    variants = load_variants(notebook.number, root)
    mutants_file = f"autograder/mutants/nb{notebook.number}.py"
    known = {exercise.name for exercise in notebook.exercises}
    for variant in variants:
        if variant.exercise not in known:
            yield f"{mutants_file}:{variant.line}: {variant.name} is for {variant.exercise!r}, not in {where}"
    yield from unfilled(root, notebook)
    for exercise in notebook.exercises:
        line = f"{where}:{exercise.answer.line}: exercise {exercise.name}"
        own = [variant for variant in variants if variant.exercise == exercise.name]
        mutants = sum(not variant.correct for variant in own)
        if exercise.title == exercise.name:
            yield f"{line} has no heading like '## Exercise 2.1: ...' above it"
        if len(exercise.hints) < MIN_HINTS:
            yield f"{line} has {len(exercise.hints)} hints, expected at least {MIN_HINTS}"
        if mutants < MIN_MUTANTS:
            yield f"{line} has {mutants} mutants in {mutants_file}, expected at least {MIN_MUTANTS}"
        if len(own) - mutants < MIN_ALTERNATIVES:
            yield f"{line} has no alternative correct answer in {mutants_file}"
        if not 1 <= exercise.difficulty <= 5:
            yield f"{line} has difficulty {exercise.difficulty}, expected 1 to 5"
        yield from _checks(notebook, exercise, line)
        for other in sorted(_names(exercise.answer.source) & (known - {exercise.name})):
            yield f"{line} uses {other}, another exercise's answer; an answer relies on set-up names and rl2lib only"


def _checks(notebook: Notebook, exercise: Exercise, line: str) -> Iterator[str]:
    complete = True
    for kind, module in (("visible", "rl2lib.lab.checks"), ("hidden", "autograder.checks")):
        path = f"{module}.nb{notebook.number}"
        try:
            found = hasattr(importlib.import_module(path), exercise.name)
        except ModuleNotFoundError:
            found = False
        if not found:
            complete = False
            yield f"{line} has no {kind} check: expected {exercise.name} in {path}"
    if complete:
        yield from _unseen(notebook, exercise)
        outcome = run_visible(exercise.name, answer_handle(notebook, stub(exercise.answer), seconds=10.0))
        if outcome.status != "not_attempted":
            yield f"{line}: its stub should be 'not attempted', the check says {outcome.status}: {outcome.reason}"


def _unseen(notebook: Notebook, exercise: Exercise) -> Iterator[str]:
    """Every mutant is refused by the visible check, or says why it need not be: unseen="..."."""
    refused = refusals.load().get(exercise.name, {})
    mutants = (item for item in load_variants(notebook.number) if item.exercise == exercise.name and not item.correct)
    for mutant in mutants:
        if UNFILLED not in mutant.source and (mutant.name in refused) == bool(mutant.unseen):
            wrong = "is refused by it, and says why it is not" if mutant.unseen else "passes it, and does not say why"
            where = f"autograder/mutants/nb{notebook.number}.py:{mutant.line}"
            yield f'{where}: mutant {mutant.name} of {exercise.name}: visible check: {wrong} (unseen="...")'


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
