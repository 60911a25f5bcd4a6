import math
from pathlib import Path

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.evaluation import rows
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.ablation import EXPERIMENT
from rl2lib.experiments.papers.ablation.claims import needed
from rl2lib.experiments.papers.ablation.players import RL2, cost, measure, own_optimum
from rl2lib.experiments.papers.ablation.trained import (
    ABLATIONS,
    BANDIT,
    FORGETS,
    FORGETS_ONCE,
    ID,
    MDP,
    WHOLE,
    num_episodes,
    setting,
)
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.views import LastEpisodeOnly


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_paid_for_the_last_episode_is_so_at_all_its_steps_and_seen_at_every_one() -> None:
    distribution, env = setting(MDP)
    g = make_generators(0, "tasks", "policy", "env")
    tasks = distribution.sample(8, g["tasks"])
    trials = rollout(
        Random(2),
        LastEpisodeOnly(env, num_episodes(MDP)),
        tasks,
        policy_generator=g["policy"],
        env_generator=g["env"],
    )
    by_episode = return_curve(trials, expected=True).mean
    assert by_episode[:-1].tolist() == [0, 0, 0]
    assert trials.expected_reward is not None
    assert bool((trials.expected_reward[:, 9:] != 0).all())
    assert bool((trials.reward != 0).all())


def test_the_optimum_of_an_agent_that_lacks_something() -> None:
    def optimum(variant: str) -> float | None:
        return own_optimum(BANDIT, Row(ID, BANDIT, RL2, variant))

    assert optimum(FORGETS) == optimum("no previous reward") == 5.0
    assert math.isclose(optimum(WHOLE) or 0, 6.66, abs_tol=5e-4)
    # forgetting at half-time is playing twice for five pulls
    tasks = IndependentBandits(5).sample(20_000, generator(4))
    g = make_generators(0, "policy", "env")
    half = BayesOptimal(5, 5)
    trials = rollout(half, BanditEnv(5, 5), tasks, policy_generator=g["policy"], env_generator=g["env"])
    assert math.isclose(optimum(FORGETS_ONCE) or 0, 2 * trials.trial_return(expected=True).mean(), abs_tol=0.03)
    assert own_optimum(MDP, Row(ID, MDP, RL2, WHOLE)) is None


def test_a_cost_is_paired_over_tasks_and_its_interval_knows_the_seeds() -> None:
    tasks = torch.randn(1_000, generator=generator(5))
    same = cost(BANDIT, "no flag", [tasks + 1.0], [tasks])
    assert (round(same.y, 6), round(same.high - same.low, 6)) == (1.0, 0.0)
    # seeds that differ by 0.2 widen it, however many tasks there are
    several = cost(BANDIT, "no flag", [tasks + 1.0, tasks + 1.2, tasks + 0.8], [tasks] * 3)
    assert math.isclose(several.y, 1.0, abs_tol=1e-6)
    assert math.isclose(several.high - several.y, 4.302653 * 0.2 / math.sqrt(3), rel_tol=1e-4)


def measured_with(low: float, y: float, high: float) -> Measured:
    found = [Row(ID, BANDIT, RL2, WHOLE, mean=6.0, se=0.01), Row(ID, BANDIT, "Random", mean=5.0, se=0.01)]
    points = [Point(ID, BANDIT, f"cost: {what}", 0.0, y, low, high) for what in ABLATIONS]
    points += [Point(ID, BANDIT, f"reward: {what}", 1.0, 0.5) for what in (WHOLE, *ABLATIONS)]
    return Measured(found, points)


@pytest.mark.parametrize(
    ("interval", "answer"),
    [
        ((0.1, 0.2, 0.3), True),
        ((0.001, 0.02, 0.04), True),
        ((-0.01, 0.0, 0.01), False),
        ((0.001, 0.005, 0.01), False),
        ((-0.3, -0.2, -0.1), False),
        ((-0.1, 0.0, 0.1), None),
    ],
)
def test_needed_not_needed_or_open(interval: tuple[float, float, float], answer: bool | None) -> None:
    measured = measured_with(*interval)
    assert needed(measured, BANDIT, "no flag")[0] is answer
    claims = {claim.text: claim.judge for claim in EXPERIMENT.claims}
    reward = claims["The previous reward is needed (bandit, n=10, k=5)."](measured)
    flag = claims["The flag is not needed (bandit, n=10, k=5)."](measured)
    assert reward.word == {True: "matched", False: "not reached", None: "open"}[answer]
    assert flag.word == {True: "not reached", False: "matched", None: "open"}[answer]
    with pytest.raises(KeyError):
        claims["The flag is not needed (small MDPs, 4 episodes)."](measured)


def test_an_agent_above_its_optimum_is_noticed() -> None:
    judge = EXPERIMENT.claims[-1].judge
    row = Row(ID, BANDIT, RL2, FORGETS, mean=5.01, se=0.01, seeds=1, ceiling=5.0, ceiling_is="exact")
    assert judge(Measured([row])).word == "matched"
    assert judge(Measured([Row(ID, BANDIT, RL2, FORGETS, mean=5.1, se=0.01, seeds=1, ceiling=5.0)])).word != "matched"
    with pytest.raises(KeyError):
        judge(Measured())


def test_an_agent_that_forgets_scores_what_it_must(tmp_path: Path) -> None:
    class Fresh:
        """Untrained policies, one a seed, as if they had been."""

        def policies(self, name: str) -> list[object]:
            run = next(run for run in EXPERIMENT.runs("smoke") if run.name == name)
            return [run.policy(0)]

    measured = measure(BANDIT, "smoke", Fresh())
    best = measured.row(BANDIT, "Bayes-optimal")
    assert best.behind == 0 and best.normalised_mean == 1.0 and math.isclose(best.ceiling or 0, 6.66, abs_tol=5e-4)
    forgets = [point.y for point in measured.line(BANDIT, f"reward: {FORGETS}")]
    assert len(forgets) == 10 and max(forgets) - min(forgets) < 0.15  # it stays as it was
    table = tmp_path / "smoke.csv"
    rows.write(table, measured)
    assert rows.read(table).line(BANDIT, "cost: no flag")[0].y == pytest.approx(
        measured.line(BANDIT, "cost: no flag")[0].y
    )
