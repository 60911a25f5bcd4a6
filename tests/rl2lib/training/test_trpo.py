from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.nested import select_rows
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.actor_critic import Batch
from rl2lib.training.losses import kl_divergence
from rl2lib.training.trpo import (
    MAX_BACKTRACKS,
    SHRINK,
    TRPO,
    FirstOrderTRPO,
    FirstOrderTRPOConfig,
    TRPOConfig,
    TrustRegionConfig,
    conjugate_gradients,
)
from rl2lib.types import Trajectory

ARMS, PULLS, TRIALS = 3, 4, 60


def networks(hidden_size: int = 3) -> tuple[RecurrentPolicy, RecurrentBaseline]:
    generator = torch.Generator().manual_seed(0)
    policy = RecurrentPolicy((1,), ARMS, hidden_size, generator=generator)
    with torch.no_grad():
        policy.head.weight.mul_(2)
    return policy, RecurrentBaseline((1,), ARMS, hidden_size, generator=generator)


def played(policy: RecurrentPolicy) -> tuple[Trajectory, Tensor]:
    """Trials of unequal lengths, so that a mean over steps is not a mean over trials."""
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(ARMS).sample(TRIALS, g["tasks"])
    trials = rollout(policy, BanditEnv(ARMS, PULLS), tasks, policy_generator=g["policy"], env_generator=g["env"])
    lengths = torch.arange(TRIALS) % PULLS + 1
    return trials._replace(mask=torch.arange(PULLS) < lengths[:, None]), tasks


def trpo(hidden_size: int = 3, **settings: Any) -> tuple[TRPO, Batch, Tensor]:
    """A learner in float64, a batch that its policy played, and the logits then."""
    policy, baseline = (module.double() for module in networks(hidden_size))
    learner = TRPO(policy, baseline, TRPOConfig(**settings))
    return learner, *learner.estimate(*played(policy))


def first_order(**settings: Any) -> FirstOrderTRPO:
    return FirstOrderTRPO(*networks(), FirstOrderTRPOConfig(**settings))


def fisher_by_enumeration(learner: TRPO, batch: Batch) -> Tensor:
    """The mean over steps of Jᵀ (diag π - π πᵀ) J, J the logits' derivatives, over every action that could be."""
    logits, _ = learner.policy.unroll(batch.inputs)
    inside = logits[batch.mask]
    rows = [
        torch.cat([part.flatten() for part in torch.autograd.grad(one, learner.parameters, retain_graph=True)])
        for one in inside.flatten()
    ]
    jacobian = torch.stack(rows).reshape(len(inside), ARMS, -1)
    prob = inside.softmax(dim=-1).detach()
    middle = torch.diag_embed(prob) - prob[:, :, None] * prob[:, None, :]
    return torch.einsum("nap,nab,nbq->pq", jacobian, middle, jacobian) / len(inside)


