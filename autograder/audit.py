"""The kill matrix, and how steady it is: the evidence in results/audit.json and audit.md that the checks are good.

For each exercise the stub and the mutants must fail, the reference and the alternatives pass, whatever the hidden
check's seed, in this process and through a box. The visible check refuses each mutant too, or the mutant says why not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.box.handle import BoxHandle
from autograder.grade import CALL_SECONDS, SETUP_SECONDS, course_sandbox
from autograder.hidden import diagnose, run_hidden
from autograder.reference import answer_handle
from autograder.release import stub
from autograder.source import Exercise, Notebook, load_variants
from rl2lib.files import write_whole
from rl2lib.lab.checking import Outcome, run_visible

SEED = 20161109
RECORD = Path("results") / "audit.json"


@dataclass(frozen=True)
class Line:
    """One row of the kill matrix.

    Args:
        kind: stub, reference, alternative or mutant.
        variant: the mutant's or alternative's name, "" for the others.
        visible, hidden: how the two checks ended.
        named: the mutant that the learner is told of, None where none is.
        unseen: of a mutant that the visible check lets pass, why it may.
    """

    exercise: str
    kind: str
    variant: str
    visible: Outcome
    hidden: Outcome
    named: str | None
    unseen: str = ""

    @property
    def as_it_should(self) -> bool:
        """Whether the answer got what it deserves."""
        if self.kind == "stub":
            return self.hidden.status == self.visible.status == "not_attempted"
        if self.kind == "mutant":
            told_why = self.visible.passed == bool(self.unseen)
            return not self.hidden.passed and self.hidden.status != "not_attempted" and told_why
        return self.hidden.passed and self.visible.passed

    def as_row(self) -> dict[str, Any]:
        """Return what the record keeps of it."""
        expected = {"stub": "not_attempted", "mutant": "failed"}.get(self.kind, "passed")
        return {
            "exercise": self.exercise,
            "answer": f"{self.kind} {self.variant}".strip(),
            "expected": expected,
            "visible": self.visible.status,
            "hidden": self.hidden.status,
            "named": self.named,
        }


def audit_exercise(notebook: Notebook, exercise: Exercise, seed: int) -> list[Line]:
    """Return the rows of one exercise."""
    lines = []
    for kind, name, source, unseen in _candidates(notebook, exercise):
        visible = run_visible(exercise.name, answer_handle(notebook, source, seconds=10.0))
        hidden = run_hidden(notebook, exercise.name, answer_handle(notebook, source, seconds=10.0), seed)
        named = visible.mutant
        if kind == "mutant" and named is None:
            named = diagnose(notebook, exercise.name, hidden, seed)
        lines.append(Line(exercise.name, kind, name, visible, hidden, named, unseen))
    return lines


def _candidates(notebook: Notebook, exercise: Exercise) -> list[tuple[str, str, str, str]]:
    found = [("stub", "", stub(exercise.answer), ""), ("reference", "", exercise.answer.source, "")]
    for variant in load_variants(notebook.number):
        if variant.exercise == exercise.name:
            kind = "alternative" if variant.correct else "mutant"
            found.append((kind, variant.name, variant.source, variant.unseen))
    return found


# --------------------------------------------------------------------------------------- the same, many times

BOX_SEEDS = 20


def regrade(notebook: Notebook, exercise: Exercise, seeds: int) -> dict[str, Any]:
    """Grade the same answers with many seeds and count what should not have happened.

    Args:
        notebook: whose exercise it is.
        exercise: the exercise.
        seeds: for the reference; its alternatives and mutants get a tenth, and a box sees `BOX_SEEDS` of them.

    Returns:
        for each kind of answer how often it was graded and how often wrongly.
    """
    counts = {kind: {"graded": 0, "wrongly": 0} for kind in ("reference", "alternative", "mutant", "through a box")}

    def count(kind: str, wrongly: bool) -> None:
        counts[kind]["graded"] += 1
        counts[kind]["wrongly"] += wrongly

    for kind, _, source, _ in _candidates(notebook, exercise):
        if kind != "stub":
            for seed in range(seeds if kind == "reference" else seeds // 10):
                handle = answer_handle(notebook, source, seconds=10.0)  # a handle keeps every object that it gave away
                count(kind, run_hidden(notebook, exercise.name, handle, seed).passed == (kind == "mutant"))
    with BoxHandle(course_sandbox(True), CALL_SECONDS) as box:
        for cell in notebook.setup():
            box.run(cell.source, "<set-up>", SETUP_SECONDS)
        box.run(exercise.answer.source, "<answer>")
        for seed in range(min(seeds, BOX_SEEDS)):
            count("through a box", not run_hidden(notebook, exercise.name, box, seed).passed)
    return counts


# --------------------------------------------------------------------------------------- the record


def read_record(root: Path) -> dict[str, Any]:
    """Return what is recorded: "rows" and "regraded", both by exercise."""
    path = root / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": {}, "regraded": {}}


def write_record(root: Path, record: Mapping[str, Any], exercises: Iterable[str]) -> None:
    """Write results/audit.json and the page that shows it, in the course's order."""
    ordered = {part: {name: record[part][name] for name in exercises if name in record[part]} for part in record}
    write_whole(root / RECORD, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    write_whole((root / RECORD).with_suffix(".md"), _page(ordered))


def _page(record: Mapping[str, Any]) -> str:
    lines = [
        "# The checks, checked",
        "",
        "Written by `autograder audit --write`. Stubs and mutants must fail, references and alternatives pass; a",
        "mutant should be named. Below the matrix: the same answers graded with many seeds, and how often that went",
        "wrong.",
        "",
        "| exercise | answer | expected | visible check | hidden check | named |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in record["rows"].items():
        for row in rows:
            told = (row["answer"], row["expected"], row["visible"], row["hidden"], row["named"] or "")
            lines.append(f"| {name} | {' | '.join(told)} |")
    kinds = ("reference", "alternative", "mutant", "through a box")
    lines += ["", f"| graded again (wrongly) | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
    for name, counts in record["regraded"].items():
        cells = [f"{counts[kind]['graded']} ({counts[kind]['wrongly']})" for kind in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
