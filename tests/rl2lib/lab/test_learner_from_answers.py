"""The learner's pieces, or the stand-ins, make one agent that acts, unrolls and learns as the library's do."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from torch import Tensor, nn

from rl2lib.agents.recurrent import RecurrentBaseline, StepEmbedding
from rl2lib.lab import course, learner_from_answers, workbook
from rl2lib.lab.answers_so_far import own
from rl2lib.lab.learner_from_answers import AssembledLearner, AssembledPolicy
from rl2lib.lab.store import Store
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.oracle import ExactOracle
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.types import StepInput, Trajectory

MAKE_NETWORK = learner_from_answers.recurrent_policy(StepEmbedding)

# right answers of the exercises, as a learner might write them; they draw from torch's global generator, like 03's
ANSWERS = {
    "embed_bandit": """
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    action = F.one_hot(prev_action, num_actions).float()
    rest = torch.stack([prev_reward, prev_end], dim=-1)
    return torch.cat([torch.zeros_like(rest[..., :1]), action, rest], dim=-1)
""",
    "RecurrentPolicy": """
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        state = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(state), dim=-1), state
""",
    "train_step": """
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    log_prob = losses.action_log_probs(policy.unroll(inputs)[0], trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, (target - value).detach(), mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}
""",
}


def answer(*names: str) -> None:
    """Write these answers into a learner's copies, with a pass on record."""
    for name in names:
        notebook, _ = course.load().exercise(name)
        if not workbook.copy_path(notebook).exists():
            workbook.start(notebook.number)
        path = workbook.copy_path(notebook)
        data = json.loads(path.read_text())
        next(cell for cell in data["cells"] if cell.get("id") == name)["source"] = ANSWERS[name]
        path.write_text(json.dumps(data))
        Store().record_attempt(name, "passed")


def learner(seed: int = 0, **settings: object) -> AssembledLearner:
    generator = torch.Generator().manual_seed(seed)
    take_step = learner_from_answers.train_step
    return AssembledLearner(MAKE_NETWORK, take_step, (1,), 2, generator, hidden_size=5, **settings)  # type: ignore[arg-type]


def played(policy: AssembledPolicy, num_trials: int = 8) -> Trajectory:
    generators = {name: torch.Generator().manual_seed(seed) for seed, name in enumerate(("tasks", "policy", "env"))}
    tasks = TWO_POINT.sample(num_trials, generators["tasks"])
    env = BanditEnv(num_arms=2, num_pulls=4)
    return rollout(policy, env, tasks, policy_generator=generators["policy"], env_generator=generators["env"])


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_stand_ins_embed_by_hand() -> None:
    action, reward, end = torch.tensor([1]), torch.tensor([0.5]), torch.tensor([1.0])
    bandit = learner_from_answers.embed_bandit(torch.zeros(1, 1), action, reward, end, 3)
    assert bandit.tolist() == [[0, 0, 1, 0, 0.5, 1]]
    tabular = learner_from_answers.embed_tabular(torch.tensor([2]), action, reward, end, 4, 3)
    assert tabular.tolist() == [[0, 0, 1, 0, 0, 1, 0, 0.5, 1]]


def test_unroll_is_step_by_step_and_is_the_networks_own_unroll() -> None:
    policy = learner().policy
    inputs = played(policy).step_inputs()
    logits, last = policy.unroll(inputs)
    state = policy.initial_state(8)
    for t in range(4):
        now, state = policy.step(state, StepInput(*(column[:, t] for column in inputs)))
        assert torch.equal(logits[:, t], now)
    assert torch.equal(last, state)
    for got, expected in zip((logits, last), policy.network.unroll(inputs), strict=True):
        torch.testing.assert_close(got, expected)


def test_unroll_goes_on_from_the_state_it_is_given() -> None:
    policy = learner().policy
    inputs = played(policy).step_inputs()
    whole, _ = policy.unroll(inputs)
    _, middle = policy.unroll(StepInput(*(column[:, :2] for column in inputs)))
    rest, _ = policy.unroll(StepInput(*(column[:, 2:] for column in inputs)), middle)
    assert torch.equal(rest, whole[:, 2:])


