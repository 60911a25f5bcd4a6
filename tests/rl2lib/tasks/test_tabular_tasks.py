import pytest
import torch
from scipy import stats
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.rollout import rollout
from rl2lib.tasks.tabular import ChainMDPs, RandomMDPs, TabularEnv, TabularTasks

SMALL_P = 1e-5  # what a fixed seed may show; generous, so that the tests do not hang on torch's stream


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def episode_value(tasks: TabularTasks, horizon: int, policy: str) -> Tensor:
    """The value [N] of an episode from state 0, by backward induction: optimal, random, or myopic."""
    value = torch.zeros(tasks.reward_mean.shape[:2])
    for _ in range(horizon):
        action_value = tasks.reward_mean + (tasks.transition * value[:, None, None]).sum(dim=-1)
        if policy == "optimal":
            value = action_value.amax(dim=-1)
        elif policy == "random":
            value = action_value.mean(dim=-1)
        else:
            value = action_value.gather(-1, tasks.reward_mean.argmax(dim=-1, keepdim=True)).squeeze(-1)
    return value[:, 0]


@pytest.mark.parametrize("concentration", [0.05, 0.3, 1.0, 20.0])
def test_random_mdps_have_their_distribution(concentration: float) -> None:
    tasks = RandomMDPs(10, 5, concentration).sample(300, generator())
    assert tasks.transition.shape == (300, 10, 5, 10) and tasks.reward_mean.shape == (300, 10, 5)
    torch.testing.assert_close(tasks.transition.sum(dim=-1), torch.ones(300, 10, 5))
    marginal = stats.beta(concentration, 9 * concentration)
    for state in (0, 9):
        draws = tasks.transition[..., state].flatten().double().numpy()
        assert stats.kstest(draws, marginal.cdf).pvalue > SMALL_P
    assert stats.kstest(tasks.reward_mean.flatten().numpy(), stats.norm(1, 1).cdf).pvalue > SMALL_P


@pytest.mark.parametrize("concentration", [1e-2, 1e-4])
def test_a_tiny_concentration_makes_transitions_deterministic_and_not_nan(concentration: float) -> None:
    transition = RandomMDPs(10, 5, concentration).sample(200, generator()).transition
    torch.testing.assert_close(transition.sum(dim=-1), torch.ones(200, 10, 5))
    # no two states can both be above .99
    share = 10 * stats.beta(concentration, 9 * concentration).sf(0.99)
    assert abs(float((transition.amax(dim=-1) > 0.99).float().mean()) - share) < 0.025
    favourites = torch.bincount(transition.argmax(dim=-1).flatten(), minlength=10)
    assert stats.chisquare(favourites.numpy()).pvalue > SMALL_P


def test_a_trial_by_hand() -> None:
    """Action 0 stays and pays 1, action 1 moves to the other state and pays 10 times the state."""
    stay, move = torch.eye(2), torch.eye(2).flip(1)
    tasks = TabularTasks(torch.stack([stay, move], dim=1)[None], torch.tensor([[[1.0, 0.0], [1.0, 10.0]]]))
    env = TabularEnv(2, 2, horizon=3, episodes_per_trial=2, reward_std=0.0)
    assert env.reset(tasks, generator()).tolist() == [[1.0, 0.0]]
    told = []
    for action in (1, 0, 1, 1, 1, 1):
        step = env.step(torch.tensor([action]))
        state, flags = step.observation.argmax().item(), (step.episode_end, step.timed_out, step.trial_end)
        told.append((state, step.reward.item(), *(bool(flag) for flag in flags)))
    assert told == [
        (1, 0.0, False, False, False),
        (1, 1.0, False, False, False),
        (0, 10.0, True, True, False),
        (1, 0.0, False, False, False),
        (0, 10.0, False, False, False),
        (0, 0.0, True, True, True),  # it moved to state 1, and the next episode starts in state 0
    ]


def test_transitions_and_rewards_have_their_distribution() -> None:
    one = RandomMDPs(4, 2).sample(1, generator())
    rows = 40_000
    tasks = TabularTasks(*(field.expand(rows, *field.shape[1:]) for field in one))
    env = TabularEnv(4, 2)
    env.reset(tasks, generator(1))
    step = env.step(torch.ones(rows, dtype=torch.int64))
    expected = one.transition[0, 0, 1].double()
    counts = step.observation.sum(dim=0)
    assert stats.chisquare(counts.numpy(), (expected / expected.sum() * rows).numpy()).pvalue > SMALL_P
    mean = float(one.reward_mean[0, 0, 1])
    assert stats.kstest(step.reward.numpy(), stats.norm(mean, 1).cdf).pvalue > SMALL_P
    # and the second step leaves from where the first arrived
    state = step.observation.argmax(dim=1)
    following = env.step(torch.zeros(rows, dtype=torch.int64))
    assert following.expected_reward is not None
    assert torch.equal(following.expected_reward, one.reward_mean[0, state, 0])
    there = following.observation[state == 2].sum(dim=0)
    expected = one.transition[0, 2, 0].double()
    assert stats.chisquare(there.numpy(), (expected / expected.sum() * there.sum()).numpy()).pvalue > SMALL_P


