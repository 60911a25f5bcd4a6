import itertools
from fractions import Fraction
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rl2lib.agents.bandit import Counts, Oracle, Thompson
from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle, DependentBanditOptimal
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import EASY, HARD, MEDIUM, TWO_POINT, UNIFORM, BanditEnv, DependentBandits
from rl2lib.tasks.pomdp import CorridorEnv, Corridors
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import StepInput, Trajectory


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def counts_of(history: list[tuple[int, bool]]) -> Counts:
    """The counts of pulls (arm, paid), one bandit."""
    successes, failures = torch.zeros(1, 2), torch.zeros(1, 2)
    for arm, paid in history:
        (successes if paid else failures)[0, arm] += 1
    return Counts(successes, failures, len(history))


# --- the dependent bandit


def by_enumeration(values: tuple[Fraction, ...] | None, num_pulls: int) -> Fraction:
    """The optimum over all histories (arm, reward), each with Bayes' rule over tasks, in exact fractions."""

    def evidence(history: tuple[tuple[int, int], ...]) -> Fraction:
        """The probability of these rewards, given the arms."""
        for_p = sum(arm != reward for arm, reward in history)  # arm 0 paying 1, arm 1 paying 0
        against = len(history) - for_p
        if values is None:  # ∫ p^h (1 - p)^(t - h) dp = h! (t - h)! / (t + 1)!
            integral = Fraction(1, len(history) + 1)
            for i in range(for_p):
                integral *= Fraction(i + 1, against + i + 1)
            return integral
        return sum((p**for_p * (1 - p) ** against for p in values), Fraction(0)) / len(values)

    def solve(history: tuple[tuple[int, int], ...]) -> Fraction:
        """The rewards still to come, times the probability of the history."""
        if len(history) == num_pulls:
            return Fraction(0)
        paid = [evidence((*history, (arm, 1))) for arm in (0, 1)]
        return max(paid[arm] + sum(solve((*history, (arm, reward))) for reward in (0, 1)) for arm in (0, 1))

    return solve(())


def test_ten_pulls_of_the_two_point_bandit_are_worth_nine_and_a_half() -> None:
    agent = DependentBanditOptimal(TWO_POINT, 10)
    assert agent.value == 9.5 and agent.informed_value == 10.0


def test_values_by_hand() -> None:
    """p is .1 or .9: a first pull pays .5; then the likelier arm pays .9² + .1² = .82."""
    agent = DependentBanditOptimal(EASY, 2)
    assert agent.value == pytest.approx(0.5 + 0.82) and agent.informed_value == pytest.approx(1.8)
    # U[0, 1]: 1/2, then 2/3
    uniform = DependentBanditOptimal(UNIFORM, 2)
    assert uniform.value == pytest.approx(1 / 2 + 2 / 3) and uniform.informed_value == pytest.approx(1.5)
    assert DependentBanditOptimal(DependentBandits((0.3,)), 7).value == pytest.approx(7 * 0.7), "nothing to learn"


@pytest.mark.parametrize(
    "tenths", [(1, 9), (4, 6), (0, 10), (2, 5, 6), (3, 3, 9), (7,), None], ids=lambda tenths: str(tenths)
)
@pytest.mark.parametrize("num_pulls", [1, 4])
def test_values_equal_an_enumeration_of_all_histories(tenths: tuple[int, ...] | None, num_pulls: int) -> None:
    values = tuple(Fraction(p, 10) for p in tenths) if tenths else None
    distribution = DependentBandits(tuple(map(float, values)) if values else None)
    exact = float(by_enumeration(values, num_pulls))
    assert DependentBanditOptimal(distribution, num_pulls).value == pytest.approx(exact, abs=1e-12)


def test_a_fine_grid_of_values_comes_to_the_uniform_prior() -> None:
    grid = DependentBandits(tuple((i + 0.5) / 400 for i in range(400)))
    ours, limit = (DependentBanditOptimal(d, 30).value for d in (grid, UNIFORM))
    assert ours == pytest.approx(limit, abs=1e-3)


def test_long_trials_do_not_underflow() -> None:
    """Long trials of a clear case lose only what the first few pulls cost."""
    agent = DependentBanditOptimal(EASY, 1000)
    assert 0 < agent.informed_value - agent.value < 1.0
    last = agent.belief(Counts(torch.tensor([[900.0, 0.0]]), torch.tensor([[99.0, 0.0]]), 999))
    assert last.tolist() == [[pytest.approx(0.0, abs=1e-12), pytest.approx(1.0)]]


