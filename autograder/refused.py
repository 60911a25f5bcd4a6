"""What each visible check refuses of each mutant: refusals.json, by which a learner's mistake is recognised.

An exercise's entry is made anew when something that it was made from has changed. That is told by a digest, so
`build --check` runs nothing; that what is kept still comes out is for tests/autograder/test_audit.py.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from autograder.reference import answer_handle
from autograder.source import Exercise, Notebook, Variant, load_course, load_variants
from rl2lib.files import write_whole
from rl2lib.lab import course
from rl2lib.lab.checking import refuse
from rl2lib.lab.refusals import Entry, Refusal, read

GENERATED = "rl2lib/lab/refusals.json"
LAB = "rl2lib/lab"


def build(root: Path) -> list[Path]:
    """Make the entries that have to be made anew; return the file if it changed."""
    path, entries = root / GENERATED, {}
    kept = read(path)
    for notebook, exercise, mutants in _mutants(root):
        digest, entry = _digest(root, notebook, mutants), kept.get(exercise.name)
        if entry is None or entry.digest != digest:
            entry = Entry(digest, refusals(notebook, mutants))
        entries[exercise.name] = entry
    if entries == kept:
        return []
    write_whole(path, _text(entries))
    return [path]


def stale(root: Path) -> list[Path]:
    """Return the file if an entry is missing, too many, or made from something else."""
    wanted = {exercise.name: _digest(root, notebook, mutants) for notebook, exercise, mutants in _mutants(root)}
    found = {name: entry.digest for name, entry in read(root / GENERATED).items()}
    return [] if wanted == found else [root / GENERATED]


def refusals(notebook: Notebook, mutants: list[Variant]) -> dict[str, Refusal]:
    """Return by mutant where its visible check stops, and at what."""
    course.load.cache_clear()  # a build may just have written another course
    found = {mutant.name: refusal_of(notebook, mutant) for mutant in mutants}
    return {name: refusal for name, refusal in found.items() if refusal is not None}


def refusal_of(notebook: Notebook, mutant: Variant) -> Refusal | None:
    """Return where the visible check stops at a mutant, and at what; None where it does not."""
    import torch

    torch.manual_seed(0)  # some mutants draw from the global streams
    np.random.seed(0)
    return refuse(mutant.exercise, answer_handle(notebook, mutant.source, seconds=10.0)).refusal


# --------------------------------------------------------------------------------------- inside


def _mutants(root: Path) -> list[tuple[Notebook, Exercise, list[Variant]]]:
    """Return every exercise that has a visible check, with its mutants."""
    found = []
    for notebook in load_course(root):
        if (root / LAB / "checks" / f"nb{notebook.number}.py").exists():
            variants = [item for item in load_variants(notebook.number, root) if not item.correct]
            for exercise in notebook.exercises:
                found.append((notebook, exercise, [item for item in variants if item.exercise == exercise.name]))
    return found


def _digest(root: Path, notebook: Notebook, mutants: list[Variant]) -> str:
    """Name what an entry is made from: mutants, set-up cells, the notebook's checks and what all checks share."""
    own = f"nb{notebook.number}"
    shared = [
        path for path in sorted((root / LAB / "checks").glob("*.py")) if path.stem[:4] == own or path.stem[:2] != "nb"
    ]
    shared += [root / LAB / name for name in ("refusals.py", "report.py", "checking.py")]
    parts = [cell.source for cell in notebook.setup()]
    parts += [f"{mutant.name}\n{mutant.source}" for mutant in mutants]
    parts += [path.read_text(encoding="utf-8") for path in shared]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _text(entries: dict[str, Entry]) -> str:
    """Write one line a mutant."""
    parts = []
    for name, entry in entries.items():
        rows = [
            f"  {json.dumps(mutant)}: {json.dumps([refusal.what, refusal.seen], ensure_ascii=False)}"
            for mutant, refusal in entry.mutants.items()
        ]
        body = ",\n".join(rows)
        parts.append(f' {json.dumps(name)}: {{"digest": "{entry.digest}", "mutants": {{\n{body}\n }}}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
