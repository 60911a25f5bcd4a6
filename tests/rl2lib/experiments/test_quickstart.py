import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.experiments.quickstart import OPTIMAL, RANDOM, RL2_GREEDY, SMOKE, run
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig


def test_smoke_prints_every_agent_and_the_exact_optimum(tmp_path: Path) -> None:
    result = run(SMOKE, folder=tmp_path, progress=False)
    table = result.table()
    for name in ("RL², greedy", "RL², sampled", "random", "greedy", "Thompson", "UCB1", "Bayes-optimal"):
        assert f"| {name}" in table
    assert "6.6600 (exact)" in table
    assert result.normalised_score < 0.9, "ten iterations learn next to nothing"
    optimal, random = result.evaluation[OPTIMAL].score, result.evaluation[RANDOM].score
    assert abs(optimal.mean - 6.66) < 4 * optimal.standard_error
    assert abs(random.mean - 5.0) < 4 * random.standard_error
    assert len(result.training.history["trial_return"]) == SMOKE.iterations


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table() -> None:
    one, two = (run(SMOKE, progress=False) for _ in range(2))
    assert one.table() == two.table()
    assert torch.equal(one.evaluation.scores[RL2_GREEDY], two.evaluation.scores[RL2_GREEDY])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ppo", "reinforce"])
def test_both_learners_solve_the_two_point_bandit(kind: str) -> None:
    """One arm always pays: a first guess, then nine certain rewards, 9.5 in expectation."""
    generator = torch.Generator().manual_seed(0)
    policy = RecurrentPolicy((1,), 2, 16, generator=generator)
    baseline = RecurrentBaseline((1,), 2, 16, generator=generator)
    learner = (
        PPO(policy, baseline, PPOConfig(learning_rate=5e-3, baseline_learning_rate=5e-3, minibatch_trials=64))
        if kind == "ppo"
        else Reinforce(policy, baseline, ReinforceConfig(learning_rate=1e-2, baseline_learning_rate=1e-2))
    )
    env = BanditEnv(2, 10)
    config = TrainingConfig(iterations=30 if kind == "ppo" else 200, trials_per_iteration=128)
    train(learner, TWO_POINT, env, config)
    tasks = TWO_POINT.sample(2_000, torch.Generator().manual_seed(1))
    score = evaluate({"rl2": policy.acting("greedy")}, env, tasks, seed=0)["rl2"].score
    assert score.mean > 9.4


@pytest.mark.slow
def test_importing_the_library_is_quiet_and_leaves_torchs_threads_alone() -> None:
    program = (
        "import torch; before = torch.get_num_threads(), torch.get_rng_state().sum();"
        "import rl2lib.experiments.quickstart;"
        "print((torch.get_num_threads(), torch.get_rng_state().sum()) == before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == "True\n" and done.stderr == ""