@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=12),
)
def test_the_belief_is_bayes_rule_applied_step_by_step(tenths: list[int], history: list[tuple[int, bool]]) -> None:
    """b'(p) = η P(r | p, a) b(p), from the equal prior (eq. 1 of Alver & Precup 2021)."""
    values = tuple(p / 10 for p in tenths)
    agent = DependentBanditOptimal(DependentBandits(values), 13)
    belief = [Fraction(1)] * len(values)
    for arm, paid in history:
        for i, p in enumerate(tenths):
            mean = Fraction(p, 10) if arm == 0 else 1 - Fraction(p, 10)
            belief[i] *= mean if paid else 1 - mean
    if not sum(belief):
        with pytest.raises(ValueError, match="counts: expected what one of the values"):
            agent.belief(counts_of(history))
        return
    expected = [float(b / sum(belief)) for b in belief]
    assert agent.belief(counts_of(history))[0].tolist() == pytest.approx(expected, abs=1e-12)
    mean = sum(b * p for b, p in zip(expected, values, strict=True))
    optimal = agent.optimal_actions(counts_of(history))[0].tolist()
    assert optimal == [mean > 0.5 - 1e-9, mean < 0.5 + 1e-9]


def test_one_pull_tells_the_two_point_bandit_and_ties_are_shown() -> None:
    agent = DependentBanditOptimal(TWO_POINT, 10)
    assert agent.optimal_actions(counts_of([])).tolist() == [[True, True]]
    assert agent.choose(counts_of([]), generator()).tolist() == [0]
    for arm, paid, best in [(0, True, 0), (0, False, 1), (1, True, 1), (1, False, 0)]:
        told = counts_of([(arm, paid)])
        assert agent.choose(told, generator()).tolist() == [best]
        assert agent.belief(told).tolist() == [[best, 1 - best]], "values are 0 and 1"


@pytest.mark.parametrize("distribution", [TWO_POINT, EASY, MEDIUM, HARD, UNIFORM, DependentBandits((0.2, 0.5, 0.6))])
def test_playing_it_earns_its_value(distribution: DependentBandits) -> None:
    agent, tasks = DependentBanditOptimal(distribution, 20), distribution.sample(8_000, generator(3))
    result = evaluate({"optimal": agent, "told": Oracle(), "thompson": Thompson(2)}, BanditEnv(2, 20), tasks, seed=0)
    score = result["optimal"].score
    assert abs(score.mean - agent.value) < 4 * score.standard_error + 1e-6
    assert abs(result["told"].score.mean - agent.informed_value) < 4 * result["told"].score.standard_error + 1e-5
    assert result["thompson"].behind_best.low > 0


# --- the corridor


def steps_by_episode(trajectory: Trajectory, num_episodes: int) -> Tensor:
    """How long each episode took, [B, E]."""
    ends = trajectory.episode_end.nonzero()[:, 1].reshape(-1, num_episodes) + 1
    return ends.diff(dim=1, prepend=torch.zeros(len(ends), 1, dtype=torch.int64))


def play(agent: CorridorOptimal, env: CorridorEnv, sides: Tensor) -> Trajectory:
    return rollout(agent, env, sides, policy_generator=generator(), env_generator=generator())


@pytest.mark.parametrize("half_length", [1, 2, 5, 10, 17])
def test_the_corridor_takes_3d_steps_over_two_episodes_and_2d_if_told(half_length: int) -> None:
    agent, told = CorridorOptimal(half_length), CorridorOracle(half_length)
    assert agent.expected_steps == (2 * half_length, half_length) and sum(agent.expected_steps) == 3 * half_length
    assert told.expected_steps == (half_length, half_length)
    assert agent.value == told.value == 20.0
    env, sides = CorridorEnv(half_length), torch.tensor([0, 1])
    lengths = steps_by_episode(play(agent, env, sides), 2)
    assert lengths.tolist() == [[half_length] * 2, [3 * half_length, half_length]]
    assert steps_by_episode(play(told, env, sides), 2).tolist() == [[half_length] * 2] * 2


def test_the_papers_fifteen_steps_are_a_total_at_five_and_a_mean_at_ten() -> None:
    assert sum(CorridorOptimal(5).expected_steps) == 15
    assert sum(CorridorOptimal(10).expected_steps) / 2 == 15
    assert CorridorOracle(10).expected_steps == (10, 10)


@pytest.mark.parametrize("horizon", [1, 2, 3, 5, 6, 8, 9, 30])
@pytest.mark.parametrize("episodes", [1, 3])
@pytest.mark.parametrize("kind", [CorridorOptimal, CorridorOracle])
def test_values_and_steps_are_those_of_playing_both_sides(
    kind: type[CorridorOptimal], episodes: int, horizon: int
) -> None:
    agent = kind(3, horizon, episodes, goal_reward=2.0)
    played = play(agent, CorridorEnv(3, horizon, episodes, goal_reward=2.0), torch.tensor([0, 1]))
    assert played.trial_return().mean().item() == agent.value
    assert tuple(steps_by_episode(played, episodes).double().mean(dim=0).tolist()) == agent.expected_steps


def best_discounted_return(half_length: int, horizon: int, episodes: int, discount: float) -> float:
    """The optimum over beliefs, by backward induction: the goal's side is unknown (None), left (0) or right (1)."""
    last = 2 * half_length

    @cache
    def solve(known: int | None, cell: int, time: int, episode: int) -> float:
        if episode == episodes:
            return 0.0
        values = []
        for action in (-1, 1):
            arrived, value = min(max(cell + action, 0), last), 0.0
            sides = (0, 1) if known is None else (known,)
            for side in sides:
                paid = arrived == side * last
                told = side if arrived in (0, last) else known  # an end tells, whether it pays or not
                if paid or time + 1 == horizon:
                    future = solve(told, half_length, 0, episode + 1)
                else:
                    future = solve(told, arrived, time + 1, episode)
                value += (paid + discount * future) / len(sides)
            values.append(value)
        return max(values)

    return solve(None, half_length, 0, 0)


