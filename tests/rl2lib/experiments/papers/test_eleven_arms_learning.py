"""Eleven arms, watched: what is noted by hand, and every verdict in both directions."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, PaysForInformation
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.eleven_arms import learning, trained
from rl2lib.experiments.papers.eleven_arms.learning import CELL, EXPERIMENT, IMITATED, NUMBER, PAYS, READS
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits


def test_what_is_noted_of_who_pays_and_reads_and_of_who_does_not() -> None:
    tasks = InformativeBandits().sample(20, torch.Generator().manual_seed(0))
    trial = play(PaysForInformation(), InformativeBanditEnv(), tasks, seed=0)
    assert learning.watch(trial, tasks, 0) == {PAYS: 1.0, READS: 1.0}
    half = torch.arange(20) % 2 == 0
    action = trial.action.clone()
    action[half, 0] = 0
    assert learning.watch(trial._replace(action=action), tasks, 0) == {PAYS: 0.5, READS: 1.0}
    action[~half, 1] = INFORMATIVE_ARM
    assert learning.watch(trial._replace(action=action), tasks, 0) == {PAYS: 0.5, READS: 0.0}


def test_the_runs_are_the_papers_but_for_being_watched() -> None:
    paper = {run.name: run for run in trained.runs("smoke")}
    for run in EXPERIMENT.runs("smoke"):
        ours, theirs = (list(one.stages(one.policy(0), 0)) for one in (run, paper[run.name]))
        assert [stage.learner.config for stage in ours] == [stage.learner.config for stage in theirs]
        assert [stage.training for stage in ours] == [stage.training for stage in theirs]
        assert all(stage.watch is learning.watch for stage in ours)


def _curve(form: trained.Form, name: str, *values: float) -> list[Point]:
    return [
        Point("", CELL, f"{form.run}: {name}", 5_000.0 * (i + 1), y, y - 0.001, y + 0.001) for i, y in enumerate(values)
    ]


@pytest.mark.parametrize(("pays", "word"), [((0.09, 0.005, 0.5), "matched"), ((0.09, 0.02, 0.0), "not reached")])
def test_paying_stops_early_or_does_not(pays: tuple[float, ...], word: str) -> None:
    assert EXPERIMENT.claims[0].judge(Measured([], _curve(NUMBER, PAYS, *pays))).word == word


@pytest.mark.parametrize(("pays", "reads", "word"), [(0.999, 0.999, "matched"), (0.999, 0.9, "not reached")])
def test_paying_and_reading_go_on_or_do_not(pays: float, reads: float, word: str) -> None:
    points = _curve(IMITATED, PAYS, 0.5, pays) + _curve(IMITATED, READS, 0.5, reads)
    assert EXPERIMENT.claims[1].judge(Measured([], points)).word == word
    with pytest.raises((KeyError, IndexError)):
        EXPERIMENT.claims[1].judge(Measured())
