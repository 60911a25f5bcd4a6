"""What a slow learner is, to the training loop and to whoever reads about it; the one gradient step they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training.schedules import Schedule
from rl2lib.types import Policy, Trajectory


class OwnLearner(Protocol):
    """What the loop asks of anybody's slow learner: it owns the weights and improves them, a batch of trials at a time.

    Its policy plays the trials that it learns from.

    Attributes:
        config: a frozen dataclass; written on every checkpoint's card, and asked for where there are any.
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
        """Improve the weights from fresh trials and return what is worth plotting; see `Learner.update`."""
        ...


class Learner(ABC):
    """A slow learner of the library, which also says who plays, and how fast it learns.

    Attributes:
        config: a frozen dataclass; written on every checkpoint's card.
        modules: every module with weights, by name.
        optimisers: every optimiser, by the name of its module.
        rates: the learning rates of its optimisers, by the name of the module.
    """

    config: Any
    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    rates: dict[str, Schedule]
    policy: SoftmaxPolicy

    @property
    @abstractmethod
    def player(self) -> Policy[Any]:
        """Who plays the trials that it learns from: its policy, or a teacher."""

    def anneal(self, progress: float) -> None:
        """Set the learning rates to where training is."""
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self.rates[name](progress)

    @abstractmethod
    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Improve the weights from fresh trials and return what is worth plotting.

        Args:
            trajectory: whole trials that the `player` has just played.
            tasks: the tasks they were played on, for learners that may see them.
            progress: the fraction of training already done, in [0, 1), which drives schedules.
            generator: the learner's own randomness (the order of minibatches).

        Raises:
            FloatingPointError: if a loss, a gradient or a weight is no longer finite.
        """


def player_of(learner: Learner | OwnLearner) -> Policy[Any]:
    """Return who plays the trials that a learner learns from; of somebody's own learner it is the policy.

    Raises:
        TypeError: if it is no `Learner` and yet has a `player`, whom nobody would ask.
    """
    if isinstance(learner, Learner):
        return learner.player
    if hasattr(learner, "player"):
        kind = type(learner).__name__
        raise TypeError(f"{kind}.player: expected of an rl2lib.training.learner.Learner alone; write {kind}(Learner)")
    return learner.policy


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
