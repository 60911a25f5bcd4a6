import pytest
import torch

from rl2lib.agents.pair_memory import PairMemory, PairMemoryPolicy, time_in_episode
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory

NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES = 4, 3, 5, 6
NUM_TRIALS, NUM_STEPS = 8, HORIZON * NUM_EPISODES


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy(hidden_size: int = 6) -> PairMemoryPolicy:
    policy = PairMemoryPolicy(NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES, hidden_size, generator=generator())
    with torch.no_grad():  # zero biases would hide that they are swapped
        for name, parameter in policy.named_parameters():
            if "bias" in name:
                parameter.uniform_(-0.3, 0.3, generator=generator(1))
    return policy


def played(policy: PairMemoryPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = RandomMDPs(NUM_STATES, NUM_ACTIONS).sample(NUM_TRIALS, g["tasks"])
    env = TabularEnv(NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES)
    return rollout(policy, env, tasks, policy_generator=g["policy"], env_generator=g["env"])


def stepped(
    policy: PairMemoryPolicy, inputs: StepInput, state: PairMemory | None = None
) -> tuple[torch.Tensor, PairMemory]:
    state = policy.initial_state(len(inputs.prev_action)) if state is None else state
    logits = []
    for t in range(inputs.prev_action.shape[1]):
        now, state = policy.step(state, StepInput(*(x[:, t] for x in inputs)))
        logits.append(now)
    return torch.stack(logits, dim=1), state


def assert_same(state: PairMemory, other: PairMemory) -> None:
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
        assert got.any()
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("cut", [1, 3, HORIZON, NUM_STEPS - 1])
def test_an_unroll_may_be_cut_in_two(cut: int) -> None:
    policy = make_policy()
    inputs = played(policy).step_inputs()
    whole, end = policy.unroll(inputs)
    first, state = policy.unroll(StepInput(*(x[:, :cut] for x in inputs)))
    rest = StepInput(*(x[:, cut:] for x in inputs))
    second, last = policy.unroll(rest, state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    assert_same(last, end)
    torch.testing.assert_close(stepped(policy, rest, state)[0], second)


def test_only_the_visited_pairs_memory_moves() -> None:
    policy = make_policy()
    state = policy.initial_state(1)
    first = torch.eye(NUM_STATES)[[2]]
    _, state = policy.step(state, StepInput.first(first))
    assert not state.hidden.any(), "a trial's first input tells of no action"
    after = StepInput(torch.eye(NUM_STATES)[[0]], torch.tensor([1]), torch.tensor([0.5]), torch.tensor([0.0]))
    _, state = policy.step(state, after)
    moved = state.hidden.any(dim=-1).nonzero().tolist()
    assert moved == [[0, 2, 1]], "action 1 was taken in state 2"
    expected = torch.gru_cell(torch.tensor([[0.5]]), torch.zeros(1, 6), *policy.core.weights())
    torch.testing.assert_close(state.hidden[0, 2, 1], expected[0])


def test_time_is_counted_in_the_trial_and_in_the_episode() -> None:
    policy = make_policy()
    _, state = policy.unroll(StepInput(*(x[:, :8] for x in played(policy).step_inputs())))
    assert state.steps.tolist() == [8] * NUM_TRIALS
    assert state.time.tolist() == [2] * NUM_TRIALS, "the eighth step is the third of the second episode"
    ends = torch.tensor([[0.0, 0, 1, 0], [0.0, 0, 0, 1]])
    fresh, running = torch.arange(4).expand(2, -1), torch.arange(5, 9).expand(2, -1)
    before = torch.tensor([3, 7])
    assert time_in_episode(ends, fresh, before).tolist() == [[0, 1, 0, 1], [0, 1, 2, 0]]
    assert time_in_episode(ends, running, before).tolist() == [[4, 5, 0, 1], [8, 9, 10, 0]]


def test_the_head_reads_the_fractions_of_trial_and_episode_that_are_over() -> None:
    policy = make_policy()
    seen: list[torch.Tensor] = []
    policy.head.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[1]))
    policy.unroll(played(policy).step_inputs())
    t = torch.arange(NUM_STEPS)
    torch.testing.assert_close(seen[-1][0], torch.stack([t / NUM_STEPS, t % HORIZON / HORIZON], dim=1))


def test_relabelling_states_and_actions_relabels_the_logits() -> None:
    policy = make_policy()
    trajectory = played(policy)
    inputs = trajectory.step_inputs()
    logits, _ = policy.unroll(inputs)
    assert logits.std(dim=-1)[:, 5:].mean() > 1e-4, "actions that all look alike would prove nothing"
    states = torch.randperm(NUM_STATES, generator=generator(1))
    # an action's name may differ from state to state
    new_name = torch.stack([torch.randperm(NUM_ACTIONS, generator=generator(i)) for i in range(NUM_STATES)])
    here = new_name[trajectory.observation.argmax(dim=-1)]  # [B, T, A]
    renamed = trajectory._replace(
        observation=trajectory.observation[..., states.argsort()],
        action=here.gather(2, trajectory.action[..., None]).squeeze(-1),
    )
    expected = torch.empty_like(logits).scatter(2, here, logits)
    torch.testing.assert_close(policy.unroll(renamed.step_inputs())[0], expected)


def test_the_memory_survives_the_episode_and_not_the_trial() -> None:
    policy = make_policy()
    trajectory = played(policy)
    reward = trajectory.reward.clone()
    reward[2, 0] += 1
    before, _ = policy.unroll(trajectory.step_inputs())
    after, _ = policy.unroll(trajectory._replace(reward=reward).step_inputs())
    changed = (before - after).abs().amax(dim=-1) > 0
    visits_again = trajectory.observation[2, :, 0] > 0
    visits_again[0] = False
    assert torch.equal(changed[2], visits_again), "it is felt wherever that state is met again, in any episode"
    assert visits_again[HORIZON:].any() and not changed[[0, 1, 3, 4, 5, 6, 7]].any()
    assert not policy.initial_state(2).hidden.any()


def test_weights_do_not_depend_on_the_mdps_size() -> None:
    larger = PairMemoryPolicy(7, 2, 9, 3, 6, generator=generator(3))
    larger.load_state_dict(make_policy().state_dict())
    with pytest.raises(RuntimeError, match="size mismatch"):
        larger.load_state_dict(make_policy(hidden_size=5).state_dict())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="num_actions: expected at least 1, got 0"):
        PairMemoryPolicy(4, 0, 5, 6, generator=generator())
    policy = make_policy()
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, S\]"):
        policy.step(policy.initial_state(2), StepInput.first(torch.zeros(2, 7)))
    inputs = played(policy).step_inputs()
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, T, S\]"):
        policy.unroll(inputs._replace(observation=inputs.observation[..., :2]))
