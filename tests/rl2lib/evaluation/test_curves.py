import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rl2lib.agents.bandit import Greedy, Oracle, Random
from rl2lib.evaluation.curves import (
    cumulative_regret,
    episodes,
    mean_curve,
    regret_curve,
    return_curve,
    steps_curve,
    success_curve,
)
from rl2lib.evaluation.evaluate import evaluate, play
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import Trajectory

NAN = float("nan")


def made(reward: list[list[float]], ends: list[list[int]], lengths: list[int], cut: bool = False) -> Trajectory:
    """A trajectory of given rewards and episode ends; what lies beyond a trial's length is zero."""
    mask = torch.arange(len(reward[0])) < torch.tensor(lengths)[:, None]
    episode_end = torch.tensor(ends).bool() & mask
    last = torch.arange(len(reward[0])) == torch.tensor(lengths)[:, None] - 1
    zeros = torch.zeros_like(mask)
    rewards = torch.where(mask, torch.tensor(reward), 0.0)
    return Trajectory(
        rewards[..., None], zeros.long(), rewards, episode_end, zeros, last & episode_end & (not cut), mask, 2 * rewards
    )


# Trial 1: episodes of 2 and 3 steps. Trial 2: one of 1 step and an end. Trial 3: of 1, 1 and 2 steps, then cut off.
THREE = made(
    reward=[[1, 2, 3, 4, 5], [7, 0, 0, 0, 0], [1, 1, 2, 2, 9]],
    ends=[[0, 1, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 0, 1, 0]],
    lengths=[5, 1, 5],
)


def test_episodes_by_hand() -> None:
    played = episodes(THREE)
    assert played.returns.tolist() == [[3, 12, 0, 0], [7, 0, 0, 0], [1, 1, 4, 9]]
    assert played.steps.tolist() == [[2, 3, 0, 0], [1, 0, 0, 0], [1, 1, 2, 1]]
    assert played.ended.int().tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]]
    assert not played.timed_out.any()
    assert episodes(THREE, expected=True).returns.tolist() == [[6, 24, 0, 0], [14, 0, 0, 0], [2, 2, 8, 18]]


def test_curves_leave_out_what_a_trial_does_not_have() -> None:
    """Episode 1: 3, 7, 1. Episode 2: 12 and 1. Episode 3: one trial alone. Episode 4: nobody finished it."""
    curve = return_curve(THREE)
    assert curve.x.tolist() == [1, 2, 3, 4] and curve.num_trials.tolist() == [3, 2, 1, 0]
    torch.testing.assert_close(curve.mean, torch.tensor([11 / 3, 6.5, 4, NAN]).double(), equal_nan=True)
    assert curve.standard_error[1].item() == pytest.approx(5.5) and curve.standard_error[2:].isnan().all()
    first = mean_estimate(torch.tensor([3.0, 7.0, 1.0]))
    assert [line[0].item() for line in (curve.low, curve.high)] == pytest.approx([first.low, first.high])
    torch.testing.assert_close(steps_curve(THREE).mean, torch.tensor([4 / 3, 2, 2, NAN]).double(), equal_nan=True)


def test_a_success_is_an_episode_that_did_not_time_out() -> None:
    timed_out = torch.zeros_like(THREE.mask)
    timed_out[0, 4] = timed_out[2, 0] = True
    trajectory = THREE._replace(timed_out=timed_out)
    torch.testing.assert_close(
        success_curve(trajectory).mean, torch.tensor([2 / 3, 0.5, 1, NAN]).double(), equal_nan=True
    )


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    num_trials, num_steps = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    rows = st.lists(st.integers(-3, 3).map(float), min_size=num_steps, max_size=num_steps)
    flags = st.lists(st.integers(0, 1), min_size=num_steps, max_size=num_steps)
    lengths = draw(st.lists(st.integers(1, num_steps), min_size=num_trials, max_size=num_trials))
    return made([draw(rows) for _ in lengths], [draw(flags) for _ in lengths], lengths, cut=True)


@settings(max_examples=100, deadline=None)
@given(trajectories())
def test_episodes_equal_a_walk_along_each_trial(trajectory: Trajectory) -> None:
    played = episodes(trajectory)
    torch.testing.assert_close(played.returns.sum(dim=1), trajectory.trial_return().double())
    assert torch.equal(played.steps.sum(dim=1), trajectory.mask.sum(dim=1))
    assert torch.equal(played.ended.sum(dim=1), trajectory.episode_end.sum(dim=1))
    for row in range(len(trajectory.mask)):
        walked: list[list[float]] = [[]]
        for step in range(int(trajectory.mask[row].sum())):
            walked[-1].append(trajectory.reward[row, step].item())
            if trajectory.episode_end[row, step]:
                walked.append([])
        for number in range(played.steps.shape[1]):
            rewards = walked[number] if number < len(walked) else []
            assert (played.returns[row, number], played.steps[row, number]) == (sum(rewards), len(rewards))


