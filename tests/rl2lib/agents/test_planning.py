import pytest
import torch

from rl2lib.agents.planning import Planned, PlanningPolicy
from rl2lib.agents.posterior import TRUE_PRIOR, Prior
from rl2lib.agents.tabular import Greedy, Update
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory

NUM_STATES, NUM_ACTIONS, HORIZON, NUM_EPISODES = 4, 3, 5, 6
NUM_TRIALS, NUM_STEPS = 8, HORIZON * NUM_EPISODES
SIZES = NUM_STATES, NUM_ACTIONS, HORIZON


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy(update: Update = "episode") -> PlanningPolicy:
    return PlanningPolicy(*SIZES, NUM_EPISODES, update=update, generator=generator())


def played(policy: PlanningPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = RandomMDPs(NUM_STATES, NUM_ACTIONS).sample(NUM_TRIALS, g["tasks"])
    return rollout(
        policy, TabularEnv(*SIZES, NUM_EPISODES), tasks, policy_generator=g["policy"], env_generator=g["env"]
    )


def at(inputs: StepInput, t: int) -> StepInput:
    return StepInput(*(x[:, t] for x in inputs))


def assert_same(state: Planned, other: Planned) -> None:
    for got, wanted in zip((*state.experience, *state[1:]), (*other.experience, *other[1:]), strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("update", ["episode", "step"])
def test_acted_log_probabilities_and_their_gradients_equal_unrolled_ones(update: Update) -> None:
    policy = make_policy(update)
    trajectory = played(policy)
    inputs, state, logits = trajectory.step_inputs(), policy.initial_state(NUM_TRIALS), []
    for t in range(NUM_STEPS):
        now, state = policy.step(state, at(inputs, t))
        logits.append(now)
    unrolled, last = policy.unroll(inputs)
    torch.testing.assert_close(unrolled, torch.stack(logits, dim=1))
    assert_same(last, state)
    weights = list(policy.parameters())[:-1]  # the last bias shifts all values of a state alike
    gradients = [
        torch.autograd.grad(action_log_probs(each, trajectory.action).sum(), weights)
        for each in (torch.stack(logits, dim=1), unrolled)
    ]
    for got, wanted in zip(*gradients, strict=True):
        assert got.any(), "every weight learns"
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("update", ["episode", "step"])
@pytest.mark.parametrize("cut", [1, 3, HORIZON, NUM_STEPS - 1])
def test_an_unroll_may_be_cut_in_two(cut: int, update: Update) -> None:
    policy = make_policy(update)
    inputs = played(policy).step_inputs()
    whole, end = policy.unroll(inputs)
    first, state = policy.unroll(StepInput(*(x[:, :cut] for x in inputs)))
    second, last = policy.unroll(StepInput(*(x[:, cut:] for x in inputs)), state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    assert_same(last, end)


@pytest.mark.parametrize("update", ["episode", "step"])
def test_without_a_bonus_it_is_the_greedy_planner(update: Update) -> None:
    """The classic agent keeps its posterior step by step and shares no line with this one's sums."""
    policy = make_policy(update)
    with torch.no_grad():
        for parameter in policy.bonus.output.parameters():
            parameter.zero_()
        policy.log_temperature.fill_(-1.0)
    inputs = played(policy).step_inputs()
    logits, last = policy.unroll(inputs)
    agent = Greedy(*SIZES, prior=TRUE_PRIOR, update=update)
    memory = agent.initial_state(NUM_TRIALS)
    row = torch.arange(NUM_TRIALS)
    for t in range(NUM_STEPS):
        _, memory = agent.act(memory, at(inputs, t), generator())
        values = memory.values[row, HORIZON - 1 - memory.time, memory.position]
        torch.testing.assert_close(logits[:, t], values * torch.e, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(policy._posterior(last.experience).concentration, memory.posterior.concentration)
    torch.testing.assert_close(policy._posterior(last.experience).reward_mean, memory.posterior.reward_mean)


def test_the_bonus_by_hand() -> None:
    """One state, so that values are sums: 2 actions, 2 steps, one episode seen."""
    policy = PlanningPolicy(1, 2, 2, 4, 1, prior=Prior(reward_mean=0.0), generator=generator())
    with torch.no_grad():
        policy.bonus.hidden.weight.copy_(torch.tensor([[0.0, 0.0, 1.0]]))
        policy.bonus.output.weight.copy_(torch.tensor([[2.0], [3.0]]))
    one = torch.ones(1, 3, 1)
    inputs = StepInput(one, torch.tensor([[0, 1, 1]]), torch.tensor([[0.0, 4.0, 2.0]]), torch.tensor([[0.0, 0.0, 1.0]]))
    logits, _ = policy.unroll(inputs)
    tanh = torch.tensor([1.0, 0.75]).tanh()  # of the fraction of the trial that is left
    now, later = 2 * tanh, 3 * tanh / 2  # one step of two is left after the first
    # nothing is known in the first episode; in the second, action 1 paid 4 and 2: posterior mean 6 / 3
    start = now[0] + (now[0] + later[0])
    torch.testing.assert_close(logits[0, 0], start.expand(2))
    torch.testing.assert_close(logits[0, 1], now[0].expand(2))
    second = torch.tensor([0.0, 2.0]) + now[1] + later[1] + (2.0 + now[1])
    torch.testing.assert_close(logits[0, 2], second)


def test_relabelling_states_and_actions_relabels_the_logits() -> None:
    policy = make_policy()
    trajectory = played(policy)
    logits, _ = policy.unroll(trajectory.step_inputs())
    states = torch.randperm(NUM_STATES, generator=generator(1))
    new_name = torch.stack([torch.randperm(NUM_ACTIONS, generator=generator(i)) for i in range(NUM_STATES)])
    here = new_name[trajectory.observation.argmax(dim=-1)]  # [B, T, A]
    renamed = trajectory._replace(
        observation=trajectory.observation[..., states.argsort()],
        action=here.gather(2, trajectory.action[..., None]).squeeze(-1),
    )
    expected = torch.empty_like(logits).scatter(2, here, logits)
    torch.testing.assert_close(policy.unroll(renamed.step_inputs())[0], expected, rtol=1e-4, atol=1e-4)


def test_a_plan_lasts_an_episode_and_what_was_seen_lasts_the_trial() -> None:
    policy = make_policy()
    trajectory = played(policy)
    reward = trajectory.reward.clone()
    reward[2, 1] += 1
    before, _ = policy.unroll(trajectory.step_inputs())
    after, _ = policy.unroll(trajectory._replace(reward=reward).step_inputs())
    changed = (before != after).any(dim=-1)
    assert not changed[2, :HORIZON].any() and changed[2, HORIZON:].any(dim=0).item()
    assert changed[2].sum() == changed.sum() and changed[2, -HORIZON:].any()
    fresh = policy.initial_state(2)
    assert not any(part.any() for part in fresh.experience) and not fresh.steps.any()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="horizon: expected at least 1, got 0"):
        PlanningPolicy(4, 3, 0, 6, generator=generator())
    with pytest.raises(ValueError, match='"episode" or "step"'):
        make_policy("always")  # type: ignore[arg-type]
    for none in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="temperature: expected a number above 0"):
            PlanningPolicy(2, 2, 5, 3, temperature=none, generator=torch.Generator())
    with pytest.raises(ValueError, match="prior"):
        PlanningPolicy(4, 3, 5, 6, prior=Prior(concentration=0.0), generator=generator())
    policy = make_policy()
    inputs = played(policy).step_inputs()
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, T, S\]"):
        policy.unroll(inputs._replace(observation=inputs.observation[..., :2]))
    with pytest.raises(ValueError, match="an episode's end within 5 steps"):
        policy.unroll(inputs._replace(prev_end=torch.zeros_like(inputs.prev_end)))
