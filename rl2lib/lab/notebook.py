"""The functions a notebook imports. Each prints or displays; none raises for a wrong answer."""

from __future__ import annotations

import json
import sys
from typing import Any

from rl2lib.lab import checking, course, messages, places
from rl2lib.lab.handle import LocalHandle
from rl2lib.lab.store import Store


def check(name: str) -> None:
    """Check your answer to exercise `name` and say what is right, or what is wrong and why."""
    try:
        course.load().exercise(name)
    except course.UnknownName as error:
        print(f"check: {error}")
        return
    handle = LocalHandle(learner_namespace(), seconds=checking.SECONDS)
    outcome = checking.run_visible(name, handle)
    if places.recording():
        _keep(lambda store: store.record_attempt(name, outcome.status, outcome.mutant))
    _display("text/html", messages.outcome_html(outcome), messages.outcome_text(outcome))


def hint(name: str) -> None:
    """Show the next hint for exercise `name`; call again for the one after it."""
    try:
        _, exercise = course.load().exercise(name)
    except course.UnknownName as error:
        print(f"hint: {error}")
        return
    total = len(exercise.hints)
    index = _keep(lambda store: store.next_hint(name, total)) if places.recording() else 0
    text = f"Hint {(index or 0) + 1} of {total} for {name}: {exercise.hints[index or 0]}"
    _display_markdown(text)


def solution(name: str) -> None:
    """Show the reference answer to exercise `name`, once your own has passed."""
    try:
        notebook, _ = course.load().exercise(name)
    except course.UnknownName as error:
        print(f"solution: {error}")
        return
    if name not in Store().passed():
        print(f'solution: {name} has not passed yet. Run check("{name}") first; hint("{name}") helps on the way.')
        return
    source = f"solutions/{notebook.name}.py in the course's repository"
    folder = places.solutions()
    executed = folder / f"{notebook.name}.ipynb" if folder else None
    if executed is None or not executed.exists():
        print(f"solution: the reference answers are not installed here; read {source}.")
        return
    for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            _display_markdown(
                f"The reference answer to {name}, from {source}:\n\n```python\n{''.join(cell['source'])}\n```"
            )


def progress() -> None:
    """Show what has passed so far, and what comes next."""
    store = Store()
    print(messages.progress_text(course.load(), store.passed(), store.answered()))


def submit(number: str) -> None:
    """Lay your copy of notebook `number` where the instructor collects it. Save the notebook first."""
    from rl2lib.lab import workbook

    try:
        print(workbook.submit(number))
    except (course.UnknownName, workbook.WorkbookError) as error:
        print(f"submit: {error}")


def quiz(name: str) -> None:
    """Ask the quiz question `name`; the question itself stands in the cell above."""
    from rl2lib.lab.quizzes import show_quiz

    try:
        show_quiz(name)
    except course.UnknownName as error:
        print(f"quiz: {error}")


def learner_namespace() -> dict[str, Any]:
    """Return the names of the running kernel, or of the program where there is none."""
    try:
        from IPython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    return shell.user_ns if shell is not None else vars(sys.modules["__main__"])


def _keep(action: Any) -> Any:
    """Do something with the store; a folder that cannot be written costs the progress, not the message."""
    import sqlite3

    try:
        return action(Store())
    except (OSError, sqlite3.Error) as error:
        print(f"(progress could not be saved: {error}; `rl2 doctor` looks into it)")
        return None


def _display(kind: str, markup: str, text: str) -> None:
    """Show the markup where there is a notebook, the text where there is none."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display({kind: markup, "text/plain": text}, raw=True)
    else:
        print(text)


def _display_markdown(text: str) -> None:
    _display("text/markdown", text, text)
