"""A realistic class's results.jsonl, made from the real course: abilities, difficulties, real diagnoses, a few mishaps.

    python tests/autograder/synthetic_class.py OUT [NUM_STUDENTS]

writes OUT/results.jsonl and OUT/feedback/, to look at a report by eye.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from autograder.result import SCHEMA_VERSION
from rl2lib.lab import course

FIRST = "Ada Bao Chidi Dalia Emre Farah Giulia Hana Ines Jonas Kwame Linh Maya Noor Olga Priya Quentin Rosa Søren Tomás"
LAST = "Okafor Nguyen Müller Haddad Rossi Kowalska Tanaka Silva Ivanova Andersson Mensah Yılmaz García Dubois O'Brien"
SANDBOX = "bubblewrap (namespaces, no network), seccomp, rlimits"
UNGRADED = (
    "{notebook}.ipynb: not a notebook (its JSON is broken: Expecting value: line 1 column 1 (char 0))",
    "no file {notebook}.ipynb was submitted",
    "{notebook}.ipynb: 31457280 bytes, expected at most 20000000; clear its outputs",
)
MISHAPS = {
    "error": "{name}(...): your code raised IndexError: index 5 is out of bounds for dimension 1 with size 5"
    " at rewards[t] An index is larger than what it indexes: which argument says how many there are?",
    "timeout": "no answer within 10 s. A correct answer takes far less: look for a loop whose condition never becomes"
    " false.",
    "memory": "more than 2 GB were asked for",
    "crashed": "the process ended with signal 11",
}


def synthetic_class(num_students: int = 300, seed: int = 6) -> list[dict[str, Any]]:
    """Return one result a submission, as results.jsonl keeps it; the same for the same seed."""
    rng = np.random.default_rng(seed)
    notebooks = course.load().notebooks
    difficulty = {item.name: rng.normal(item.difficulty - 3, 0.5) for nb in notebooks for item in nb.exercises}
    results = []
    for number in range(num_students):
        name = f"{rng.choice(FIRST.split())} {rng.choice(LAST.split())} {number:03d}"
        ability, leaves_after = rng.normal(1.1, 1.2), len(notebooks) if rng.random() < 0.8 else rng.integers(2, 8)
        for place, notebook in enumerate(notebooks[: int(leaves_after)]):
            if rng.random() < 0.03:
                continue
            first = _result(rng, name, notebook, ability - 0.15 * place, difficulty)
            results.append(first)
            if rng.random() < 0.01:
                results.append(_result(rng, name, notebook, ability + 1.0, difficulty))
    return results


def _result(rng: Any, student: str, notebook: course.Notebook, ability: float, difficulty: dict[str, float]) -> dict:
    unreadable = rng.random() < 0.015
    reason = str(rng.choice(UNGRADED)).format(notebook=notebook.name)
    exercises = []
    for item in notebook.exercises:
        entry = {"name": item.name, "points": 0.0, "max_points": float(item.points), "status": "ungradable"}
        entry |= {"reason": reason, "misconception": None, "diagnosis": ""}
        if not unreadable:
            entry |= _outcome(rng, item, ability - difficulty[item.name])
        exercises.append(entry)
    flags = []
    if rng.random() < 0.02:
        flags.append(f"{notebook.exercises[0].name}-check: locked cell edited")
    if rng.random() < 0.005:
        flags.append("setup: cell deleted")
    return {
        "student": student,
        "notebook": notebook.name,
        "course_version": "0.1.0",
        "submission_sha256": "" if unreadable else bytes(rng.bytes(32)).hex(),
        "grader_version": "0.1.0",
        "seed": int(rng.integers(2**62)),
        "exercises": exercises,
        "flags": flags,
        "isolation": SANDBOX,
        "schema_version": SCHEMA_VERSION,
    }


def _outcome(rng: Any, item: course.Exercise, lead: float) -> dict[str, Any]:
    """Draw how an exercise ends for somebody whose ability is `lead` above its difficulty."""
    if rng.random() < 1 / (1 + np.exp(-1.5 * lead)):
        return {"status": "passed", "reason": "", "points": float(item.points)}
    kind = rng.choice(
        ["failed", "not_attempted", "error", "timeout", "memory", "crashed"], p=[0.62, 0.2, 0.12, 0.04, 0.01, 0.01]
    )
    if kind == "not_attempted":
        return {"status": "not_attempted", "reason": f"{item.name}: write your answer here"}
    if kind != "failed":
        return {"status": str(kind), "reason": MISHAPS[str(kind)].format(name=item.name)}
    names = list(item.diagnoses)
    likely = 1.0 / np.arange(1, len(names) + 2)
    chosen = rng.choice(len(names) + 1, p=likely / likely.sum())
    what = f"{item.name}(...): expected [[0., 1., 0.], [1., 0., 0.5]], got [[0., 0., 1.], [1., 1., 0.5]]."
    if chosen == len(names):
        return {"status": "failed", "reason": what}
    diagnosis = item.diagnoses[names[chosen]]
    told = f"{what} {diagnosis}"
    return {"status": "failed", "reason": told, "misconception": names[chosen], "diagnosis": diagnosis}


def write_class(results: list[dict[str, Any]], out: Path) -> None:
    """Write OUT/results.jsonl."""
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(result, ensure_ascii=False) for result in results]
    (out / "results.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    from autograder.class_report.reading import read_results
    from autograder.feedback import feedback_html, feedback_markdown
    from rl2lib.files import write_whole

    out = Path(sys.argv[1])
    write_class(synthetic_class(int(sys.argv[2]) if len(sys.argv) > 2 else 300), out)
    for result in read_results(out).results:
        place = out / "feedback" / result.student / result.notebook
        write_whole(place.with_suffix(".html"), feedback_html(result))
        write_whole(place.with_suffix(".md"), feedback_markdown(result))


if __name__ == "__main__":
    main()
