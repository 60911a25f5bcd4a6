"""A report's messages: kinds, shapes, dtypes, values, what was refused, and nothing revealed by hidden checks."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from rl2lib.lab import refusals
from rl2lib.lab.report import FORGOTTEN_RETURN, CheckFailure, Report
from rl2lib.lab.values import Ref


def failure(method, *args, report=None, **kwargs) -> CheckFailure:
    with pytest.raises(CheckFailure) as caught:
        getattr(report or Report("exercise"), method)(*args, **kwargs)
    return caught.value


@pytest.mark.parametrize("method", ["array", "tensor", "number", "boolean"])
def test_none_is_a_forgotten_return(method):
    found = failure(method, "f(1)", None)
    assert found.got == "None" and found.cause == FORGOTTEN_RETURN


def test_kind_shape_and_dtype_have_their_own_messages():
    assert "NumPy" in failure("array", "f(1)", torch.zeros(2)).cause
    assert "torch" in failure("tensor", "f(1)", np.zeros(2)).cause
    found = failure("array", "f(1)", np.zeros((3, 2)), (2, 3))
    assert found.expected == "shape (2, 3)" and found.got == "shape (3, 2)" and "batch-first" in found.cause
    assert "one was lost" in failure("tensor", "f(1)", torch.zeros(2), (2, 1)).cause
    assert "float" in failure("tensor", "f(1)", torch.zeros(2, dtype=torch.int64), (2,), torch.float32).expected
    assert "NaN" in failure("array", "f(1)", np.array([np.nan, 1.0])).got
    assert failure("number", "f(1)", [1.0]).expected == "one number"
    assert failure("number", "f(1)", Ref(0, "Weird")).got.startswith("Weird")
    assert failure("boolean", "f(1)", 1).expected == "True or False"


def test_integer_widths_are_not_told_apart_but_float_widths_are():
    Report("x").tensor("f", torch.zeros(2, dtype=torch.int32), (2,), torch.int64)
    failure("tensor", "f", torch.zeros(2, dtype=torch.float64), (2,), torch.float32)


def test_close_accepts_equals_of_every_kind():
    report = Report("x")
    for value in (1, 2.5, True, "text", None, [1, 2.0], (1, np.ones(2)), {"a": torch.ones(2)}, np.eye(2)):
        report.close("f", value, value)
    report.close("f", np.float64(0.1) + 0.2, 0.3)


def test_close_says_where_values_differ():
    found = failure("close", "f(x)", np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert "1 of 3 entries differ, the first at [2]" in found.got and "3." in found.expected


def test_a_failure_keeps_the_whole_value_that_was_refused():
    seen = refusals.brief((np.ones(2), np.zeros(3)))
    found = failure("close", "f", (np.ones(2), np.zeros(3)), (np.ones(2), np.ones(3)))
    assert found.what == "f, value 1" and found.seen == seen
    for method in ("array", "tensor", "number", "boolean"):
        assert failure(method, "f", "text").seen == "text"
    assert failure("true", "f", False, expected="yes", got="no").seen == refusals.words("no")
    assert failure("fail", "f", "yes", "no", cause="because").seen == refusals.words("no")
    assert failure("binomial", "f", 500, 1000, 0.9).seen == refusals.count(500, 1000)


def test_hidden_reports_never_show_the_expected_value():
    secret = 0.123456789
    cases = [(0.5, secret), (np.zeros(3), np.full(3, secret)), (torch.zeros(2), torch.full((2,), secret)), ("a", "b")]
    for got, expected in cases:
        found = failure("close", "f", got, expected, report=Report("x", reveal=False))
        assert "0.1234" not in str(found.args) and "'b'" not in str(found.args)
    found = failure("binomial", "f", 0, 1000, secret, report=Report("x", reveal=False))
    assert "0.123" not in str(found.args)


def test_binomial_has_the_false_alarm_it_states():
    trials, probability, false_alarm = 400, 0.3, 0.01
    refused = 0.0
    for successes in range(trials + 1):
        try:
            Report("x").binomial("f", successes, trials, probability, false_alarm=false_alarm)
        except CheckFailure:
            refused += binom.pmf(successes, trials, probability)
    assert 0 < refused <= false_alarm


def test_certain_events_are_checked_exactly():
    Report("x").binomial("f", 10, 10, 1.0)
    failure("binomial", "f", 9, 10, 1.0)


def test_of_large_arrays_the_entries_that_differ_are_shown():
    expected = np.arange(100.0).reshape(10, 10)
    got = expected.copy()
    got[2, 3] = -1.0
    found = failure("close", "f", got, expected)
    assert found.expected == "[23.] at (2, 3)" and found.got.startswith("[-1.] there (1 of 100")
    found = failure("close", "f", torch.tensor(got), torch.tensor(expected))
    assert found.expected == "[23.] at (2, 3)"


def test_large_arrays_that_differ_in_kind_alone_and_long_lists_are_shown_short():
    shown, came = Report("x")._contrast(np.zeros(100), np.zeros(100, dtype=np.int64))
    assert shown == "an array of shape (100,) of float64" and came == "an array of shape (100,) of int64"
    assert Report("x")._show(list(range(3000))).endswith("39, ... (3000 entries)")


def test_what_comes_a_second_time_is_the_same_or_another():
    report = Report("exercise")
    report.same("f, twice", True, "goals")
    report.other("f, twice", False, "goals")
    again, fresh = failure("same", "f, twice", False, "goals"), failure("other", "f, twice", True, "goals")
    assert (again.expected, again.got) == (fresh.got, fresh.expected) == ("the same goals", "other goals")


def test_a_gradient_arrives_with_its_values_or_does_not_arrive():
    one = torch.ones(2)
    Report("exercise").gradient("the gradient", one, one)
    assert failure("gradient", "the gradient", None, one).got == "none: it was cut on the way"
    assert "2 of 2 entries differ" in failure("gradient", "the gradient", 2 * one, one).got
    Report("exercise").no_gradient("the gradient", None)
    Report("exercise").no_gradient("the gradient", 0 * one)
    assert failure("no_gradient", "the gradient", one).got == "one that is not zero"