def test_the_stand_in_step_is_the_librarys_reinforce() -> None:
    ours = learner()
    theirs = Reinforce(copy.deepcopy(ours.policy), copy.deepcopy(ours.baseline), ReinforceConfig(1.0, 0.01, 0.01))
    trajectory = played(ours.policy)
    losses = ours.learn(trajectory)
    metrics = theirs.update(trajectory, None, progress=0.0, generator=torch.Generator())
    assert losses["baseline"] == pytest.approx(metrics["baseline_loss"])
    for name, module in ours.modules.items():
        for got, expected in zip(module.parameters(), theirs.modules[name].parameters(), strict=True):
            torch.testing.assert_close(got, expected)


def test_the_stand_in_step_expects_the_true_gradient() -> None:
    """Over all trials of a tiny bandit, each weighted by its probability, its gradients sum to the exact one."""
    oracle = ExactOracle(torch.tensor([[0.9, 0.3], [0.2, 0.6]]), num_pulls=2)
    policy = learner().policy
    baseline = RecurrentBaseline((1,), 2, 5, generator=torch.Generator().manual_seed(1))
    modules: dict[str, nn.Module] = {"policy": policy, "baseline": baseline}
    still: dict[str, torch.optim.Optimizer] = {
        name: torch.optim.SGD(module.parameters(), lr=0.0) for name, module in modules.items()
    }
    probabilities = oracle.probabilities(policy).detach()
    found = {name: torch.zeros_like(weight) for name, weight in policy.named_parameters()}
    for row, probability in enumerate(probabilities):
        trial = oracle.trajectory.select(torch.tensor([row]))
        learner_from_answers.train_step(policy, baseline, still, trial, max_grad_norm=math.inf)
        for name, weight in policy.named_parameters():
            if weight.grad is not None:
                found[name] -= probability * weight.grad
    truth = oracle.true_gradient(policy)
    assert max(gradient.abs().max().item() for gradient in truth.values()) > 0.01
    for name, gradient in truth.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_the_generator_decides_all_weights_and_the_global_one_is_left_as_it_was() -> None:
    before = torch.get_rng_state()
    one, same, other = learner(0), learner(0), learner(1)
    assert torch.equal(torch.get_rng_state(), before)
    for name in ("policy", "baseline"):
        assert same_weights(one.modules[name], same.modules[name])
        assert not same_weights(one.modules[name], other.modules[name])


def test_settings_reach_what_they_set() -> None:
    class Doubled(AssembledPolicy):
        """Another way to wrap the network."""

    found = learner(learning_rate=0.5, policy_class=Doubled)
    assert type(found.policy) is Doubled and found.config.learning_rate == 0.5
    assert {optimiser.param_groups[0]["lr"] for optimiser in found.optimisers.values()} == {0.5}
    assert found.policy.initial_state(3).shape == (3, 5)


@pytest.mark.slow
@pytest.mark.parametrize("passed", [(), ("embed_bandit",), ("RecurrentPolicy", "train_step"), tuple(ANSWERS)], ids=len)
def test_own_answers_and_stand_ins_fit_in_every_mixture(
    passed: tuple[str, ...], work: object, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(*passed)
    embed = own("embed_bandit", learner_from_answers.embed_bandit)

    class Embedding(nn.Module):
        """As notebook 05 wraps it."""

        def __init__(self, observation_shape: tuple[int, ...], num_actions: int) -> None:
            super().__init__()
            self.num_actions, self.size = num_actions, 1 + num_actions + 2

        def forward(self, inputs: StepInput) -> Tensor:
            features: Tensor = embed(*inputs, self.num_actions)
            return features

    make_network = own("RecurrentPolicy", learner_from_answers.recurrent_policy(Embedding), StepEmbedding=Embedding)
    take_step = own("train_step", learner_from_answers.train_step)
    assert capsys.readouterr().out.count("yours, exercise") == len(passed)

    def assemble() -> AssembledLearner:
        return AssembledLearner(make_network, take_step, (1,), 2, torch.Generator().manual_seed(0))

    fresh, trained = assemble(), assemble()
    assert same_weights(fresh.policy, trained.policy)  # a learner's own class draws from the seed as well
    assert isinstance(trained.policy.network.embedding, Embedding)
    env, config = BanditEnv(num_arms=2, num_pulls=10), TrainingConfig(60, 64, 0)
    history = train(trained, TWO_POINT, env, config, progress=False).history
    earned = history["trial_return"]
    assert sum(earned[:5]) / 5 < 6 and sum(earned[-30:]) / 30 > 6.5  # 5 is blind, 9.5 optimal
    assert not same_weights(fresh.policy, trained.policy) and history["baseline_loss"][-1] > 0
