"""Whatever plain value comes back from a box, a check ends with an outcome: it never raises, hangs or lets it pass."""

import functools
import time

import numpy as np
import pytest
import torch

from autograder.hidden import run_hidden
from autograder.reference import reference_handle
from autograder.source import load_course
from rl2lib.lab.checking import run_visible
from rl2lib.lab.values import Ref
from rl2lib.types import StepInput

COURSE = load_course()
EXERCISES = [(notebook, exercise.name) for notebook in COURSE for exercise in notebook.exercises]
NAMES = [name for _, name in EXERCISES]
LOOKING = ("kind", "origin")

NASTY = (
    lambda _: None,
    lambda _: math_nan(),
    lambda _: 2**62,
    lambda _: -1,
    lambda _: True,
    lambda _: "text",
    lambda _: [],
    lambda _: (),
    lambda _: {},
    lambda _: {"weight": None, 3: "x"},
    lambda _: [[1.0], [2.0, 3.0], "x", None],
    lambda _: Ref(10**6, "Nothing"),
    lambda _: np.zeros((0, 3)),
    lambda _: np.full((2, 2), np.inf),
    lambda _: np.zeros((1,) * 8, dtype=bool),
    lambda _: torch.zeros(()),
    lambda _: torch.full((3, 1, 2), torch.nan),
    lambda _: torch.zeros(5, 0, dtype=torch.int64),
    lambda _: torch.zeros(4, dtype=torch.float16),
    lambda _: StepInput(torch.zeros(1), torch.zeros(2), torch.zeros(3), torch.zeros(4)),
    lambda value: [value],
    lambda value: (value, value),
    lambda value: {"value": value},
    lambda value: value[:1] if isinstance(value, list | tuple) else [value, None],
    lambda value: value.T if hasattr(value, "T") and getattr(value, "ndim", 0) == 2 else None,
    lambda value: value[None] if hasattr(value, "shape") else value,
    lambda value: value.reshape(-1)[:-1] if hasattr(value, "shape") else 0,
    lambda value: value * 1e30 if hasattr(value, "shape") else 1e300,
    lambda value: torch.as_tensor(value).to(torch.int64) if hasattr(value, "shape") else 1,
)


def math_nan():
    return float("nan")


class Saboteur:
    """The reference's answers, with nasty values among them.

    Args:
        inner: the handle that answers.
        rng: luck.
        honest: how many operations are answered rightly before the sabotage begins; afterwards half of them are.
    """

    def __init__(self, inner, rng, honest):
        self._inner, self._rng, self._honest = inner, rng, honest

    def __getattr__(self, name):
        operation = getattr(self._inner, name)
        if name in LOOKING:
            return operation

        @functools.wraps(operation)
        def sabotaged(*arguments, **named):
            value = operation(*arguments, **named)
            self._honest -= 1
            if self._honest >= 0 or self._rng.random() < 0.5 or isinstance(value, Ref):
                return value
            return NASTY[self._rng.integers(len(NASTY))](value)

        return sabotaged


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "name"), EXERCISES, ids=NAMES)
def test_no_value_breaks_a_check(notebook, name):
    for seed in range(12):
        rng = np.random.default_rng([seed, NAMES.index(name)])
        honest = int(rng.integers(0, 6)) * int(rng.integers(0, 6))
        began = time.process_time()
        outcomes = (
            run_hidden(notebook, name, Saboteur(reference_handle(notebook), rng, honest), seed),
            run_visible(name, Saboteur(reference_handle(notebook), rng, honest)),
        )
        assert {outcome.status for outcome in outcomes} <= {"passed", "failed", "error", "ungradable"}
        assert time.process_time() - began < 20.0
