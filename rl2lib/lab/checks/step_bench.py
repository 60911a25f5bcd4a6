"""What one training step should do to two small networks, and what each of the usual slips does instead."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from rl2lib.agents import recurrent
from rl2lib.lab.handle import Handle
from rl2lib.lab.values import Generator, Lib
from rl2lib.types import StepInput, Trajectory

NETWORKS = ("policy", "baseline")


def backwards(reward: Tensor, factor: Tensor) -> Tensor:
    """Return x_t = r_t + factor_t x_{t+1}."""
    found = torch.zeros_like(reward)
    following = torch.zeros_like(reward[:, 0])
    for t in reversed(range(reward.shape[1])):
        following = reward[:, t] + factor[:, t] * following
        found[:, t] = following
    return found


class Bench:
    """A learner's `train_step` on library networks whose weights we set and read; SGD, so that a step is a gradient.

    Args:
        student: the handle.
        seed: of the networks.
        num_actions: A.
        learning_rate: of both optimisers.
    """

    def __init__(self, student: Handle, seed: int, num_actions: int = 2, learning_rate: float = 1.0) -> None:
        self.student = student
        generator = torch.Generator().manual_seed(seed)
        shape = ((1,), num_actions, 4)
        self.policy = recurrent.RecurrentPolicy(*shape, generator=generator)
        self.baseline = recurrent.RecurrentBaseline(*shape, generator=generator)
        self.own: dict[str, nn.Module] = {"policy": self.policy, "baseline": self.baseline}
        self.start = {name: {k: v.clone() for k, v in self.own[name].state_dict().items()} for name in NETWORKS}
        kinds = {"policy": "RecurrentPolicy", "baseline": "RecurrentBaseline"}
        self.inside = {
            name: student.keep(Lib(f"rl2lib.agents.recurrent.{kinds[name]}", *shape, generator=Generator(0)))
            for name in NETWORKS
        }
        pair = [self.inside[name] for name in NETWORKS]
        self.optimisers = student.call("make_optimisers", *pair, learning_rate, "SGD")
        self.reset()

    def reset(self) -> None:
        """Put the starting weights back."""
        for name in NETWORKS:
            self.student.load_state_dict(self.inside[name], self.start[name])

    def step(self, trajectory: Trajectory, discount: float, max_grad_norm: float) -> Any:
        """Let the learner take a step."""
        pair = [self.inside[name] for name in NETWORKS]
        return self.student.call("train_step", *pair, self.optimisers, trajectory, discount, max_grad_norm)

    def moves(self, name: str) -> Tensor:
        """Return how far a network is from its starting weights, one flat vector."""
        now = self.student.state_dict(self.inside[name])
        return torch.cat([(now[key] - before).flatten() for key, before in self.start[name].items()])


def trials_for_a_step(generator: torch.Generator, num_actions: int, shape: tuple[int, int]) -> Trajectory:
    """Return random trials of different lengths, several episodes each; rewards of any size."""
    size, steps = shape
    lengths = torch.randint(2, steps + 1, (size,), generator=generator)
    lengths[0] = steps
    mask = torch.arange(steps) < lengths[:, None]
    end = (torch.rand(shape, generator=generator) < 0.5) & mask
    return Trajectory(
        observation=torch.randn(*shape, 1, generator=generator) * mask[..., None],
        action=torch.randint(num_actions, shape, generator=generator) * mask,
        reward=(torch.randn(shape, generator=generator) + 1.0) * mask,
        episode_end=end,
        timed_out=torch.zeros_like(end),
        trial_end=torch.arange(steps) == lengths[:, None] - 1,
        mask=mask,
    )


def _gradient(loss: Tensor, module: nn.Module) -> Tensor:
    found = torch.autograd.grad(
        loss, list(module.parameters()), retain_graph=True, materialize_grads=True, allow_unused=True
    )
    return torch.cat([entry.flatten() for entry in found])


def expected_moves(
    bench: Bench, trial: Trajectory, discount: float, max_grad_norm: float
) -> dict[str, dict[str, Tensor]]:
    """Return, for "right" and for every slip, the moves of a step at learning rate 1 and its losses.

    Written out without the library's losses.
    """
    policy, baseline = bench.policy, bench.baseline
    inputs, inside = trial.step_inputs(), trial.mask.float()
    to_go = backwards(trial.reward, torch.full_like(trial.reward, discount))
    cut = backwards(trial.reward, discount * (~trial.episode_end).float())
    value = baseline.values(inputs)

    def policy_loss(advantage: Tensor, fed: StepInput = inputs, cut: bool = False) -> Tensor:
        state, columns = policy.initial_state(len(inside)), []
        for t in range(inside.shape[1]):
            state = state.detach() if cut else state
            output, state = policy.step(state, StepInput(*(column[:, t] for column in fed)))
            columns.append(output)
        logits = torch.stack(columns, dim=1)
        log_prob = logits.log_softmax(-1).gather(-1, trial.action[..., None])[..., 0]
        return -(log_prob * advantage * inside).sum(dim=1).mean()

    def fit(target: Tensor) -> Tensor:
        return 0.5 * ((value - target).square() * inside).sum() / inside.sum()

    def clipped(gradient: Tensor) -> Tensor:
        return gradient * min(1.0, max_grad_norm / (gradient.norm().item() + 1e-6))

    honest = (to_go - value).detach()
    right = {"policy": policy_loss(honest), "baseline": fit(to_go)}
    raw = {name: _gradient(right[name], bench.own[name]) for name in NETWORKS}
    steps = {name: -clipped(raw[name]) for name in NETWORKS}

    fitted = copy.deepcopy(baseline)
    moves = steps["baseline"].split([entry.numel() for entry in fitted.parameters()])
    with torch.no_grad():
        for entry, move in zip(fitted.parameters(), moves, strict=True):
            entry.add_(move.reshape(entry.shape))
    late = (to_go - fitted.values(inputs)).detach()
    now = inputs._replace(prev_action=trial.action, prev_reward=trial.reward)
    with_action = baseline.values(now).detach()

    def instead(name: str, loss: Tensor) -> dict[str, Tensor]:
        return {**steps, name: -clipped(_gradient(loss, bench.own[name]))}

    both = torch.cat([raw[name] for name in NETWORKS])
    together = min(1.0, max_grad_norm / (both.norm().item() + 1e-6))
    return {
        "right": {**steps, "loss policy": right["policy"].detach(), "loss baseline": right["baseline"].detach()},
        "sign_forgotten": instead("policy", -right["policy"]),
        "returns_cut_at_episode_ends": {
            "policy": -clipped(_gradient(policy_loss((cut - value).detach()), policy)),
            "baseline": -clipped(_gradient(fit(cut), baseline)),
        },
        "baseline_not_subtracted": instead("policy", policy_loss(to_go)),
        "baseline_fitted_before_use": instead("policy", policy_loss(late)),
        "baseline_sees_the_action": instead("policy", policy_loss(to_go - with_action)),
        "policy_fed_the_current_action": instead("policy", policy_loss(honest, now)),
        "truncated": instead("policy", policy_loss(honest, cut=True)),
        "baseline_never_steps": {**steps, "baseline": torch.zeros_like(steps["baseline"])},
        "policy_never_steps": {**steps, "policy": torch.zeros_like(steps["policy"])},
        "not_clipped": {name: -raw[name] for name in NETWORKS},
        "clipped_entry_by_entry": {name: -raw[name].clamp(-max_grad_norm, max_grad_norm) for name in NETWORKS},
        "clipped_together": {name: -raw[name] * together for name in NETWORKS},
        "advantage_not_detached": {
            **steps,
            "baseline": -clipped(raw["baseline"] + _gradient(policy_loss(to_go - value), baseline)),
        },
        "discount_ignored": instead(
            "policy", policy_loss(backwards(trial.reward, torch.ones_like(trial.reward)) - value.detach())
        ),
    }
