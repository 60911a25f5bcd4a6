"""The kill matrix: for each exercise the stub and the mutants must fail, the reference and the alternatives pass."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.hidden import diagnose, run_hidden
from autograder.preprocessors import stub
from autograder.reference import answer_handle
from autograder.source import Exercise, Notebook, load_variants
from rl2lib.lab.checking import Outcome, run_visible

SEED = 20161109


@dataclass(frozen=True)
class Line:
    """One row of the kill matrix.

    Args:
        kind: stub, reference, alternative or mutant.
        variant: the mutant's or alternative's name, "" for the others.
        visible, hidden: how the two checks ended.
        named: the misconception that the learner is told, None where none is.
    """

    exercise: str
    kind: str
    variant: str
    visible: Outcome
    hidden: Outcome
    named: str | None

    @property
    def as_it_should(self) -> bool:
        """Whether the answer got what it deserves."""
        if self.kind == "stub":
            return self.hidden.status == self.visible.status == "not_attempted"
        if self.kind == "mutant":
            return not self.hidden.passed and self.hidden.status != "not_attempted"
        return self.hidden.passed and self.visible.passed


def audit(notebook: Notebook, only: str | None = None, seed: int = SEED) -> list[Line]:
    """Return the kill matrix of a notebook, or of one of its exercises."""
    return [
        line
        for item in notebook.exercises
        if only in (None, item.name)
        for line in audit_exercise(notebook, item, seed)
    ]


def audit_exercise(notebook: Notebook, exercise: Exercise, seed: int) -> list[Line]:
    """Return the rows of one exercise."""
    candidates = [("stub", "", stub(exercise.answer)), ("reference", "", exercise.answer.source)]
    for variant in load_variants(notebook.number):
        if variant.exercise == exercise.name:
            candidates.append(("alternative" if variant.correct else "mutant", variant.name, variant.source))
    lines = []
    for kind, name, source in candidates:
        visible = run_visible(exercise.name, answer_handle(notebook, source, seconds=10.0))
        hidden = run_hidden(notebook, exercise.name, answer_handle(notebook, source, seconds=10.0), seed)
        named = visible.misconception or hidden.misconception
        if kind == "mutant" and named is None:
            named = diagnose(notebook, exercise.name, answer_handle(notebook, source, seconds=10.0), seed)
        lines.append(Line(exercise.name, kind, name, visible, hidden, named))
    return lines
