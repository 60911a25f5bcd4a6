"""Ten arms: the same slow learner for both policies, and every verdict in both directions."""

from __future__ import annotations

import pytest

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.ten_arms import AGENTS, CELL, EQUIVARIANT, EXPERIMENT, IMITATION, PLAIN


def test_plain_and_structured_differ_in_the_policy_alone() -> None:
    runs = {run.name: run for run in EXPERIMENT.runs("laptop")}
    plain, structured = (next(iter(runs[way].stages(runs[way].policy(3), 3))) for way in (PLAIN, EQUIVARIANT))
    assert plain.training == structured.training and plain.setting == structured.setting
    assert plain.learner.config == structured.learner.config
    assert type(plain.learner.policy) is not type(structured.learner.policy)


def _row(way: str, mean: float, normalised: float) -> Row:
    seeds = (mean - 0.5, mean, mean + 0.5)
    return Row(
        "", CELL, AGENTS[way], mean=mean, se=0.1, every_seed=seeds, normalised_mean=normalised, normalised_se=0.001
    )


@pytest.mark.parametrize(
    ("claim", "structured", "share", "taught", "word"),
    [
        (0, 83.0, 0.99, 0.9, "matched"),
        (0, 70.5, 0.99, 0.9, "not reached"),
        (1, 83.0, 0.99, 0.9, "matched"),
        (1, 83.0, 0.97, 0.9, "not reached"),
        (2, 83.0, 0.99, 0.9, "matched"),
        (2, 83.0, 0.9, 0.99, "not reached"),
    ],
)
def test_verdicts(claim: int, structured: float, share: float, taught: float, word: str) -> None:
    rows = [_row(PLAIN, 70.0, 0.7), _row(EQUIVARIANT, structured, share), _row(IMITATION, 75.0, taught)]
    assert EXPERIMENT.claims[claim].judge(Measured(rows)).word == word
