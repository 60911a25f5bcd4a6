import pytest
import torch

from rl2lib.agents.cores import GRU, Activation
from rl2lib.agents.recurrent import (
    RecurrentBaseline,
    RecurrentPolicy,
    StepEmbedding,
)
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory

VARIANTS: list[tuple[bool, Activation]] = [(False, "tanh"), (True, "tanh"), (False, "relu"), (True, "relu")]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy(weight_norm: bool = False, activation: Activation = "tanh", seed: int = 0) -> RecurrentPolicy:
    return RecurrentPolicy((1,), 3, 16, generator=generator(seed), weight_norm=weight_norm, activation=activation)


def played(policy: RecurrentPolicy, num_trials: int = 8, num_pulls: int = 7) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(3).sample(num_trials, g["tasks"])
    env = BanditEnv(3, num_pulls)
    return rollout(policy, env, tasks, policy_generator=g["policy"], env_generator=g["env"])


def test_embedding_by_hand() -> None:
    embed = StepEmbedding((2,), 3)
    row = embed(StepInput(torch.tensor([[7.0, 8.0]]), torch.tensor([1]), torch.tensor([-0.5]), torch.tensor([1.0])))
    assert row.tolist() == [[7.0, 8.0, 0.0, 1.0, 0.0, -0.5, 1.0]] and embed.size == 7
    start = embed(StepInput.first(torch.zeros(1, 2)))
    assert start.tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]], "action 0 as a placeholder is its one-hot"


def test_embedding_flattens_observations_of_any_shape_at_every_step() -> None:
    embed = StepEmbedding((2, 3), 2)
    inputs = StepInput(
        torch.arange(48.0).reshape(2, 4, 2, 3), torch.zeros(2, 4).long(), torch.zeros(2, 4), torch.zeros(2, 4)
    )
    assert embed(inputs).shape == (2, 4, embed.size) == (2, 4, 10)
    assert embed(inputs)[1, 0, :6].tolist() == list(range(24, 30))


def test_the_gru_is_torchs_gru() -> None:
    ours, theirs = GRU(5, 8, generator=generator()), torch.nn.GRU(5, 8, batch_first=True)
    with torch.no_grad():
        for mine, its in zip(ours.weights(), theirs.parameters(), strict=True):
            mine.uniform_(-1, 1, generator=generator(1))  # biases too
            its.copy_(mine)
    x, h = torch.randn(4, 6, 5, generator=generator(2)), torch.randn(4, 8, generator=generator(3))
    states, last = ours(x, h)
    expected, expected_last = theirs(x, h[None])
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(last, expected_last[0])
    torch.testing.assert_close(ours.step(x[:, 0], h)[0], expected[:, 0])


def test_the_relu_cell_is_the_gru_with_its_candidate_rectified() -> None:
    gru = GRU(2, 3, generator=generator(), activation="relu")
    x, h = torch.randn(1, 2, generator=generator(1)), torch.randn(1, 3, generator=generator(2))
    (w_r, w_z, w_n), (u_r, u_z, u_n) = gru.weight_ih.chunk(3), gru.weight_hh.chunk(3)
    reset, update = torch.sigmoid(x @ w_r.T + h @ u_r.T), torch.sigmoid(x @ w_z.T + h @ u_z.T)
    new = torch.relu(x @ w_n.T + reset * (h @ u_n.T))
    torch.testing.assert_close(gru.step(x, h)[0], (1 - update) * new + update * h)


def test_initialisation_is_the_papers() -> None:
    """Appendix A: hidden-to-hidden orthogonal, the other matrices Xavier, biases zero."""
    policy = RecurrentPolicy((1,), 5, 64, generator=generator())
    for gate in policy.core.weight_hh.chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(64), atol=1e-5, rtol=0)
    for gate in policy.core.weight_ih.chunk(3):
        bound = (6 / (64 + 8)) ** 0.5
        assert 0.95 * bound < gate.abs().max() <= bound
    bound = (6 / (64 + 5)) ** 0.5
    assert 0.95 * bound < policy.head.weight.abs().max() <= bound
    for bias in (policy.core.bias_ih, policy.core.bias_hh, policy.head.bias):
        assert not bias.any()


def test_initial_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    first = make_policy(seed=3)
    torch.manual_seed(2)
    again, other = make_policy(seed=3), make_policy(seed=4)
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(first.core.weight_hh, other.core.weight_hh)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_weight_norm_starts_as_the_same_function_and_trains_length_and_direction(
    activation: Activation,
) -> None:
    plain, normed = make_policy(False, activation), make_policy(True, activation)
    inputs = played(plain).step_inputs()
    logits, _ = normed.unroll(inputs)
    torch.testing.assert_close(logits, plain.unroll(inputs)[0])
    logits.square().sum().backward()
    names = dict(normed.named_parameters())
    assert len(names) == 3 + 2 * 3, "three matrices, each length and direction, and three biases"
    for name, parameter in names.items():
        assert parameter.grad is not None and parameter.grad.any(), name
    with torch.no_grad():
        names["core.parametrizations.weight_hh.original0"].mul_(2.0)
    torch.testing.assert_close(normed.core.weight_hh, 2 * plain.core.weight_hh)


