"""What one training step should do to two small networks, written out without the library's losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rl2lib.agents import recurrent
from rl2lib.lab.handle import Handle
from rl2lib.lab.values import Generator, Lib
from rl2lib.types import StepInput, Trajectory

NETWORKS = ("policy", "baseline")


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


def expected_step(bench: Bench, trial: Trajectory, discount: float, max_grad_norm: float) -> dict[str, Tensor]:
    """Return the moves of both networks at learning rate 1, and their losses as "loss policy", "loss baseline"."""
    policy, inputs, inside = bench.policy, trial.step_inputs(), trial.mask.float()
    steps = range(inside.shape[1])
    state, logits = policy.initial_state(len(inside)), []
    for t in steps:
        output, state = policy.step(state, StepInput(*(column[:, t] for column in inputs)))
        logits.append(output)
    log_prob = torch.stack(logits, dim=1).log_softmax(-1).gather(-1, trial.action[..., None])[..., 0]
    to_go, following = torch.zeros_like(trial.reward), torch.zeros(len(inside))
    for t in reversed(steps):
        following = to_go[:, t] = trial.reward[:, t] + discount * following
    value = bench.baseline.values(inputs)
    losses = {
        "policy": -(log_prob * (to_go - value.detach()) * inside).sum(dim=1).mean(),
        "baseline": 0.5 * ((value - to_go).square() * inside).sum() / inside.sum(),
    }
    found = {}
    for name, loss in losses.items():
        gradient = _gradient(loss, bench.own[name])
        found[name] = -gradient * min(1.0, max_grad_norm / (gradient.norm().item() + 1e-6))
        found[f"loss {name}"] = loss.detach()
    return found
