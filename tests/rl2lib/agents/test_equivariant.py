import pytest
import torch

from rl2lib.agents.equivariant import ArmEquivariantPolicy, ArmMemory
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.losses import action_log_probs
from rl2lib.types import StepInput, Trajectory

NUM_TRIALS, NUM_PULLS = 8, 7


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_policy(num_arms: int = 4) -> ArmEquivariantPolicy:
    return ArmEquivariantPolicy(num_arms, NUM_PULLS, 8, generator=generator())


def played(policy: ArmEquivariantPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(policy.num_arms).sample(NUM_TRIALS, g["tasks"])
    env = BanditEnv(policy.num_arms, NUM_PULLS)
    return rollout(policy, env, tasks, policy_generator=g["policy"], env_generator=g["env"])


def stepped(policy: ArmEquivariantPolicy, inputs: StepInput) -> tuple[torch.Tensor, ArmMemory]:
    state, logits = policy.initial_state(len(inputs.prev_action)), []
    for t in range(inputs.prev_action.shape[1]):
        now, state = policy.step(state, StepInput(*(x[:, t] for x in inputs)))
        logits.append(now)
    return torch.stack(logits, dim=1), state


def test_an_arms_gru_reads_pulled_signed_reward_and_time() -> None:
    policy = make_policy(num_arms=3)
    inputs = StepInput(
        torch.zeros(1, 3, 1), torch.tensor([[0, 2, 1]]), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 1, 1]])
    )
    features = policy._features(inputs, torch.tensor([[0, 1, 2]]))
    expected = [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],  # the placeholder action 0 is no pull
        [[0, 0, 1 / 7], [0, 0, 1 / 7], [1, 1, 1 / 7]],
        [[0, 0, 2 / 7], [1, -1, 2 / 7], [0, 0, 2 / 7]],
    ]
    torch.testing.assert_close(features[0], torch.tensor(expected))


def test_acted_log_probabilities_equal_unrolled_ones_and_every_weight_learns() -> None:
    policy = make_policy()
    trajectory = played(policy)
    acted, state = stepped(policy, trajectory.step_inputs())
    unrolled, last = policy.unroll(trajectory.step_inputs())
    log_probs = action_log_probs(unrolled, trajectory.action)
    torch.testing.assert_close(log_probs, action_log_probs(acted, trajectory.action))
    torch.testing.assert_close(last.hidden, state.hidden)
    assert torch.equal(last.steps, state.steps)
    (log_probs * torch.arange(NUM_PULLS)).sum().backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_an_unroll_may_be_cut_in_two() -> None:
    policy = make_policy()
    inputs = played(policy).step_inputs()
    whole, _ = policy.unroll(inputs)
    first, state = policy.unroll(StepInput(*(x[:, :3] for x in inputs)))
    second, _ = policy.unroll(StepInput(*(x[:, 3:] for x in inputs)), state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_relabelling_the_arms_relabels_the_logits() -> None:
    policy = make_policy()
    trajectory = played(policy)
    logits, _ = policy.unroll(trajectory.step_inputs())
    assert logits.std(dim=-1)[:, 1:].min() > 1e-5, "arms that all look alike would prove nothing"
    new_name = torch.stack([torch.randperm(4, generator=generator(i)) for i in range(NUM_TRIALS)])
    renamed = trajectory._replace(action=new_name.gather(1, trajectory.action))
    expected = torch.empty_like(logits).scatter(2, new_name[:, None].expand_as(logits), logits)
    torch.testing.assert_close(policy.unroll(renamed.step_inputs())[0], expected)


def test_arms_that_nothing_tells_apart_are_equally_likely() -> None:
    policy = make_policy()
    trajectory = played(policy)
    logits, _ = policy.unroll(trajectory.step_inputs())
    assert (logits[:, 0] == logits[:, 0, :1]).all(), "at the start all of them"
    for row, action in zip(logits, trajectory.action, strict=True):
        untried = [arm for arm in range(4) if arm not in action[:-1].tolist()]
        assert (row[-1, untried] == row[-1, untried[:1]]).all()


def test_the_same_weights_play_any_number_of_arms_and_pulls() -> None:
    policy = make_policy()
    more = policy.for_bandits(9)
    assert policy.num_arms == 4 and more.num_pulls == NUM_PULLS and more.core is policy.core
    assert played(more).action.max() == 8
    other = ArmEquivariantPolicy(9, NUM_PULLS, 8, generator=generator(5))
    other.load_state_dict(policy.state_dict())
    inputs = played(more).step_inputs()
    torch.testing.assert_close(other.unroll(inputs)[0], more.unroll(inputs)[0])
    # time is a fraction of the trial: twice the pulls is half the speed
    longer = policy.for_bandits(4, 2 * NUM_PULLS)
    features = longer._features(played(policy).step_inputs(), torch.arange(NUM_PULLS).expand(NUM_TRIALS, -1))
    torch.testing.assert_close(features[0, :, 0, 2], torch.arange(7) / 14)


def test_the_memory_survives_the_episode_and_not_the_trial() -> None:
    policy = make_policy()
    trajectory = played(policy)
    assert trajectory.episode_end.all()
    reward = trajectory.reward.clone()
    reward[2, 0] = 1 - reward[2, 0]
    before, _ = policy.unroll(trajectory.step_inputs())
    after, _ = policy.unroll(trajectory._replace(reward=reward).step_inputs())
    changed = (before != after).any(dim=-1)
    assert changed[2, 1:].all() and changed.sum() == NUM_PULLS - 1
    fresh = policy.initial_state(2)
    assert not fresh.hidden.any() and not fresh.steps.any()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="num_arms: expected at least 1, got 0"):
        ArmEquivariantPolicy(0, 7, generator=generator())
    with pytest.raises(ValueError, match="num_pulls: expected at least 1, got 0"):
        make_policy().for_bandits(4, 0)
    with pytest.raises(ValueError, match=r"prev_action: expected 0\.\.3, got 6; for_bandits\(7\)"):
        make_policy().unroll(played(make_policy(num_arms=7)).step_inputs())
    with pytest.raises(ValueError, match='"sampled" or "greedy"'):
        make_policy().acting("best")  # type: ignore[arg-type]
