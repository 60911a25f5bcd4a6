"""What a notebook imports: check, hint, solution, quiz, progress, and the explorables' common part."""

import pytest

import rl2lib.lab as lab
from rl2lib.lab import course, quizzes
from rl2lib.lab.explorables.base import Button, Choice, Explorable, Slider, Toggle
from rl2lib.lab.store import Store

NAME = "mean_trial_return"


@pytest.fixture
def kernel(monkeypatch):
    """The names that the learner's kernel would hold."""
    names: dict[str, object] = {}
    monkeypatch.setattr("rl2lib.lab.notebook.learner_namespace", lambda: names)
    return names


def test_check_prints_the_outcome_and_keeps_it(work, kernel, capsys):
    lab.check(NAME)
    assert "nothing is called mean_trial_return yet" in capsys.readouterr().out
    kernel[NAME] = lambda rewards: float(rewards.sum(axis=1).mean())
    lab.check(NAME)
    assert "passed" in capsys.readouterr().out
    assert Store().passed() == {NAME} and Store().attempts() == {NAME: 2}
    lab.progress()
    assert "1/1" in capsys.readouterr().out


def test_a_name_that_is_unknown_is_answered_with_the_nearest(work, kernel, capsys):
    for function in (lab.check, lab.hint, lab.solution):
        function("mean_trial_retrun")
        assert "did you mean 'mean_trial_return'" in capsys.readouterr().out
    lab.quiz("nothing_like_it_at_all")
    lab.submit("88")
    assert capsys.readouterr().out.count("there is no") == 2


def test_hints_climb_and_the_solution_waits_for_a_pass(work, kernel, capsys):
    hints = course.load().exercise(NAME)[1].hints
    for expected in (*hints, hints[-1]):
        lab.hint(NAME)
        assert expected in capsys.readouterr().out
    lab.solution(NAME)
    assert "has not passed yet" in capsys.readouterr().out
    Store().record_attempt(NAME, "passed")
    lab.solution(NAME)
    shown = capsys.readouterr().out
    assert "def mean_trial_return" in shown and "SOLUTION" not in shown


def test_a_folder_that_cannot_be_written_costs_the_progress_not_the_message(kernel, monkeypatch, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("RL2_WORK", str(blocked))
    monkeypatch.setenv("RL2_PROGRESS", "on")
    kernel[NAME] = lambda rewards: float(rewards.sum(axis=1).mean())
    lab.check(NAME)
    out = capsys.readouterr().out
    assert "progress could not be saved" in out and "passed" in out


def test_every_quiz_option_is_explained_and_an_answer_is_kept(work):
    for notebook in course.load().notebooks:
        for quiz in notebook.quizzes:
            assert sum(option.correct for option in quiz.options) == 1
            for index, option in enumerate(quiz.options):
                words = quizzes.explain(quiz, index)
                assert words.startswith("<b>Right.</b>" if option.correct else "<b>Not quite.</b>")
                assert len(option.why) > 10
    quiz = course.load().notebooks[0].quizzes[0]
    buttons = quizzes._widget(quiz).children[0].children
    for button in buttons:
        button.click()
    assert Store().answered() == {quiz.name}


class Sum(Explorable):
    title = "A sum"

    def controls(self):
        return {
            "number": Slider("number", 0, 10, 1, 2),
            "shown": Choice("shown", ("sum", "nothing"), "sum"),
            "twice": Toggle("twice", False),
            "more": Button("one more"),
        }

    def state(self, number, shown, twice, more):
        return {"sum": (number + more) * (2 if twice else 1), "shown": shown}

    def draw(self, state):
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.bar([0], [state["sum"]])
        return figure

    def describe(self, state):
        return f"the sum is {state['sum']}"


def test_an_explorable_follows_every_control():
    widget = Sum()._widget(*Sum().render())
    _, number, shown, twice, more, picture, caption = widget.children
    before = picture.value
    number.value = 5
    assert caption.value == "the sum is 5" and picture.value != before
    twice.value = True
    more.click()
    assert caption.value == "the sum is 12"
    shown.value = "nothing"
    assert caption.value == "the sum is 12"


def test_an_explorable_without_a_kernel_is_a_picture_with_words(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: shown.append((args, kwargs)))
    Sum().show()
    ((bundle,), kwargs) = shown[0]
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(bundle)
    assert "the sum is 2" in str(kwargs["metadata"])


def test_an_explorable_whose_controls_cannot_be_built_still_shows_the_picture(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: shown.append(args))
    monkeypatch.setattr(Sum, "_widget", lambda *args: 1 / 0)
    Sum().show()
    assert "image/png" in shown[0][0] and "still picture" in capsys.readouterr().out
