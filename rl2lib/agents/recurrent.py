"""The recurrent policy of RL² and its baseline: embedding, core, linear layer (Duan et al. 2016, sections 2.3, A).

Acting goes step by step and learning unrolls whole trials at once; both run the same weights through the same
equations, so the log-probabilities agree. The state is made at a trial's start and nowhere else.
"""

from __future__ import annotations

import math
from typing import Required, Unpack

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalise_weight

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.cores import CoreOptions, make_core
from rl2lib.agents.softmax_policy import Mode, PolicyWithValues, SoftmaxPolicy
from rl2lib.tasks.features import flat_step_input, flatten_tasks
from rl2lib.types import StepInput


def xavier_linear(
    num_inputs: int, num_outputs: int, *, generator: torch.Generator, bias: bool = True, weight_norm: bool = False
) -> nn.Linear:
    """Return a linear layer with weights from Xavier's uniform distribution and a bias of zero, if any."""
    layer = nn.Linear(num_inputs, num_outputs, bias=bias)
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    if bias:
        nn.init.zeros_(layer.bias)
    return normalise_weight(layer) if weight_norm else layer


class StepEmbedding(nn.Module):
    """φ(o, a, r, d): observation, one-hot previous action, reward and flag as they are, side by side.

    Args:
        observation_shape: the shape of one observation, flattened here.
        num_actions: A.

    Attributes:
        size: the number of features.
    """

    def __init__(self, observation_shape: tuple[int, ...], num_actions: int) -> None:
        super().__init__()
        self.num_actions = num_actions
        self.size = math.prod(observation_shape) + num_actions + 2

    def forward(self, inputs: StepInput) -> Tensor:
        """Embed inputs of [B] or [B, T] steps: [..., size] float32."""
        return flat_step_input(inputs, self.num_actions)


class RecurrentNetwork(nn.Module):
    """Embedding, core, linear layer: step inputs to outputs, [B, T, ...] to [B, T, num_outputs].

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        num_outputs: A for a policy's logits, 1 for a baseline's value.
        hidden_size: H.
        generator: draws the initial weights: orthogonal hidden-to-hidden, Xavier elsewhere, zero biases.
        extra_size: features that come beside the step input's, at every step.
        options: of the core, see `CoreOptions`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        num_outputs: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        extra_size: int = 0,
        **options: Unpack[CoreOptions],
    ) -> None:
        super().__init__()
        self.num_actions = num_actions
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.core = make_core(self.embedding.size + extra_size, hidden_size, generator=generator, **options)
        weight_norm = options.get("weight_norm", False)
        self.head = xavier_linear(hidden_size, num_outputs, generator=generator, weight_norm=weight_norm)

    def zero_state(self, batch_size: int) -> Tensor:
        """Return a fresh trial's state: zeros [B, state_size]."""
        return self.head.bias.new_zeros(batch_size, self.core.state_size)

    def features(self, inputs: StepInput) -> Tensor:
        """Return what the core reads, [..., F], in the weights' own precision."""
        features: Tensor = self.embedding(inputs)
        return features.to(self.head.bias.dtype)  # a network in float64 takes float32 records

    def run(self, features: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the core's outputs [B, T, H] over features [B, T, F], and the last state; None is a trial's start."""
        outputs, last = self.core(features, self.zero_state(len(features)) if state is None else state)
        return outputs, last


class PolicyOptions(CoreOptions, total=False):
    """What a `RecurrentPolicy` takes by name, beside the core's options.

    Attributes:
        generator: draws the initial weights.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.
    """

    generator: Required[torch.Generator]
    mode: Mode


class RecurrentPolicy(RecurrentNetwork, SoftmaxPolicy):
    """The fast learner: logits over actions from everything that happened in the trial so far.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
        generator: draws the initial weights.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.
        options: of the core, see `CoreOptions`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        mode: Mode = "sampled",
        **options: Unpack[CoreOptions],
    ) -> None:
        super().__init__(observation_shape, num_actions, num_actions, hidden_size, generator=generator, **options)
        self.mode = mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return a fresh trial's state: zeros [B, state_size]; the tasks are not looked at."""
        return self.zero_state(batch_size)

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return logits [B, A] and the next state [B, state_size] for one step's inputs."""
        output, state = self.core.step(self.features(inputs), state)
        return self.head(output), state

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits [B, T, A] for whole trials' inputs, and the last state [B, state_size]."""
        outputs, last = self.run(self.features(inputs), state)
        return self.head(outputs), last


class RecurrentActorCritic(RecurrentPolicy, PolicyWithValues):
    """A policy whose core feeds a value head as well, as in the paper's visual navigation (section A.3).

    Its arguments are those of `RecurrentPolicy`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        **options: Unpack[PolicyOptions],
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden_size, **options)
        weight_norm = options.get("weight_norm", False)
        self.value_head = xavier_linear(hidden_size, 1, generator=options["generator"], weight_norm=weight_norm)

    def logits_and_values(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits [B, T, A], values [B, T] and the last state [B, state_size], from one pass; as `unroll`."""
        outputs, last = self.run(self.features(inputs), state)
        return self.head(outputs), self.value_head(outputs).squeeze(-1), last


class RecurrentBaseline(RecurrentNetwork, Baseline):
    """The return still to come, guessed from the same inputs by a network of its own: V(history up to o_t).

    It sees o_t and the action, reward and flag before it, never a_t: that keeps the gradient unbiased. It may see
    the task as well, which the policy may not: it is thrown away after training.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
        generator: draws the initial weights.
        task_size: F, the numbers in a task (`rl2lib.tasks.features.flatten_tasks`) if it sees it; 0 if not.
        options: of the core, see `CoreOptions`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        task_size: int = 0,
        **options: Unpack[CoreOptions],
    ) -> None:
        super().__init__(
            observation_shape, num_actions, 1, hidden_size, generator=generator, extra_size=task_size, **options
        )
        self.task_size = task_size

    @property
    def sees_task(self) -> bool:
        """Whether it must be shown the tasks."""
        return self.task_size > 0

    def values(self, inputs: StepInput, tasks: object = None) -> Tensor:
        """Return the values [B, T] of whole trials' inputs.

        Raises:
            ValueError: if it sees the task and is shown none, or one of another size.
        """
        features = self.features(inputs)
        if self.sees_task:
            features = torch.cat([features, self._task_features(tasks, features.shape[1])], dim=-1)
        outputs, _ = self.run(features)
        values: Tensor = self.head(outputs)
        return values.squeeze(-1)

    def _task_features(self, tasks: object, num_steps: int) -> Tensor:
        """The tasks' numbers at every step, [B, T, F]."""
        if tasks is None:
            raise ValueError(f"tasks: this baseline sees the task (task_size = {self.task_size}), got None")
        flat = flatten_tasks(tasks).to(self.head.bias.dtype)
        if flat.shape[1] != self.task_size:
            raise ValueError(f"tasks: expected {self.task_size} numbers a task, got {flat.shape[1]}")
        return flat[:, None].expand(-1, num_steps, -1)