def test_regret_by_hand_counts_means_and_stops_at_the_trials_end() -> None:
    means = torch.tensor([[1.0, 0.5, 0.0, 1.0], [0.25, 0.75, 0.0, 0.0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    ends = mask.clone()
    samples = torch.tensor([[0.0, 1, 0, 0], [1, 0, 0, 0]])
    trajectory = Trajectory(means[..., None], mask.long(), samples, ends, ends, ends, mask, means)
    best = torch.tensor([1.0, 0.75])
    regret = cumulative_regret(trajectory, best)
    assert regret.tolist() == [[0, 0.5, 1.5, 1.5], [0.5, 0.5, 0.5, 0.5]]
    assert torch.equal(cumulative_regret(trajectory, best[:, None].expand(2, 4)), regret)
    curve = regret_curve(trajectory, best)
    assert curve.mean.tolist() == [0.25, 0.5, 1.5, 1.5] and curve.num_trials.tolist() == [2, 2, 1, 1]


def test_curves_end_where_the_comparison_says() -> None:
    """Regret at the last pull is the oracle's score less the agent's; returns by episode sum to the score."""
    env, tasks = BanditEnv(3, 6), IndependentBandits(3).sample(500, torch.Generator().manual_seed(0))
    scores = evaluate({"greedy": Greedy(3), "oracle": Oracle()}, env, tasks, seed=3).scores
    trajectory = play(Greedy(3), env, tasks, seed=3)
    behind = mean_estimate(scores["oracle"].double() - scores["greedy"].double())
    curve = regret_curve(trajectory, tasks.amax(dim=1))
    assert (curve.mean[-1].item(), curve.low[-1].item()) == pytest.approx((behind.mean, behind.low), rel=1e-5)
    by_episode = return_curve(trajectory, expected=True)
    assert len(by_episode.x) == 6
    assert by_episode.mean.sum().item() == pytest.approx(scores["greedy"].double().mean().item(), rel=1e-6)
    assert not cumulative_regret(play(Oracle(), env, tasks, seed=3), tasks.amax(dim=1)).any()
    random = regret_curve(play(Random(3), env, tasks, seed=3), tasks.amax(dim=1))
    # random play loses E[max] - E[mean] = 3/4 - 1/2 at each pull
    assert abs(random.mean[-1].item() - 6 / 4) < 4 * random.standard_error[-1].item()


def test_each_place_of_a_curve_is_a_mean_estimate() -> None:
    values = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)) + 1e4
    curve = mean_curve(values)
    for place in range(3):
        estimate = mean_estimate(values[:, place])
        got = [line[place].item() for line in (curve.mean, curve.standard_error, curve.low, curve.high)]
        assert got == pytest.approx([estimate.mean, estimate.standard_error, estimate.low, estimate.high])


def test_a_single_trial_has_a_mean_and_no_error() -> None:
    curve = mean_curve(torch.tensor([[2.0, 3.0]]))
    assert curve.mean.tolist() == [2, 3] and all(math.isnan(low) for low in curve.low.tolist())


@pytest.mark.parametrize(
    ("best", "message"),
    [
        (torch.zeros(2), r"best: expected \[B\] = \(3,\)"),
        (torch.zeros(3, 4), r"best: expected \[B\] or \[B, T\] = \(3, 5\)"),
        (torch.full((3,), 14.0), r"got one 4 larger; are these the tasks that were played\?"),
    ],
)
def test_a_best_that_does_not_fit_is_refused(best: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cumulative_regret(THREE, best)


def test_nonsense_is_refused() -> None:
    silent = THREE._replace(expected_reward=None)
    with pytest.raises(ValueError, match="does not tell it"):
        cumulative_regret(silent, torch.ones(3))
    with pytest.raises(ValueError, match="does not tell it"):
        return_curve(silent, expected=True)
    with pytest.raises(ValueError, match=r"values: expected \[B, L\]"):
        mean_curve(torch.zeros(3))
    with pytest.raises(ValueError, match="present: expected"):
        mean_curve(torch.zeros(3, 2), torch.ones(3, 3).bool())
    with pytest.raises(ValueError, match="finite"):
        mean_curve(torch.tensor([[1.0, NAN]]))
    ignored = mean_curve(torch.tensor([[1.0, NAN], [3.0, 4.0]]), torch.tensor([[True, False], [True, True]]))
    assert ignored.mean.tolist() == [2.0, 4.0]