@pytest.mark.parametrize(("half_length", "episodes"), [(1, 3), (2, 2), (3, 2), (4, 1)])
def test_no_policy_earns_more_with_a_discount_or_without(half_length: int, episodes: int) -> None:
    for horizon, discount in itertools.product(range(1, 4 * half_length), (0.8, 0.99, 1.0)):
        env = CorridorEnv(half_length, horizon, episodes, goal_reward=1.0)
        played = play(CorridorOptimal(half_length, horizon, episodes), env, torch.tensor([0, 1]))
        weights = discount ** torch.arange(played.reward.shape[1], dtype=torch.float64)
        earned = (played.reward.double() * weights).sum(dim=1).mean().item()
        optimum = best_discounted_return(half_length, horizon, episodes, discount)
        assert earned == pytest.approx(optimum, abs=1e-12), (horizon, discount)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**31), st.integers(0, 1))
def test_the_corridors_belief_is_bayes_rule_on_any_walk(half_length: int, horizon: int, seed: int, side: int) -> None:
    """A side's posterior is what its own environment would have shown: all of the history, or not."""
    steps, agent = 20, CorridorOptimal(half_length)
    walk = torch.randint(2, (steps,), generator=generator(seed))
    env = CorridorEnv(half_length, horizon, episodes_per_trial=steps)
    shown = [env.reset(torch.tensor([0, 1]), generator())]  # both sides, side by side
    paid, ended = [torch.zeros(2)], [torch.zeros(2)]
    for action in walk:
        step = env.step(action.expand(2))
        shown.append(step.observation)
        paid.append(step.reward)
        ended.append(step.episode_end.float())
    alike = torch.ones(2, dtype=torch.bool)
    state = agent.initial_state(1)
    for t in range(steps):
        alike = alike & (paid[t] == paid[t][side]) & (shown[t] == shown[t][side]).all(dim=1)
        before = walk[t - 1 : t] if t else torch.zeros(1, dtype=torch.int64)
        inputs = StepInput(shown[t][side][None], before, paid[t][side][None], ended[t][side][None])
        action, state = agent.act(state, inputs, generator())
        expected = alike.double() / alike.sum()
        assert state.right.item() == expected[1].item()
        cell = int(shown[t][side].argmax())
        known = 0 if expected[0] == 1 else 1
        nearer = 0 if cell <= half_length else 1
        assert action.item() == (nearer if alike.all() else known)


def test_playing_the_corridor_takes_the_expected_steps_on_sampled_tasks() -> None:
    g = make_generators(4, "tasks", "policy", "env")
    agent, sides = CorridorOptimal(5), Corridors().sample(2_000, g["tasks"])
    for _ in range(2):  # the second trial must not remember the first
        played = rollout(agent, CorridorEnv(5), sides, policy_generator=g["policy"], env_generator=g["env"])
        first, second = steps_by_episode(played, 2).double().unbind(dim=1)
        estimate = mean_estimate(first)
        assert abs(estimate.mean - agent.expected_steps[0]) < 4 * estimate.standard_error
        assert (second == agent.expected_steps[1]).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="num_pulls: expected at least 1"):
        DependentBanditOptimal(EASY, 0)
    agent = DependentBanditOptimal(EASY, 2)
    with pytest.raises(ValueError, match="at most 1 pulls"):
        agent.choose(counts_of([(0, True), (0, True)]), generator())
    half = torch.tensor([[0.5, 0.0]])
    with pytest.raises(ValueError, match="rewards of 0 or 1"):
        agent.choose(Counts(half, half, 1), generator())
    with pytest.raises(ValueError, match="its posterior is a Beta"):
        DependentBanditOptimal(UNIFORM, 2).belief(counts_of([]))
    with pytest.raises(ValueError, match="half_length: expected at least 1"):
        CorridorOptimal(0)
    with pytest.raises(ValueError, match="goal_reward: expected a number above 0"):
        CorridorOptimal(2, goal_reward=0.0)
    with pytest.raises(ValueError, match="must be told"):
        CorridorOracle(2).initial_state(1)
    corridor = CorridorOptimal(2)
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, 2d \+ 1\] = \(1, 5\)"):
        corridor.act(corridor.initial_state(1), StepInput.first(torch.zeros(1, 3)), generator())
    middle = torch.tensor([[0.0, 0, 1, 0, 0]])
    _, state = corridor.act(corridor.initial_state(1), StepInput.first(middle), generator())
    with pytest.raises(ValueError, match="prev_reward: expected what one of the two corridors pays"):
        corridor.act(state, StepInput(middle, torch.zeros(1).long(), torch.ones(1), torch.ones(1)), generator())
