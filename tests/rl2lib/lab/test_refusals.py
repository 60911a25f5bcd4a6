"""Two refusals are alike or they are not: values of every kind, what is left of large ones, words and counts."""

import json

import numpy as np
import pytest
import torch

from rl2lib.lab import refusals
from rl2lib.lab.refusals import Refusal, alike, brief, count, same, words
from rl2lib.lab.values import Ref
from rl2lib.types import StepInput

INPUT = StepInput(torch.zeros(2, 1), torch.ones(2).long(), torch.zeros(2), torch.zeros(2))
# no two of these are the same
DIFFERENT = [
    None,
    True,
    1,
    1.5,
    float("nan"),
    float("inf"),
    "text",
    [1, 2],
    [1, 2, 3],
    (np.zeros(2), np.ones(2)),
    {"a": 1},
    {"b": 1},
    np.zeros(2),
    np.zeros(2, dtype=int),
    np.zeros(2, dtype=bool),
    np.zeros((2, 1)),
    torch.zeros(2),
    torch.tensor([0.0, 1e-3]),
    torch.zeros(200),
    torch.arange(200.0),
    INPUT,
    INPUT._replace(prev_end=torch.ones(2)),
    Ref(3, "Policy"),
    10**400,
    torch.zeros(2, dtype=torch.bfloat16),
]


@pytest.mark.parametrize("place", range(len(DIFFERENT)))
def test_a_value_is_itself_and_no_other_also_after_a_way_through_json(place):
    one = json.loads(json.dumps(brief(DIFFERENT[place]), allow_nan=False))
    assert [same(one, brief(other)) for other in DIFFERENT] == [index == place for index in range(len(DIFFERENT))]


def test_rounding_is_forgiven_and_nothing_else():
    value = torch.tensor([0.123456789, 1234.5678, -1e-9])
    assert same(brief(value), brief(value * (1 + 1e-6) + 1e-8))
    assert not same(brief(value), brief(value * 1.001))
    assert same(brief(2), brief(2.0)) and not same(brief(1), brief(True))


def test_what_is_kept_of_something_large_is_small_and_still_tells_it_apart():
    large = torch.zeros(100_000)
    assert len(json.dumps(brief(large))) < 600 and len(json.dumps(brief(["x" * 10_000] * 10_000))) < 12_000
    assert not same(brief(large), brief(torch.full((100_000,), 0.01)))
    assert not same(brief([0.0] * 50), brief([0.0] * 51))


def test_counts_are_alike_where_chance_explains_the_difference():
    assert same(count(3000, 4000), count(3030, 4000)) and same(count(100, 100), count(100, 100))
    assert not same(count(3000, 4000), count(1000, 4000)) and not same(count(4000, 4000), count(3900, 4000))
    assert not same(count(1, 2), words("1 of 2"))


def test_alike_needs_the_same_place_and_names_the_first():
    known = {"one": Refusal("f(1)", 2.0), "two": Refusal("f(2)", 2.0), "three": Refusal("f(2)", 2.0)}
    assert alike(Refusal("f(2)", 2.0), known) == "two"
    assert alike(Refusal("f(3)", 2.0), known) is None and alike(None, known) is None


def test_every_exercise_has_its_mutants_and_each_says_what_was_refused():
    found = refusals.load()
    assert len(found) > 30 and sum(map(len, found.values())) > 400
    assert all(refusal.what or "words" in refusal.seen for known in found.values() for refusal in known.values())