@pytest.mark.parametrize("chunk_trials", [None, 7])
def test_fisher_products_are_those_of_the_enumerated_matrix(chunk_trials: int | None) -> None:
    learner, batch, _ = trpo(chunk_trials=chunk_trials, damping=0.25)
    matrix = fisher_by_enumeration(learner, batch)
    product = learner.fisher(batch)
    vectors = torch.randn(3, len(matrix), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for vector in vectors:
        torch.testing.assert_close(product(vector), matrix @ vector + 0.25 * vector)
    assert matrix.abs().max() > 0.01


def test_the_matrix_may_be_estimated_from_the_first_trials_alone() -> None:
    learner, batch, _ = trpo(fisher_trials=10, damping=0.0)
    matrix = fisher_by_enumeration(learner, select_rows(batch, torch.arange(10)))
    vector = torch.randn(len(matrix), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(learner.fisher(batch)(vector), matrix @ vector)


def test_half_the_fisher_form_is_the_divergence_of_a_small_step() -> None:
    learner, batch, old_logits = trpo(damping=0.0)
    step = 1e-3 * torch.randn(len(learner.weights()), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    form = 0.5 * step @ learner.fisher(batch)(step)
    learner.set_weights(learner.weights() + step)
    _, kl = learner.surrogate_and_kl(batch, old_logits.double())
    assert kl == pytest.approx(form.item(), rel=0.01) and kl > 0


def test_the_fast_grus_second_derivatives_serve_as_well() -> None:
    """At 96 hidden units float32 takes the other implementation, where the processor allows."""
    policy, baseline = networks(96)
    learner = TRPO(policy, baseline, TRPOConfig(damping=0.0))
    batch, old_logits = learner.estimate(*played(policy))
    step = 0.01 * torch.randn(len(learner.weights()), generator=torch.Generator().manual_seed(1))
    form = 0.5 * step @ learner.fisher(batch)(step)
    learner.set_weights(learner.weights() + step)
    assert learner.surrogate_and_kl(batch, old_logits)[1] == pytest.approx(form.item(), rel=0.1)


def test_the_surrogates_gradient_agrees_with_finite_differences() -> None:
    learner, batch, old_logits = trpo()
    gradient = learner.surrogate_gradient(batch)
    start = learner.weights()
    direction = torch.randn(len(start), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    gains = []
    for nudge in (1e-3, -1e-3):
        learner.set_weights(start + nudge * direction)
        gains.append(learner.surrogate_and_kl(batch, old_logits)[0])
    assert (gains[0] - gains[1]) / 2e-3 == pytest.approx((gradient @ direction).item(), rel=1e-2)


def test_the_proposal_is_the_natural_gradient_at_the_regions_edge() -> None:
    learner, batch, old_logits = trpo(cg_iterations=200, damping=0.01, max_kl=0.02)
    step = learner.propose(batch, old_logits, torch.Generator())
    matrix = fisher_by_enumeration(learner, batch).numpy() + 0.01 * np.eye(len(step))
    solved = np.linalg.solve(matrix, learner.surrogate_gradient(batch).numpy())
    solved *= np.sqrt(2 * 0.02 / (solved @ matrix @ solved))
    np.testing.assert_allclose(step.numpy(), solved, rtol=1e-3, atol=1e-4 * np.abs(solved).max())


def test_conjugate_gradients_solve_in_as_many_iterations_as_there_are_dimensions() -> None:
    g = torch.Generator().manual_seed(0)
    root = torch.randn(5, 5, generator=g, dtype=torch.float64)
    matrix, target = root @ root.T + 0.1 * torch.eye(5), torch.randn(5, generator=g, dtype=torch.float64)
    exact = torch.linalg.solve(matrix, target)
    torch.testing.assert_close(conjugate_gradients(lambda v: matrix @ v, target, 5), exact)
    assert not torch.allclose(conjugate_gradients(lambda v: matrix @ v, target, 2), exact)
    assert not conjugate_gradients(lambda v: matrix @ v, torch.zeros(5, dtype=torch.float64), 5).any()


@pytest.mark.parametrize("learning_rate", [1e-3, 0.05])
@pytest.mark.parametrize("kind", ["conjugate gradients", "first order"])
def test_an_update_stays_in_the_region_and_improves_the_surrogate(kind: str, learning_rate: float) -> None:
    """Whatever was proposed: a learning rate of .05 throws the policy far out."""
    learner: Any = (
        TRPO(*networks(), TRPOConfig(max_kl=0.01))
        if kind == "conjugate gradients"
        else first_order(learning_rate=learning_rate, max_kl=0.01, kl_penalty=0.0, minibatch_trials=20)
    )
    trials, tasks = played(learner.policy)
    batch, old_logits = learner.estimate(trials, tasks)
    start = learner.weights()
    metrics = learner.update(trials, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))
    logits, _ = learner.policy.unroll(trials.step_inputs())
    new, old = logits.detach().softmax(-1), old_logits.softmax(-1)
    by_hand = (old * (old / new).log()).sum(-1)[trials.mask].mean().item()
    ratio = (new / old).gather(-1, trials.action[..., None])[..., 0]
    assert 0 < by_hand <= 0.0101 and metrics["kl"] == pytest.approx(by_hand, rel=1e-2)
    assert (ratio * batch.advantage)[trials.mask].mean() > 1e-4
    assert 0 < metrics["step"] <= 1 and not torch.equal(start, learner.weights())
    if learning_rate == 0.05 and kind == "first order":
        assert metrics["step"] < 0.5, "and the line search had to come back"


def test_the_line_search_takes_the_first_share_that_will_do() -> None:
    learner, batch, old_logits = trpo(max_kl=0.01)
    step = 4 * learner.propose(batch, old_logits, torch.Generator())
    start, share = learner.weights(), 1.0
    for _ in range(MAX_BACKTRACKS):
        learner.set_weights(start + share * step)
        if learner.surrogate_and_kl(batch, old_logits)[1] <= 0.01:
            break
        share *= SHRINK
    learner.set_weights(start)
    found, _ = learner.line_search(step, batch, old_logits)
    assert found == pytest.approx(share) and found < 0.5
    torch.testing.assert_close(learner.weights(), start + share * step)


@pytest.mark.parametrize("sign", [-1.0, float("nan")])
def test_a_step_that_only_harms_is_not_taken(sign: float) -> None:
    learner, batch, old_logits = trpo()
    start = learner.weights()
    assert learner.line_search(sign * learner.propose(batch, old_logits, torch.Generator()), batch, old_logits) == (
        0,
        0,
    )
    assert torch.equal(learner.weights(), start)


def test_a_proposal_too_wild_for_any_share_leaves_the_policy_where_it_was() -> None:
    learner = first_order(learning_rate=10.0, kl_penalty=0.0)
    trials, tasks = played(learner.policy)
    start = learner.weights()
    metrics = learner.update(trials, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))
    assert metrics["step"] == metrics["kl"] == 0 and torch.equal(start, learner.weights())


def test_trials_without_any_advantage_move_nothing() -> None:
    learner, *_ = trpo()
    trials, tasks = played(learner.policy)
    start = learner.weights()
    with torch.no_grad():
        for parameter in learner.modules["baseline"].parameters():
            parameter.zero_()
    flat = trials._replace(reward=torch.zeros_like(trials.reward))
    metrics = learner.update(flat, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))
    assert metrics["step"] == 0 and torch.equal(learner.weights(), start)


def test_chunks_change_rounding_only() -> None:
    found = []
    for chunk_trials in (None, 7):
        learner, *_ = trpo(chunk_trials=chunk_trials)
        trials, tasks = played(learner.policy)
        metrics = learner.update(trials, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))
        found.append((learner.weights(), metrics))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-4, rtol=1e-3)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-3)


