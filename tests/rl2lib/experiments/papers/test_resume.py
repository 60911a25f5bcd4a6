"""Runs with a fitted baseline, cut short and resumed: its state, and the loop's, come back from the checkpoint."""

from __future__ import annotations

import pytest
import torch

from rl2lib.experiments.papers import table1, table2, table2_planning
from rl2lib.training.loop import TrainingConfig, train

RUNS = [(table1, "equivariant-n10"), (table2, "pairs-n10"), (table2_planning, "planning-chain_n10")]


def first_stage(paper, name, seed):
    (run,) = [run for run in paper.EXPERIMENT.runs("smoke") if run.name == name]
    stage = next(iter(run.stages(run.policy(seed), seed)))
    return stage._replace(training=TrainingConfig(4, 16, checkpoint_every=2))


@pytest.mark.parametrize(("paper", "name"), RUNS, ids=[name for _, name in RUNS])
def test_a_killed_run_resumes_with_the_weights_of_a_whole_one(paper, name, tmp_path):
    whole = first_stage(paper, name, 0)
    train(whole.learner, *whole.setting, whole.training)
    cut = first_stage(paper, name, 0)
    update, calls = cut.learner.update, []

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return update(*args, **kwargs)

    cut.learner.update = killed
    with pytest.raises(KeyboardInterrupt):
        train(cut.learner, *cut.setting, cut.training, folder=tmp_path)
    resumed = first_stage(paper, name, 1)
    train(resumed.learner, *resumed.setting, resumed.training, folder=tmp_path)
    assert whole.learner.modules["baseline"].state_dict()["weight"].any(), "it was fitted"
    for key, value in resumed.learner.policy.state_dict().items():
        assert torch.equal(value, whole.learner.policy.state_dict()[key]), key
