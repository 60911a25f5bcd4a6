"""The belief as an input: who is shown what, and every verdict in both directions."""

from __future__ import annotations

import pytest

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers import belief_input
from rl2lib.experiments.papers.belief_input import BELIEF_ALONE, BOTH, CORRIDOR, EXPERIMENT, FORMS, NEITHER, RL2
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


def test_only_who_is_told_reads_the_belief() -> None:
    runs = {run.name: run for run in EXPERIMENT.runs("laptop")}
    assert runs[belief_input.RL2_RUN].owner == "rl1-vs-rl2", "the agent is not trained twice"
    for form in FORMS:
        (stage,) = runs[form.run].stages(runs[form.run].policy(0), 0)
        assert stage.setting.env.observation_shape == ((12,) if form.told else (11,))
        assert (
            stage.learner.policy.state_dict()["core.weight_ih"].shape
            == runs[form.run].policy(0).state_dict()["core.weight_ih"].shape
        )
        assert getattr(stage.learner.policy, "forgets", None) == form.forgets


def test_everybody_plays_in_one_environment() -> None:
    measured = belief_input.measure(CORRIDOR, "smoke", FreshWeights(belief_input.runs))  # type: ignore[arg-type]
    assert measured.row(CORRIDOR, belief_input.OPTIMAL).mean == 15
    assert {row.agent for row in measured.rows} >= {RL2, *(form.agent for form in FORMS)}
    assert all(row.ceiling == 15 and row.better == "lower" for row in measured.rows)


def _measured(other: float, form: belief_input.Form, spread: float = 0.05) -> Measured:
    return Measured(
        [
            Row("", CORRIDOR, agent, mean=mean, every_seed=tuple(mean + spread * seed for seed in range(-2, 3)))
            for agent, mean in ((RL2, 15.1), (form.agent, other))
        ]
    )


@pytest.mark.parametrize(
    ("form", "other", "spread", "word"),
    [
        (BOTH, 15.2, 0.05, "matched"),
        (BOTH, 15.2, 1.0, "open"),
        (BELIEF_ALONE, 18.0, 0.05, "not reached"),
        (BELIEF_ALONE, 14.0, 0.05, "not reached"),
        (NEITHER, 55.0, 0.05, "matched"),
        (NEITHER, 15.2, 0.05, "not reached"),
        (NEITHER, 16.0, 2.0, "open"),
    ],
)
def test_level_with_rl2_or_not(form: belief_input.Form, other: float, spread: float, word: str) -> None:
    judge = EXPERIMENT.claims[FORMS.index(form)].judge
    assert judge(_measured(other, form, spread)).word == word


def test_one_run_shows_nothing() -> None:
    lone = Measured([Row("", CORRIDOR, agent, every_seed=(15.0,)) for agent in (RL2, BOTH.agent)])
    with pytest.raises(KeyError, match="several runs"):
        EXPERIMENT.claims[0].judge(lone)


def test_the_figure_has_a_line_of_points_for_everybody() -> None:
    rows = [Row("", CORRIDOR, name, mean=15.0, every_seed=(15.0, 16.0)) for name in (RL2, *(f.agent for f in FORMS))]
    rows.append(Row("", CORRIDOR, belief_input.OPTIMAL, mean=15.0))
    (axes,) = EXPERIMENT.draw(Measured(rows)).axes
    assert all(len(list(line.get_xydata())) == 2 for line in axes.lines[:4])