@pytest.mark.parametrize(("weight_norm", "activation"), VARIANTS)
def test_acted_log_probabilities_equal_unrolled_ones(weight_norm: bool, activation: Activation) -> None:
    policy = make_policy(weight_norm, activation)
    trajectory = played(policy)
    inputs, state, acted = trajectory.step_inputs(), policy.initial_state(8), []
    for t in range(trajectory.action.shape[1]):
        logits, state = policy.step(state, StepInput(*(x[:, t] for x in inputs)))
        acted.append(logits.log_softmax(-1).gather(-1, trajectory.action[:, t, None])[:, 0])
    unrolled, last = policy.unroll(inputs)
    torch.testing.assert_close(action_log_probs(unrolled, trajectory.action), torch.stack(acted, dim=1))
    torch.testing.assert_close(last, state)


def test_an_unroll_may_be_cut_in_two() -> None:
    policy = make_policy()
    inputs = played(policy).step_inputs()
    whole, _ = policy.unroll(inputs)
    first, state = policy.unroll(StepInput(*(x[:, :3] for x in inputs)))
    second, _ = policy.unroll(StepInput(*(x[:, 3:] for x in inputs)), state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_changed_reward_reaches_later_logits_of_its_own_trial_and_nothing_else(
    activation: Activation,
) -> None:
    policy = make_policy(activation=activation)
    trajectory = played(policy)
    reward = trajectory.reward.clone()
    reward[2, 3] += 1.0
    before, _ = policy.unroll(trajectory.step_inputs())
    after, _ = policy.unroll(trajectory._replace(reward=reward).step_inputs())
    changed = (before != after).any(dim=-1)
    assert changed[2, 4:].all(), "what follows must be able to learn from it"
    changed[2, 4:] = False
    assert not changed.any()


def test_the_state_survives_the_end_of_an_episode() -> None:
    """Two histories that differ only in their first episode still differ after its end."""
    policy = make_policy()
    trajectory = played(policy, num_trials=1)
    assert trajectory.episode_end.all()
    reward = trajectory.reward.clone()
    reward[0, 0] = 1 - reward[0, 0]
    states = [policy.unroll(t.step_inputs())[1] for t in (trajectory, trajectory._replace(reward=reward))]
    assert (states[0] - states[1]).abs().max() > 1e-4


def test_greedy_takes_the_likeliest_action_and_sampled_its_probability() -> None:
    policy = make_policy()
    with torch.no_grad():
        policy.head.weight.zero_()
        policy.head.bias.copy_(torch.tensor([0.2, 0.5, 0.3]).log())
    inputs = StepInput.first(torch.zeros(40_000, 1))
    state = policy.initial_state(40_000)
    actions, _ = policy.act(state, inputs, generator())
    shares = torch.bincount(actions, minlength=3) / 40_000
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.5, 0.3]), atol=0.0125, rtol=0)
    twin = policy.acting("greedy")
    assert (twin.act(state, inputs, generator())[0] == 1).all()
    assert policy.mode == "sampled" and twin.mode == "greedy"


def test_a_twin_shares_the_weights_even_after_they_change() -> None:
    policy = make_policy()
    twin = policy.acting("greedy")
    with torch.no_grad():
        policy.head.bias.add_(1.0)
    assert torch.equal(twin.head.bias, policy.head.bias)
    policy.load_state_dict(make_policy(seed=9).state_dict())
    assert torch.equal(twin.core.weight_hh, policy.core.weight_hh)


def test_the_baseline_is_a_network_of_its_own_and_never_sees_the_action_it_judges() -> None:
    policy = make_policy()
    baseline = RecurrentBaseline((1,), 3, 16, generator=generator(1))
    trajectory = played(policy)
    values = baseline.values(trajectory.step_inputs())
    assert values.shape == trajectory.action.shape
    action, reward = trajectory.action.clone(), trajectory.reward.clone()
    action[:, 4], reward[:, 4] = (action[:, 4] + 1) % 3, reward[:, 4] + 1
    changed = baseline.values(trajectory._replace(action=action, reward=reward).step_inputs()) != values
    assert not changed[:, :5].any() and changed[:, 5:].all()


def test_logits_that_are_not_finite_are_told_not_played() -> None:
    policy = make_policy().acting("greedy")
    with torch.no_grad():
        policy.head.bias[1] = float("nan")
    with pytest.raises(FloatingPointError, match="logits"):
        policy.act(policy.initial_state(2), StepInput.first(torch.zeros(2, 1)), generator())


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match='"tanh" or "relu"'):
        GRU(2, 2, generator=generator(), activation="sigmoid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='"sampled" or "greedy"'):
        make_policy().acting("best")  # type: ignore[arg-type]
