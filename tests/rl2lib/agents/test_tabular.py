import itertools
import math
from typing import NamedTuple

import pytest
import torch
from scipy import stats
from torch import Tensor

from rl2lib.agents import bandit
from rl2lib.agents.optimism import BEB, SCALINGS, UCRL2, TransitionBlind
from rl2lib.agents.posterior import FLAT, NO_PRIOR, TABULARL, TRUE_PRIOR, Posterior, Prior
from rl2lib.agents.tabular import OPSRL, PSRL, EpsilonGreedy, Greedy, Memory, Oracle, TabularAgent, Update
from rl2lib.evaluation.evaluate import Comparison, evaluate
from rl2lib.rollout import rollout
from rl2lib.tasks import sampling
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, Step, StepInput


class SmallMDPs(NamedTuple):
    """N tasks: transition probabilities [N, S, A, S] and expected rewards [N, S, A]."""

    transition: Tensor
    reward_mean: Tensor


class SmallEnv:
    """Episodes of `horizon` steps from state 0, rewards N(mean, 1), the state as a one-hot vector."""

    def __init__(self, num_states: int, num_actions: int, horizon: int, num_episodes: int) -> None:
        self.observation_shape = (num_states,)
        self.num_states, self.num_actions = num_states, num_actions
        self.horizon, self.num_episodes = horizon, num_episodes

    def reset(self, tasks: SmallMDPs, generator: torch.Generator) -> Tensor:
        self.tasks, self.generator, self.steps = tasks, generator, 0
        self.row = torch.arange(len(tasks.reward_mean))
        self.state = torch.zeros_like(self.row)
        return self.observation()

    def observation(self) -> Tensor:
        return torch.nn.functional.one_hot(self.state, self.num_states).float()

    def step(self, actions: Tensor) -> Step:
        self.steps += 1
        mean = self.tasks.reward_mean[self.row, self.state, actions]
        probability = self.tasks.transition[self.row, self.state, actions]
        reward = sampling.normal(mean, torch.ones_like(mean), self.generator)
        following = sampling.categorical(probability.log(), self.generator)
        ended = torch.full_like(self.row, self.steps % self.horizon == 0, dtype=torch.bool)
        self.state = torch.where(ended, 0, following)
        last = ended & (self.steps >= self.horizon * self.num_episodes)
        return Step(self.observation(), reward, ended, ended, last, mean)


def random_mdps(num: int, seed: int = 0, num_states: int = 10, num_actions: int = 5) -> SmallMDPs:
    generator = torch.Generator().manual_seed(seed)
    pairs = (num, num_states, num_actions)
    transition = sampling.dirichlet(torch.ones(*pairs, num_states), generator)
    return SmallMDPs(transition, 1 + torch.randn(pairs, generator=generator))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def at(
    states: list[int], num_states: int, action: int = 0, reward: float = 0.0, ends: list[int] | None = None
) -> StepInput:
    observation = torch.nn.functional.one_hot(torch.tensor(states), num_states).float()
    size = len(states)
    end = torch.tensor(ends or [0] * size).float()
    return StepInput(observation, torch.full((size,), action), torch.full((size,), reward), end)


def believing(prior: Prior, mean: list[list[float]], copies: int = 1, precision: float | None = None) -> Posterior:
    """A belief with the given mean rewards [S][A]."""
    means = torch.tensor(mean).expand(copies, -1, -1)
    posterior = prior.posterior(copies, means.shape[1], means.shape[2])
    known = posterior.reward_precision if precision is None else torch.full_like(means, precision)
    return posterior._replace(reward_mean=means, reward_precision=known)


