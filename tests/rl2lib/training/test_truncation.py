from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training.truncation import unroll, unroll_with_values
from rl2lib.types import StepInput

BATCH, STEPS = 3, 6


def inputs() -> StepInput:
    g = torch.Generator().manual_seed(0)
    return StepInput(
        torch.randn(BATCH, STEPS, 1, generator=g),
        torch.randint(2, (BATCH, STEPS), generator=g),
        torch.randn(BATCH, STEPS, generator=g).requires_grad_(),
        torch.ones(BATCH, STEPS),
    )


class Total(NamedTuple):
    reward: Tensor
    steps: int


class Summing(SoftmaxPolicy):
    """A policy whose state is a record: logits are the rewards so far."""

    def initial_state(self, batch_size: int, tasks: object = None) -> Total:
        return Total(torch.zeros(batch_size), 0)

    def step(self, state: Total, inputs: StepInput) -> tuple[Tensor, Total]:
        reward = state.reward + inputs.prev_reward
        return torch.stack([reward, -reward], dim=-1), Total(reward, state.steps + 1)

    def unroll(self, inputs: StepInput, state: Any = None) -> tuple[Tensor, Total]:
        start = self.initial_state(len(inputs.prev_reward)) if state is None else state
        total = start.reward[:, None] + inputs.prev_reward.cumsum(dim=1)
        last = Total(total[:, -1], start.steps + inputs.prev_reward.shape[1])
        return torch.stack([total, -total], dim=-1), last


def policies() -> list[SoftmaxPolicy]:
    g = torch.Generator().manual_seed(1)
    return [
        RecurrentPolicy((1,), 2, 5, generator=g),
        RecurrentPolicy((1,), 2, 5, generator=g, core="lstm", num_layers=2),
        Summing(),
    ]


@pytest.mark.parametrize("policy", policies(), ids=["gru", "stacked lstm", "a record for a state"])
def test_pieces_compute_the_same_and_no_gradient_crosses_a_cut(policy: SoftmaxPolicy) -> None:
    trial = inputs()
    whole, pieces = unroll(policy, trial), unroll(policy, trial, bptt_steps=2)
    torch.testing.assert_close(pieces, whole)
    for t in range(STEPS):
        (cut,) = torch.autograd.grad(pieces[:, t, 0].sum(), trial.prev_reward, retain_graph=True)
        (full,) = torch.autograd.grad(whole[:, t, 0].sum(), trial.prev_reward, retain_graph=True)
        start = t - t % 2
        assert not cut[:, :start].any() and bool((cut[:, start : t + 1] != 0).all())
        torch.testing.assert_close(cut[:, start:], full[:, start:])
        assert bool((full[:, : t + 1] != 0).all())


@pytest.mark.parametrize("bptt_steps", [STEPS, STEPS + 1])
def test_pieces_as_long_as_the_trial_cut_nothing(bptt_steps: int) -> None:
    policy, trial = policies()[0], inputs()
    found = [
        torch.autograd.grad(unroll(policy, trial, steps).square().sum(), list(policy.parameters()))
        for steps in (None, bptt_steps)
    ]
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_values_are_cut_where_logits_are() -> None:
    policy = RecurrentActorCritic((1,), 2, 5, generator=torch.Generator().manual_seed(1))
    trial = inputs()
    logits, values = unroll_with_values(policy, trial, 4)
    torch.testing.assert_close(logits, unroll(policy, trial, 4))
    whole = policy.logits_and_values(trial)
    torch.testing.assert_close((logits, values), whole[:2])
    (cut,) = torch.autograd.grad(values[:, 5].sum(), trial.prev_reward)
    assert not cut[:, :4].any() and bool((cut[:, 4:] != 0).all())


def test_a_piece_has_a_step_at_least() -> None:
    with pytest.raises(ValueError, match="bptt_steps: expected at least 1"):
        unroll(Summing(), inputs(), 0)
