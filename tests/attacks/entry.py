"""What an attack is, how its submission is made, and how several share one submission."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.samples import filled, reference_answers
from autograder.source import Notebook, load_course
from nbformat import NotebookNode

COURSE = {notebook.number: notebook for notebook in load_course()}
PACK = 5  # attacks that share a submission; the other exercises of notebook 01 carry right answers
WRONG = "\ndef NAME(*args, **kwargs):\n    return 17.25\n"
NAME = "NAME"  # stands for the exercise's name in an answer that would attack any exercise


@dataclass(frozen=True)
class Attack:
    """One submission, or one answer of a submission, and what it should come to.

    Args:
        name: short, unique.
        tries: what it tries, in a few words.
        status: how the attacked exercise should end; several where each is right.
        answer: the attacked exercise's cell, with NAME for the exercise's name; None to leave the right answer.
        on: the attacked exercise; "" for any, or, where `answer` is None, for every exercise.
        notebook: the number of the notebook that is handed in.
        cell: a cell that the learner added before everything else.
        surgery: changes the notebook as a whole.
        raw: the file's bytes, from the notebook's text.
        place: lays the file itself, or something in its stead.
        others: how all other exercises should end; they carry right answers.
        says: what one of the reasons must say.
        flag: what one of the instructor's flags must say.
        seconds: limit of one call.
        stock: may it be tried on stock nbgrader, inside a jail.
        then_wrong: a wrong answer follows in the same cell.
    """

    name: str
    tries: str
    status: str | tuple[str, ...] = "failed"
    answer: str | None = None
    on: str = ""
    notebook: str = "01"
    cell: str = ""
    surgery: Callable[[NotebookNode], object] | None = None
    raw: Callable[[str], bytes] | None = None
    place: Callable[[Path, str], object] | None = None
    others: str | tuple[str, ...] = "passed"
    says: str = ""
    flag: str = ""
    seconds: float = 10.0
    stock: bool = True
    then_wrong: bool = False

    def __post_init__(self) -> None:
        if self.answer is not None:
            source = textwrap.dedent(self.answer).strip("\n").rstrip(" ") + (WRONG if self.then_wrong else "")
            object.__setattr__(self, "answer", source)

    @property
    def shares(self) -> bool:
        """Whether it is nothing but an answer to some exercise, so that others fit beside it."""
        alone = self.on or self.cell or self.surgery or self.raw or self.place or self.flag
        return self.answer is not None and not alone and self.notebook == "01" and self.others == "passed"


@dataclass(frozen=True)
class Handed:
    """One submission: which attacks are in it, and exercise -> statuses that are right."""

    attacks: tuple[Attack, ...]
    notebook: Notebook
    expected: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The names of its attacks."""
        return "+".join(attack.name for attack in self.attacks)

    @property
    def seconds(self) -> float:
        """The limit of one call."""
        return min(attack.seconds for attack in self.attacks)

    def write(self, folder: Path, student: str = "eve", slim: bool = False) -> Path:
        """Lay it where a submission lies, and return its path; `slim` leaves out cells that nbgrader does not know."""
        first, path = self.attacks[0], folder / student / self.notebook.name / f"{self.notebook.name}.ipynb"
        content = filled(self.notebook, self.answers)
        if slim:
            content.cells = [cell for cell in content.cells if "nbgrader" in cell.metadata]
        if first.cell:
            content.cells.insert(0, added_cell(first.cell))
        if first.surgery:
            first.surgery(content)
        text = json.dumps(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        if first.place:
            first.place(path, text)
        else:
            path.write_bytes(first.raw(text) if first.raw else text.encode())
        return path


def added_cell(source: str) -> NotebookNode:
    """Return a code cell as an editor adds it."""
    return NotebookNode(
        cell_type="code", id="added-by-me", metadata={}, source=source, outputs=[], execution_count=None
    )


def handed(attack: Attack, name: str = "") -> Handed:
    """Return an attack's own submission; `name` is the attacked exercise where it does not say."""
    notebook = COURSE[attack.notebook]
    answers = reference_answers(notebook)
    name = attack.on or name or next(iter(answers))
    expected = dict.fromkeys(answers, statuses(attack.others))
    if attack.answer is None and not attack.on:
        expected = dict.fromkeys(answers, statuses(attack.status))
    else:
        expected[name] = statuses(attack.status)
    if attack.answer is not None:
        answers[name] = attack.answer.replace(NAME, name)
    return Handed((attack,), notebook, expected, answers)


def packed(attacks: Iterable[Attack]) -> Iterator[Handed]:
    """Put attacks that are nothing but answers together, each on an exercise of its own; the rest stay alone."""
    waiting: list[Attack] = []
    for attack in attacks:
        if not attack.shares:
            yield handed(attack)
            continue
        waiting.append(attack)
        if len(waiting) == PACK:
            yield _together(waiting)
            waiting = []
    if waiting:
        yield _together(waiting)


def _together(attacks: list[Attack]) -> Handed:
    notebook = COURSE["01"]
    answers, expected = reference_answers(notebook), {}
    names = [name for name in answers if name != "bayes_optimal_value"]  # the dearest to grade stays right
    for name, attack in zip(names[1:], attacks, strict=False):
        answers[name], expected[name] = (attack.answer or "").replace(NAME, name), statuses(attack.status)
    return Handed(tuple(attacks), notebook, {**dict.fromkeys(answers, ("passed",)), **expected}, answers)


def statuses(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return one status or several as several."""
    return (given,) if isinstance(given, str) else given


def on(attack: Attack, **changes: object) -> Attack:
    """Return the attack with some fields changed."""
    return replace(attack, **changes)  # type: ignore[arg-type]