AGENTS: list[TabularAgent] = [
    Greedy(3, 2, 4),
    Greedy(3, 2, 4, TRUE_PRIOR, "step"),
    EpsilonGreedy(3, 2, 4, 0.5),
    PSRL(3, 2, 4),
    OPSRL(3, 2, 4, 3, TRUE_PRIOR),
    BEB(3, 2, 4),
    BEB(3, 2, 4, update="step"),
    UCRL2(3, 2, 4),
    UCRL2(3, 2, 4, prior=TRUE_PRIOR, update="step", compounding=True),
    TransitionBlind(3, 2, 4),
    TransitionBlind(3, 2, 4, prior=TABULARL, update="episode"),
]


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: f"{type(agent).__name__}-{agent.update}")
def test_a_state_lives_for_one_trial_and_learns_what_was_played(agent: TabularAgent) -> None:
    tasks, env, g = random_mdps(5, 1, 3, 2), SmallEnv(3, 2, 4, 3), make_generators(0, "policy", "env")
    for _ in range(2):  # the second trial must not remember the first
        played = rollout(agent, env, tasks, policy_generator=g["policy"], env_generator=g["env"])
        state, inputs = agent.initial_state(5), played.step_inputs()
        for t in range(12):
            _, state = agent.act(state, StepInput(*(x[:, t] for x in inputs)), generator())
        start = agent.prior.posterior(5, 3, 2)
        moves, pulls = torch.zeros(5, 3, 2, 3), torch.zeros(5, 3, 2)
        for row in range(5):
            for t in range(11):
                here, after = (int(played.observation[row, u].argmax()) for u in (t, t + 1))
                pulls[row, here, played.action[row, t]] += 1
                if not played.episode_end[row, t]:
                    moves[row, here, played.action[row, t], after] += 1
        torch.testing.assert_close(state.posterior.concentration, start.concentration + moves)
        torch.testing.assert_close(state.posterior.reward_precision, start.reward_precision + pulls)
        assert moves.sum() == 5 * 9, "an episode's last transition is never seen"
        assert state.episode.tolist() == [3] * 5 and state.time.tolist() == [3] * 5


def test_the_first_steps_placeholder_teaches_nothing_and_the_callers_memory_stays() -> None:
    agent = Greedy(3, 2, 4, TRUE_PRIOR)
    start = agent.initial_state(1)
    _, first = agent.act(start, at([0], 3), generator())
    assert torch.equal(first.posterior.reward_precision, start.posterior.reward_precision)
    agent.act(first, at([2], 3, action=1, reward=9.0), generator())
    assert (first.posterior.reward_mean == 1.0).all() and first.time.tolist() == [0]


def test_a_plan_is_made_at_each_episodes_start_or_at_every_step() -> None:
    cases: list[tuple[Update, list[bool]]] = [("episode", [False, True]), ("step", [True, True])]
    for update, changes in cases:
        agent = Greedy(2, 2, 3, TRUE_PRIOR, update)
        _, state = agent.act(agent.initial_state(1), at([0], 2), generator())
        seen = []
        for end in (0, 1):
            before = state.values
            _, state = agent.act(state, at([0], 2, action=1, reward=50.0, ends=[end]), generator())
            seen.append(not torch.equal(before[:, 0], state.values[:, 0]))
        assert seen == changes, update


def test_a_row_whose_episode_goes_on_keeps_its_plan() -> None:
    agent = Greedy(2, 2, 5, TRUE_PRIOR)
    _, before = agent.act(agent.initial_state(2), at([0, 0], 2), generator())
    _, after = agent.act(before, at([0, 0], 2, action=1, reward=50.0, ends=[1, 0]), generator())
    assert torch.equal(before.values[1], after.values[1]) and not torch.equal(before.values[0], after.values[0])
    assert after.time.tolist() == [0, 1] and after.episode.tolist() == [2, 1]


@pytest.mark.parametrize("update", ["episode", "step"])
def test_what_is_best_depends_on_the_steps_left(update: Update) -> None:
    """Working (action 0) pays 1 and stays, leaving pays nothing, then 5 once, then nothing: leave at the last call.

    That is worth 8 in five steps; whoever always works, or always leaves, has 5.
    """
    transition = torch.zeros(1, 3, 2, 3)
    transition[0, 0, 0, 0] = transition[0, 0, 1, 1] = 1.0
    transition[0, 1:, :, 2] = 1.0
    tasks = SmallMDPs(transition, torch.tensor([[[1.0, 0.0], [5.0, 4.0], [0.0, -1.0]]]))

    class Sure(Greedy):
        def initial_state(self, batch_size: int, tasks_: object = None) -> Memory:
            sure = Posterior(1e4 * transition + 1e-4, tasks.reward_mean, torch.full((1, 3, 2), 1e6), 1.0)
            return super().initial_state(batch_size)._replace(posterior=sure)

    for agent in (Oracle(5), Sure(3, 2, 5, update=update)):
        g = make_generators(0, "policy", "env")
        env = SmallEnv(3, 2, 5, 2)
        played = rollout(agent, env, tasks, policy_generator=g["policy"], env_generator=g["env"])
        assert played.action.tolist() == [[0, 0, 0, 1, 0] * 2], type(agent)


def test_the_oracle_must_be_told() -> None:
    with pytest.raises(ValueError, match="must be told"):
        Oracle(3).initial_state(2)