def test_the_baseline_learns_after_the_step() -> None:
    """Where every step pays 1, the return to come is the number of steps left."""
    learner, *_ = trpo(trace=1.0, baseline_learning_rate=0.01, baseline_epochs=50, minibatch_trials=20)
    trials, tasks = played(learner.policy)
    ones = torch.ones_like(trials.reward)
    trials = trials._replace(reward=ones, mask=ones.bool())
    losses = [
        learner.update(trials, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))["baseline_loss"]
        for _ in range(3)
    ]
    assert losses[2] < 0.1 * losses[0]


def test_a_value_head_on_the_policys_core_is_refused() -> None:
    policy = RecurrentActorCritic((1,), ARMS, 4, generator=torch.Generator().manual_seed(0))
    for learner, config in ((TRPO, TRPOConfig()), (FirstOrderTRPO, FirstOrderTRPOConfig())):
        assert isinstance(config, TrustRegionConfig)
        with pytest.raises(ValueError, match="baseline: expected one, got None"):
            learner(policy, None, config)


def test_the_divergence_by_hand() -> None:
    old = torch.tensor([[[0.5, 0.5], [0.9, 0.1]]]).log()
    new = torch.tensor([[[0.25, 0.75], [0.1, 0.9]]]).log()
    first = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    mask = torch.tensor([[True, False]])
    assert kl_divergence(old, new, mask).item() == pytest.approx(first, rel=1e-5)
    assert kl_divergence(old, old + 3, ~mask).item() == pytest.approx(0, abs=1e-6)
