"""Quiz questions as ipywidgets: one button an option, the explanation below."""

from __future__ import annotations

import html
from typing import Any

from rl2lib.lab import course, places
from rl2lib.lab.course import Quiz
from rl2lib.lab.messages import quiz_html, verdict
from rl2lib.lab.store import Store


def show_quiz(name: str) -> None:
    """Display the buttons of a question; without a kernel the answers stay readable, folded away.

    Raises:
        UnknownName: there is no such question.
    """
    from IPython.display import display

    notebook, quiz = course.load().quiz(name)
    bundle = _widget(quiz)._repr_mimebundle_()
    display({**bundle, "text/html": quiz_html(notebook, name), "text/plain": "Answers: see above."}, raw=True)


def explain(quiz: Quiz, choice: int) -> str:
    """Return the explanation of an option as HTML."""
    option = quiz.options[choice]
    return f"<b>{verdict(option)}</b> {html.escape(option.why)}"


def _widget(quiz: Quiz) -> Any:
    import ipywidgets as widgets

    words = widgets.HTML()
    buttons = []

    def chooser(index: int) -> Any:
        def chosen(_: Any) -> None:
            words.value = explain(quiz, index)
            if places.recording():
                Store().record_answer(quiz.name, index, quiz.options[index].correct)

        return chosen

    for index, option in enumerate(quiz.options):
        letter = chr(ord("A") + index)
        button = widgets.Button(description=letter, tooltip=option.text, layout=widgets.Layout(width="3em"))
        button.on_click(chooser(index))
        buttons.append(button)
    return widgets.VBox([widgets.HBox(buttons), words])