def test_ties_are_drawn_and_epsilon_explores() -> None:
    values = torch.tensor([1.0, 3.0, 3.0, 2.0]).expand(40_000, -1)
    shares = torch.bincount(Greedy(1, 4, 1).choose(values, generator()), minlength=4) / 40_000
    torch.testing.assert_close(shares, torch.tensor([0.0, 0.5, 0.5, 0.0]), atol=0.0125, rtol=0)
    shares = torch.bincount(EpsilonGreedy(1, 4, 1, 0.4).choose(values, generator()), minlength=4) / 40_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.4, 0.4, 0.1]), atol=0.0125, rtol=0)


def test_psrl_acts_with_the_posterior_probability_of_being_best() -> None:
    """One state, one step: P(N(.3, 1/2) > N(0, 1/2)) = Φ(.3), variances being 1/2."""
    agent, n = PSRL(1, 2, 1), 40_000
    posterior = believing(TABULARL, [[0.3, 0.0]], n, precision=2.0)
    values = agent.plan(posterior, torch.ones(n), 1, generator())
    share = (agent.choose(values[:, 0, 0], generator()) == 0).float().mean().item()
    assert share == pytest.approx(stats.norm.cdf(0.3), abs=0.0125)


def test_opsrl_believes_the_best_of_its_samples() -> None:
    """The expected maximum of two standard normals is 1/√π, of one 0."""
    n = 40_000
    posterior = TABULARL.posterior(n, 1, 1)
    for num_samples, expected in ((1, 0.0), (2, math.pi**-0.5)):
        values = OPSRL(1, 1, 1, num_samples).plan(posterior, torch.ones(n), 1, generator())
        assert values.mean().item() == pytest.approx(expected, abs=0.026)


def test_beb_by_hand() -> None:
    """T = 3, scaling .1, so β = 1.8; precision 1, two next states of concentration 1: bonuses 1/2 and 1.8 i."""
    values = BEB(2, 1, 3, scaling=0.1).plan(TABULARL.posterior(1, 2, 1), torch.ones(1), 3, generator())
    expected = [0.5, 0.5 + 1.8 + 0.5, 0.5 + 2 * 1.8 + 0.5 + 1.8 + 0.5]
    assert values[0, :, 0, 0].tolist() == pytest.approx(expected)


def test_ucrl2_by_hand() -> None:
    """One step: the widest reward after 0 or 1 try, then half as wide after 4; its log grows with the episode."""
    agent = UCRL2(2, 1, 1, scaling=0.5)
    posterior = NO_PRIOR.posterior(2, 2, 1)
    posterior = posterior._replace(reward_precision=posterior.reward_precision + torch.tensor([[[0.0], [4.0]]]))
    values = agent.plan(posterior, torch.tensor([1, 7]), 1, generator())[:, 0, :, 0]
    for row, episode in enumerate((1, 7)):
        width = 0.5 * math.sqrt(4 * math.log(2 * 2 * 1 * (episode + 1) / 0.05))
        assert values[row].tolist() == pytest.approx([width, width / 2], rel=1e-4)
    # two steps: state 1 is worth 9 more, moves to it were seen 1 time of 100 and a slack of √(4 · 2 L / 100) helps
    counts = torch.tensor([99.0, 1.0]).expand(1, 2, 1, 2)
    known = Posterior(counts + 1e-5, torch.tensor([[[0.0], [9.0]]]), torch.full((1, 2, 1), 1e8), 1.0)
    slack = 0.5 * math.sqrt(8 * math.log(4 * 2 / 0.05) / 100)
    reached = agent.plan(known, torch.tensor([1]), 2, generator())[0, 1, 0, 0].item()
    assert reached == pytest.approx(9 * (0.01 + slack / 2), rel=1e-2)


def test_ucrl2_counts_what_was_seen_and_not_its_prior() -> None:
    """Four tries under the true prior: a width of √(4 L / 4) for rewards and of √(8 L / 4) for moves."""
    agent = UCRL2(2, 1, 2, scaling=0.01, prior=TRUE_PRIOR)
    moves = torch.tensor([5.0, 1.0]).expand(1, 2, 1, 2)
    seen = Posterior(moves, torch.tensor([[[0.0], [9.0]]]), torch.full((1, 2, 1), 5.0), 1.0)
    log = math.log(2 * 2 * 1 * 2 / 0.05)
    width, slack = 0.01 * math.sqrt(log), 0.01 * math.sqrt(2 * log)
    reached = agent.plan(seen, torch.tensor([1]), 2, generator())[0, 1, 0, 0].item()
    assert reached == pytest.approx(2 * width + 9 * (1 / 6 + slack / 2), rel=1e-5)


