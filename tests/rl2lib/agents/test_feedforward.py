import math

import torch

from rl2lib.agents.feedforward import FeedForwardPolicy, Perceptron, SetHead
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy() -> FeedForwardPolicy:
    return FeedForwardPolicy((1,), 3, 16, generator=generator())


def played(policy: FeedForwardPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(3).sample(8, g["tasks"])
    return rollout(policy, BanditEnv(3, 7), tasks, policy_generator=g["policy"], env_generator=g["env"])


def test_a_perceptron_by_hand() -> None:
    network = Perceptron(2, 1, 1, generator=generator())
    with torch.no_grad():
        network.hidden.weight.copy_(torch.tensor([[1.0, -2.0]]))
        network.hidden.bias.fill_(0.5)
        network.output.weight.fill_(3.0)
        network.output.bias.fill_(-1.0)
    assert math.isclose(network(torch.tensor([0.25, 0.5])).item(), 3 * math.tanh(0.25 - 1 + 0.5) - 1, rel_tol=1e-6)


def test_a_set_head_by_hand() -> None:
    head = SetHead(1, 1, generator=generator())
    with torch.no_grad():
        head.own.weight.fill_(2.0)
        head.own.bias.fill_(0.5)
        head.common.weight.copy_(torch.tensor([[-1.0, 3.0]]))
        head.output.weight.fill_(4.0)
    logits = head(torch.tensor([[0.1], [0.3]]), torch.tensor([0.2]))
    common = -0.2 + 3 * 0.2  # the mean state is 0.2
    expected = [4 * math.tanh(2 * own + 0.5 + common) for own in (0.1, 0.3)]
    torch.testing.assert_close(logits, torch.tensor(expected))


def test_initial_weights_are_xavier_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    first = FeedForwardPolicy((1,), 5, 64, generator=generator())
    torch.manual_seed(2)
    again = FeedForwardPolicy((1,), 5, 64, generator=generator())
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
        if key.endswith("bias"):
            assert not value.any()
        else:
            bound = (6 / sum(value.shape)) ** 0.5
            assert 0.9 * bound < value.abs().max() <= bound


def test_it_has_about_as_many_weights_as_its_recurrent_twin() -> None:
    for shape, num_actions, hidden_size in (((1,), 5, 64), ((10,), 5, 128), ((3, 3), 2, 8)):
        sizes = [
            sum(p.numel() for p in kind(shape, num_actions, hidden_size, generator=generator()).parameters())
            for kind in (FeedForwardPolicy, RecurrentPolicy)
        ]
        assert sizes[0] == sizes[1] - 2 * hidden_size


def test_acted_log_probabilities_equal_unrolled_ones_and_every_weight_learns() -> None:
    policy = make_policy()
    trajectory = played(policy)
    inputs, state = trajectory.step_inputs(), policy.initial_state(8)
    assert state.shape == (8, 0)
    acted = []
    for t in range(7):
        logits, state = policy.step(state, StepInput(*(x[:, t] for x in inputs)))
        acted.append(logits.log_softmax(-1).gather(-1, trajectory.action[:, t, None])[:, 0])
    unrolled, last = policy.unroll(inputs)
    assert last.shape == state.shape == (8, 0)
    unrolled_log_probs = action_log_probs(unrolled, trajectory.action)
    torch.testing.assert_close(unrolled_log_probs, torch.stack(acted, dim=1))
    unrolled_log_probs.sum().backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_it_forgets_everything_but_the_step_before() -> None:
    policy = make_policy()
    trajectory = played(policy)
    reward = trajectory.reward.clone()
    reward[2, 3] = 1 - reward[2, 3]
    before, _ = policy.unroll(trajectory.step_inputs())
    after, _ = policy.unroll(trajectory._replace(reward=reward).step_inputs())
    assert (before != after).any(dim=-1).nonzero().tolist() == [[2, 4]]


def test_a_network_in_float64_takes_float32_records() -> None:
    policy = make_policy().double()
    assert policy.unroll(played(make_policy()).step_inputs())[0].dtype == torch.float64
