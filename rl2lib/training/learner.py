"""What the training loop asks of a slow learner, and the one gradient step that they share."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.types import StepInput, Trajectory


class Baseline(Protocol):
    """What is subtracted from a return before it weighs an action: the return still to come, guessed beforehand.

    It must not see a_t. If it declares ``sees_task = True`` it is shown the tasks, which no policy is. One that is
    fitted in closed form has a method ``fit(inputs, tasks, target, mask)``; any other is trained by gradients.
    """

    def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
        """Return the values [B, T] of whole trials' inputs."""
        ...


class Learner(Protocol):
    """A slow learner: it owns the weights and improves them, one batch of whole trials at a time.

    The trials it learns from are played by its policy, or by its `player` if it has an attribute of that name.

    Attributes:
        config: a frozen dataclass; written on every checkpoint's card.
        modules: every module with weights, by name.
        optimisers: every optimiser, by the name of its module.
    """

    config: Any
    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]

    @property
    def policy(self) -> SoftmaxPolicy:
        """The fast learner that is trained."""
        ...

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Improve the weights from fresh trials and return what is worth plotting.

        Args:
            trajectory: whole trials that the policy, or the learner's `player`, has just played.
            tasks: the tasks they were played on, for learners that may see them.
            progress: the fraction of training already done, in [0, 1), which drives schedules.
            generator: the learner's own randomness (the order of minibatches).

        Raises:
            FloatingPointError: if a loss, a gradient or a weight is no longer finite.
        """
        ...


def descend(loss: Tensor, name: str, module: nn.Module, optimiser: torch.optim.Optimizer, max_grad_norm: float) -> None:
    """Take one gradient step on a module, its gradient clipped to a norm.

    Raises:
        FloatingPointError: if the loss or the gradient is not finite; the weights are then as they were.
    """
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
    if not (bool(torch.isfinite(loss)) and bool(torch.isfinite(norm))):
        gradients = {key: parameter.grad for key, parameter in module.named_parameters() if parameter.grad is not None}
        check_gradient(gradients, name, loss)
        raise FloatingPointError(f"the loss of {name} is {loss.item():g}, its gradient's norm {norm.item():g}")
    optimiser.step()


def check_gradient(gradients: dict[str, Tensor], name: str, loss: Tensor) -> None:
    """Raise FloatingPointError, naming the parameter, if a module's gradient is not finite."""
    for key, gradient in gradients.items():
        if not bool(torch.isfinite(gradient).all()):
            raise FloatingPointError(f"the gradient of {name}.{key} is not finite (loss {loss.item():g})")


def check_finite(modules: dict[str, nn.Module]) -> None:
    """Raise FloatingPointError, naming it, if a weight, or a number that a fitted module keeps, is not finite."""
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            if not bool(torch.isfinite(value).all()):
                raise FloatingPointError(f"the weights of {name}.{key} are not finite")


def largest_weight(modules: dict[str, nn.Module]) -> str:
    """Name the parameter whose numbers are largest, and say how large."""
    sizes = {
        f"{name}.{key}": parameter.detach().abs().max().item()
        for name, module in modules.items()
        for key, parameter in module.named_parameters()
    }
    key = max(sizes, key=lambda name: sizes[name])
    return f"{key} ({sizes[key]:g})"


def check_device(modules: dict[str, nn.Module], device: torch.device) -> None:
    """Raise ValueError, naming the parameter, if a weight is not on the device where trials are played."""
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            other_card = device.index is not None and value.device.index != device.index
            if value.device.type != device.type or other_card:
                raise ValueError(
                    f"{name}.{key}: expected on {device}, got {value.device}; move the modules before you make the "
                    'learner, or train(..., device="...")'
                )