def test_transition_blind_by_hand() -> None:
    posterior = believing(TRUE_PRIOR, [[1.0, 0.4]])
    posterior.reward_precision[0, 0, 0] = 4.0  # deviations 1/2 and 1
    for c, chosen in ((1.1, 0), (1.3, 1)):
        values = TransitionBlind(1, 2, 3, c).plan(posterior, torch.ones(1), 3, generator())
        assert values.shape == (1, 3, 1, 2) and values[0, 2, 0].argmax().item() == chosen


def test_priors_are_those_of_the_published_columns() -> None:
    own = {agent: agent(2, 2, 2).prior for agent in (Greedy, EpsilonGreedy, PSRL, OPSRL, BEB, UCRL2, TransitionBlind)}
    assert own == {
        Greedy: FLAT,
        EpsilonGreedy: FLAT,
        PSRL: TABULARL,
        OPSRL: TABULARL,
        BEB: TABULARL,
        UCRL2: NO_PRIOR,
        TransitionBlind: TRUE_PRIOR,
    }
    assert len(SCALINGS) == 21 and SCALINGS[0] == pytest.approx(1e-4) and SCALINGS[-1] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def table2() -> Comparison:
    size = (10, 5, 10)
    agents: dict[str, Policy] = {
        "random": bandit.Random(5),
        "oracle": Oracle(10),
        "psrl": PSRL(*size),
        "opsrl": OPSRL(*size, num_samples=5),
        "ucrl2": UCRL2(*size, scaling=0.063),
        "beb": BEB(*size, scaling=1.6e-3),
        "epsilon-greedy": EpsilonGreedy(*size),
        "greedy": Greedy(*size),
        "greedy, true prior": Greedy(*size, prior=TRUE_PRIOR),
        "beb, true prior": BEB(*size, prior=TRUE_PRIOR),
        "blind": TransitionBlind(*size),
        "beb, every step": BEB(*size, prior=TRUE_PRIOR, update="step"),
    }
    return evaluate(agents, SmallEnv(*size, num_episodes=10), random_mdps(1_000, seed=3), seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        # Duan et al. 2016, table 2, n = 10; errors .8
        ("random", 100.1),
        ("psrl", 138.1),
        ("opsrl", 142.5),  # 144.1 with the best number of samples
        ("ucrl2", 146.6),
        ("beb", 150.2),
        ("epsilon-greedy", 132.8),
        ("greedy", 134.8),
        # measured for this project
        ("oracle", 218.0),
        ("greedy, true prior", 154.9),
        ("beb, true prior", 157.2),
        ("blind", 161.5),
    ],
)
def test_values_of_table_2(table2: Comparison, agent: str, expected: float) -> None:
    assert table2[agent].score.mean == pytest.approx(expected, abs=3.2)


@pytest.mark.slow
def test_the_order_of_table_2_on_common_tasks(table2: Comparison) -> None:
    worst_first = ["epsilon-greedy", "psrl", "ucrl2", "greedy, true prior", "beb, true prior", "blind", "oracle"]
    for worse, better in itertools.pairwise(worst_first):
        difference = (table2.scores[better] - table2.scores[worse]).double()
        standard_error = difference.std() / len(difference) ** 0.5
        assert difference.mean() > 2 * standard_error, (worse, better)


def test_bad_settings_and_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0, 2, 3"):
        Greedy(0, 2, 3)
    with pytest.raises(ValueError, match='"episode" or "step"'):
        Greedy(2, 2, 3, update="always")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="above 0"):
        Greedy(2, 2, 3, Prior(concentration=0.0))
    with pytest.raises(ValueError, match=r"at least 0.01 to sample"):
        PSRL(2, 2, 3, FLAT)
    with pytest.raises(ValueError, match="num_samples"):
        OPSRL(2, 2, 3, num_samples=0)
    with pytest.raises(ValueError, match="epsilon"):
        EpsilonGreedy(2, 2, 3, 1.5)
    for optimist in (BEB, UCRL2):
        with pytest.raises(ValueError, match="scaling"):
            optimist(2, 2, 3, scaling=-1.0)
    with pytest.raises(ValueError, match="delta"):
        UCRL2(2, 2, 3, delta=0.0)
    with pytest.raises(ValueError, match="c: expected"):
        TransitionBlind(2, 2, 3, c=-1.0)
    agent = Greedy(2, 2, 1, TRUE_PRIOR)
    _, state = agent.act(agent.initial_state(1), at([0], 2), generator())
    with pytest.raises(ValueError, match="within 1 steps"):
        agent.act(state, at([0], 2), generator())
    with pytest.raises(ValueError, match="reward: expected finite"):
        agent.act(state, at([0], 2, reward=math.nan, ends=[1]), generator())
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, S\]"):
        agent.act(state, at([0], 3), generator())
