"""How a check ends: each way a learner can be wrong gets its own message, never a traceback into our code."""

import pytest

from rl2lib.lab import checking, course, messages
from rl2lib.lab.handle import LocalHandle
from rl2lib.lab.report import Report

NAME = "mean_trial_return"
RIGHT = "import numpy as np\ndef mean_trial_return(rewards):\n    return rewards.sum(axis=1).mean()"


def outcome(source: str, seconds: float | None = None) -> checking.Outcome:
    namespace = {"__name__": "__main__"}
    exec(source, namespace)
    return checking.run_visible(NAME, LocalHandle(namespace, seconds=seconds))


def test_a_right_answer_passes():
    found = outcome(RIGHT)
    assert found.passed and found.reason == ""
    assert "✓" in messages.outcome_text(found)


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("", "not_attempted", "nothing is called"),
        (f"def {NAME}(rewards): raise NotImplementedError('{NAME}: write your answer here')", "not_attempted", "write"),
        (f"def {NAME}(rewards): pass", "failed", "got None. Your function computes something and then returns None"),
        (f"def {NAME}(rewards): return [1.0]", "failed", "one number"),
        (f"def {NAME}(rewards): return undefined", "error", "NameError"),
        (f"def {NAME}(): return 1", "error", "signature"),
        (f"{NAME} = 3", "error", "should be a function"),
        (f"def {NAME}(rewards): raise SystemExit", "error", "SystemExit"),
        (f"def {NAME}(rewards): raise NotImplementedError('later')", "error", "later"),
        ("from rl2lib.lab.messages import outcome_text as mean_trial_return", "failed", "library's own"),
        (f"import functools, rl2lib.lab.course as c\n{NAME} = functools.partial(c.load)", "failed", "library's own"),
    ],
)
def test_every_kind_of_wrong_has_its_message(source, status, words):
    found = outcome(source)
    assert found.status == status and words in found.reason
    for text in (messages.outcome_text(found), messages.outcome_html(found)):
        assert "rl2lib/lab" not in text and "Traceback" not in text


def test_an_endless_loop_is_stopped_even_one_that_swallows_exceptions():
    loop = "    while True:\n        try:\n            while True: pass\n        except Exception: pass"
    source = f"def {NAME}(rewards):\n{loop}"
    found = outcome(source, seconds=0.4)
    assert found.status == "timeout" and "0.4 s" in found.reason


def test_an_answer_that_warns_and_draws_progress_bars_passes_and_leaves_stderr_alone(capsys):
    source = "import sys, warnings\nfrom tqdm import tqdm\n" + RIGHT.replace(
        "    return", "    warnings.warn('careful')\n    for _ in tqdm(range(3)): pass\n    return"
    )
    assert outcome(source).passed
    assert capsys.readouterr().err == ""


def test_markup_of_a_learner_is_escaped():
    found = outcome(f"def {NAME}(rewards): raise ValueError('<script>alert(1)</script>')")
    assert "<script>" not in messages.outcome_html(found)


def test_a_bug_in_a_check_is_not_blamed_on_the_learner():
    def broken(report: Report) -> None:
        raise ZeroDivisionError

    namespace = {NAME: lambda rewards: 1.0}
    found = checking.run_check(NAME, LocalHandle(namespace), Report(NAME), broken)
    assert found.status == "ungradable" and "ZeroDivisionError" in found.got and "report it" in found.cause


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(course.UnknownName, match="did you mean 'mean_trial_return'"):
        course.load().exercise("mean_trial_retrun")
    with pytest.raises(course.UnknownName, match="there is no notebook '77'"):
        course.load().notebook("77")


def test_every_visible_check_exists_and_is_quick(root):
    for name in [exercise.name for notebook in course.load().notebooks for exercise in notebook.exercises]:
        assert callable(checking.visible_check(name))