def test_the_papers_distribution_is_worth_what_it_should_be() -> None:
    """Random play earns 10 an episode (Table 2: 100.1 in ten), an oracle about 21.8, a myopic one 98% of the way."""
    tasks = RandomMDPs().sample(3000, generator())
    random, myopic, optimal = (float(episode_value(tasks, 10, p).mean()) for p in ("random", "myopic", "optimal"))
    assert abs(random - 10.0) < 0.25 and abs(optimal - 21.8) < 0.2
    assert (myopic - random) / (optimal - random) > 0.97
    played = rollout(
        Random(5), TabularEnv(), tasks, policy_generator=generator(1), env_generator=generator(2)
    ).trial_return(expected=True)
    assert abs(float(played.mean()) - float(10 * episode_value(tasks, 10, "random").mean())) < 0.8


def test_planning_is_worth_most_in_a_chain() -> None:
    """Five states, ten steps: 4 steps to the end and 6 × 10 there, against 10 × 2 for who takes what is near."""
    tasks = ChainMDPs().sample(500, generator())
    for policy, value in (("optimal", 60.0), ("myopic", 20.0)):
        torch.testing.assert_close(episode_value(tasks, 10, policy), torch.full((500,), value))
    assert abs(float(episode_value(tasks, 10, "random").mean()) - 11.9) < 0.2
    # deterministic transitions matter more to a planner than flat ones do
    gaps = []
    for concentration in (0.01, 1.0):
        mdps = RandomMDPs(concentration=concentration).sample(1000, generator())
        gaps.append(float((episode_value(mdps, 10, "optimal") - episode_value(mdps, 10, "myopic")).mean()))
    assert gaps[0] > 5 * gaps[1]


def test_a_chain_by_hand() -> None:
    tasks = ChainMDPs(num_states=3, num_actions=3, slip=0.25).sample(200, generator())
    forward = tasks.reward_mean[:, :2].argmin(dim=-1)  # the action that pays nothing
    last = tasks.reward_mean[:, 2].argmax(dim=-1)
    rows = torch.arange(200)
    assert tasks.transition[rows, 0, forward[:, 0]].unique(dim=0).tolist() == [[0.25, 0.75, 0.0]]
    assert tasks.transition[rows, 1, forward[:, 1]].unique(dim=0).tolist() == [[0.25, 0.0, 0.75]]
    assert tasks.transition[rows, 2, last].unique(dim=0).tolist() == [[0.25, 0.0, 0.75]]
    assert tasks.transition[rows, 1, (forward[:, 1] + 1) % 3].unique(dim=0).tolist() == [[1.0, 0.0, 0.0]]
    assert tasks.reward_mean[rows, 2].sort(dim=-1).values.unique(dim=0).tolist() == [[2.0, 2.0, 10.0]]
    assert len({*map(tuple, torch.cat([forward, last[:, None]], dim=1).tolist())}) == 27, "hidden in every state"


def test_bad_settings_and_tables_are_named() -> None:
    for settings in (
        {"num_states": 0},
        {"concentration": 0.0},
        {"concentration": float("nan")},
        {"reward_scale": -1.0},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(settings))}: expected"):
            RandomMDPs(**settings)  # type: ignore[arg-type]
    for settings in ({"num_actions": 1}, {"slip": 1.5}, {"goal_reward": float("inf")}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            ChainMDPs(**settings)  # type: ignore[arg-type]
    for settings in ({"horizon": -1}, {"episodes_per_trial": 0}, {"reward_std": -0.5}, {"horizon": 2.5}):
        with pytest.raises(ValueError, match=f"{next(iter(settings))}: expected"):
            TabularEnv(**settings)  # type: ignore[arg-type]
    tasks = RandomMDPs(3, 2).sample(4, generator())
    with pytest.raises(ValueError, match="sum to 1"):
        TabularEnv(3, 2).reset(tasks._replace(transition=tasks.transition / 2), generator())
    with pytest.raises(ValueError, match=r"expected \[B, S, A, S\] = \(B, 10, 5, 10\), got \(4, 3, 2, 3\)"):
        TabularEnv().reset(tasks, generator())
    with pytest.raises(TypeError, match="expected TabularTasks, got tuple"):
        TabularEnv(3, 2).reset(tuple(tasks), generator())  # type: ignore[arg-type]
