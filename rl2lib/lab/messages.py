"""How outcomes, hints and progress look: in a notebook (HTML with plain text beside it) and in a terminal."""

from __future__ import annotations

import html

from rl2lib.lab.checking import Outcome
from rl2lib.lab.course import Course, Notebook, Option

HEADINGS = {
    "passed": "passed",
    "failed": "not yet",
    "not_attempted": "not attempted yet",
    "error": "your code raised an exception",
    "timeout": "ran too long",
    "crashed": "the process ended",
    "memory": "ran out of memory",
    "tampered": "broke the protocol",
    "ungradable": "could not be checked",
}
VALUES = ("looked at", "expected", "got")
MONOSPACE = "font-family:monospace"
MARKS = {"passed": "✓", "not_attempted": "○"}


def outcome_text(outcome: Outcome) -> str:
    """Say an outcome in plain text, a few lines."""
    lines = [f"{MARKS.get(outcome.status, '✗')} {outcome.exercise}: {HEADINGS[outcome.status]}"]
    for label, text in _parts(outcome):
        text = text.replace("\n", "\n" + " " * 16)
        lines.append(f"  {label + ':':<14}{text}" if label else f"  {text}")
    return "\n".join(lines)


def outcome_html(outcome: Outcome) -> str:
    """Say an outcome in HTML; every piece of learner text is escaped."""
    colour = {"passed": "#009E73", "not_attempted": "#777777"}.get(outcome.status, "#D55E00")
    rows = "".join(
        f'<div style="display:flex;gap:1em;margin:2px 0"><div style="flex:0 0 7em">{label}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere;{MONOSPACE if label in VALUES else ""}">'
        f"{html.escape(text)}</div></div>"
        for label, text in _parts(outcome)
    )
    mark = MARKS.get(outcome.status, "✗")
    heading = f"{mark} <code>{html.escape(outcome.exercise)}</code>: {HEADINGS[outcome.status]}"
    return (
        f'<div style="border-left:4px solid {colour};padding:4px 12px;margin:4px 0">'
        f"<div><b>{heading}</b></div>{rows}</div>"
    )


def _parts(outcome: Outcome) -> list[tuple[str, str]]:
    parts = [
        ("looked at", outcome.what),
        ("expected", outcome.expected),
        ("got" if outcome.expected else "", outcome.got),
    ]
    parts.append(("likely cause", outcome.cause))
    parts.extend(("holds", note) for note in outcome.notes if outcome.status in ("passed", "failed"))
    if outcome.status in ("failed", "error", "timeout"):
        parts.append(("next", f'hint("{outcome.exercise}") says more'))
    if outcome.passed:
        parts.append(("next", f'solution("{outcome.exercise}") shows the reference answer'))
    return [(label, text) for label, text in parts if text]


def progress_text(course: Course, passed: set[str], answered: set[str]) -> str:
    """Return one row a notebook: exercises and quiz questions done, minutes left, what comes next."""
    lines = [f"{'notebook':<24}{'exercises':>10}{'quiz':>7}{'min left':>10}   next"]
    for notebook in course.notebooks:
        todo = [exercise for exercise in notebook.exercises if exercise.name not in passed]
        unasked = [quiz.name for quiz in notebook.quizzes if quiz.name not in answered]
        waiting = [exercise.name for exercise in todo] + [f'quiz("{name}")' for name in unasked]
        exercises = f"{len(notebook.exercises) - len(todo)}/{len(notebook.exercises)}"
        quizzes = f"{len(notebook.quizzes) - len(unasked)}/{len(notebook.quizzes)}"
        minutes = sum(exercise.minutes for exercise in todo)
        lines.append(f"{notebook.name:<24}{exercises:>10}{quizzes:>7}{minutes:>10}   {[*waiting, 'done'][0]}")
    return "\n".join(lines)


def verdict(option: Option) -> str:
    """Say whether an option is right."""
    return "Right." if option.correct else "Not quite."


def quiz_html(notebook: Notebook, name: str) -> str:
    """A quiz question's options with their explanations, folded away, for reading without a kernel."""
    quiz = next(item for item in notebook.quizzes if item.name == name)
    items = "".join(
        f"<li><b>{verdict(option)}</b> {html.escape(option.text)} {html.escape(option.why)}</li>"
        for option in quiz.options
    )
    return f'<details><summary>Answers</summary><ol type="A">{items}</ol></details>'
