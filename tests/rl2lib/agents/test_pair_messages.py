import pytest
import torch

from rl2lib.agents.pair_messages import MessageMemory, PairMessagesPolicy
from rl2lib.agents.value_iteration import backward_induction
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory

NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES = 4, 3, 5, 6
NUM_TRIALS, NUM_STEPS = 8, HORIZON * NUM_EPISODES
SIZES = NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy(hidden_size: int = 6) -> PairMessagesPolicy:
    policy = PairMessagesPolicy(*SIZES, hidden_size, 5, generator=generator())
    with torch.no_grad():  # zero biases would hide that they are swapped
        for name, parameter in policy.named_parameters():
            if "bias" in name:
                parameter.uniform_(-0.3, 0.3, generator=generator(1))
    return policy


def played(policy: PairMessagesPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = RandomMDPs(NUM_STATES, NUM_ACTIONS).sample(NUM_TRIALS, g["tasks"])
    env = TabularEnv(*SIZES)
    return rollout(policy, env, tasks, policy_generator=g["policy"], env_generator=g["env"])


def stepped(
    policy: PairMessagesPolicy, inputs: StepInput, state: MessageMemory | None = None
) -> tuple[torch.Tensor, MessageMemory]:
    state = policy.initial_state(len(inputs.prev_action)) if state is None else state
    logits = []
    for t in range(inputs.prev_action.shape[1]):
        now, state = policy.step(state, StepInput(*(x[:, t] for x in inputs)))
        logits.append(now)
    return torch.stack(logits, dim=1), state


def assert_same(state: MessageMemory, other: MessageMemory) -> None:
    for got, wanted in zip(state, other, strict=True):
        torch.testing.assert_close(got, wanted)


def test_acted_log_probabilities_and_their_gradients_equal_unrolled_ones() -> None:
    policy = make_policy()
    trajectory = played(policy)
    inputs = trajectory.step_inputs()
    acted, state = stepped(policy, inputs)
    unrolled, last = policy.unroll(inputs)
    assert unrolled.shape == (NUM_TRIALS, NUM_STEPS, NUM_ACTIONS)
    torch.testing.assert_close(unrolled, acted)
    assert_same(last, state)
    weights = list(policy.parameters())
    gradients = [
        torch.autograd.grad((action_log_probs(logits, trajectory.action) * torch.arange(NUM_STEPS)).sum(), weights)
        for logits in (acted, unrolled)
    ]
    for got, wanted in zip(*gradients, strict=True):
        assert got.any(), "every weight learns"
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("cut", [1, 3, HORIZON, NUM_STEPS - 1])
def test_an_unroll_may_be_cut_in_two(cut: int) -> None:
    policy = make_policy()
    inputs = played(policy).step_inputs()
    whole, end = policy.unroll(inputs)
    first, state = policy.unroll(StepInput(*(x[:, :cut] for x in inputs)))
    second, last = policy.unroll(StepInput(*(x[:, cut:] for x in inputs)), state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    assert_same(last, end)


def test_relabelling_states_and_actions_relabels_the_logits() -> None:
    policy = make_policy()
    trajectory = played(policy)
    logits, _ = policy.unroll(trajectory.step_inputs())
    assert logits.std(dim=-1)[:, 5:].mean() > 1e-3, "actions that all look alike would prove nothing"
    states = torch.randperm(NUM_STATES, generator=generator(1))
    # an action's name may differ from state to state
    new_name = torch.stack([torch.randperm(NUM_ACTIONS, generator=generator(i)) for i in range(NUM_STATES)])
    here = new_name[trajectory.observation.argmax(dim=-1)]  # [B, T, A]
    renamed = trajectory._replace(
        observation=trajectory.observation[..., states.argsort()],
        action=here.gather(2, trajectory.action[..., None]).squeeze(-1),
    )
    expected = torch.empty_like(logits).scatter(2, here, logits)
    torch.testing.assert_close(policy.unroll(renamed.step_inputs())[0], expected, rtol=1e-4, atol=1e-5)


def test_messages_are_value_iteration_through_the_transitions_seen() -> None:
    """Where worths are constants by pair, what the messages bring is backward induction's answer."""
    policy = make_policy()
    trajectory = played(policy)
    inputs = trajectory.step_inputs()
    state = policy.initial_state(NUM_TRIALS)
    _, state = policy.unroll(inputs, state)
    pairs = NUM_STATES * NUM_ACTIONS
    found = torch.arange(NUM_TRIALS * pairs).view(NUM_TRIALS, 1, NUM_STATES, NUM_ACTIONS)
    values = policy._values(state.hidden.flatten(0, 2), found, state.led[:, None], state.steps[:, None])
    now = values[:, 0]
    # one more step left: the difference is what comes after it, and the part that grows with the steps left
    weight = state.led + policy.log_concentration.exp()
    transition = weight / weight.sum(dim=-1, keepdim=True)
    after = (transition * now.amax(dim=-1)[:, None, None]).sum(dim=-1)
    later = (values[:, 1] - now - after) * HORIZON
    left = torch.arange(HORIZON)[:, None, None] / HORIZON
    expected = backward_induction(transition, now[:, None] + left * later[:, None], HORIZON)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-5)


def test_transitions_are_counted_within_episodes_alone() -> None:
    policy = make_policy()
    trajectory = played(policy)
    _, state = policy.unroll(trajectory.step_inputs())
    position = trajectory.observation.argmax(dim=-1)
    expected = torch.zeros(NUM_TRIALS, NUM_STATES, NUM_ACTIONS, NUM_STATES)
    for b in range(NUM_TRIALS):
        for t in range(NUM_STEPS - 1):
            if (t + 1) % HORIZON:
                expected[b, position[b, t], trajectory.action[b, t], position[b, t + 1]] += 1
    torch.testing.assert_close(state.led, expected)


def test_what_was_paid_elsewhere_is_heard_where_it_can_be_reached() -> None:
    """A reward in state 1 moves the logits in state 0 as soon as an action was seen to lead there."""
    policy = make_policy()
    eye = torch.eye(NUM_STATES)

    def last_logits(reward: float, second: int) -> torch.Tensor:
        observation = eye[[0, second, 3, 0]][None]
        rewards, ends = torch.tensor([[0.0, 0.0, reward, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 1.0]])
        logits, _ = policy.unroll(StepInput(observation, torch.tensor([[0, 2, 1, 0]]), rewards, ends))
        return logits[0, -1]

    low, high = last_logits(0.0, 1), last_logits(3.0, 1)
    assert (high - low)[2].abs() > (high - low)[[0, 1]].abs().max(), "action 2 led there"


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="num_actions: expected at least 1, got 0"):
        PairMessagesPolicy(4, 0, 5, 6, generator=generator())
    policy = make_policy()
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, S\]"):
        policy.step(policy.initial_state(2), StepInput.first(torch.zeros(2, 7)))
    inputs = played(policy).step_inputs()
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, T, S\]"):
        policy.unroll(inputs._replace(observation=inputs.observation[..., :2]))
