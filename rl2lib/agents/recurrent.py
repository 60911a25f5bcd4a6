"""The recurrent policy of RL² and its baseline: embedding, GRU, linear layer (Duan et al. 2016, sections 2.3, A).

Acting goes step by step and learning unrolls whole trials at once; both run the same weights through the same
equations, so the log-probabilities agree. The hidden state is made at a trial's start and nowhere else.
"""

from __future__ import annotations

import copy
import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalise_weight

from rl2lib.tasks import sampling
from rl2lib.types import StepInput

Activation = Literal["tanh", "relu"]
Mode = Literal["sampled", "greedy"]


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
        self.observation_axes = len(observation_shape)
        self.num_actions = num_actions
        self.size = math.prod(observation_shape) + num_actions + 2

    def forward(self, inputs: StepInput) -> Tensor:
        """Embed inputs of [B] or [B, T] steps: [..., size] float32."""
        steps = inputs.prev_action.shape
        one_hot = nn.functional.one_hot(inputs.prev_action, self.num_actions).to(torch.float32)
        parts = [inputs.observation.reshape(*steps, -1), one_hot]
        return torch.cat([*parts, inputs.prev_reward[..., None], inputs.prev_end[..., None]], dim=-1)


class GRU(nn.Module):
    """One GRU layer with the paper's options, its equations and parameter layout those of `torch.nn.GRU`.

    `torch.nn.GRU` keeps its own list of weights, which weight normalisation would silently leave behind, and
    knows no ReLU; hence this class. With tanh it runs torch's fused kernel.

    Args:
        input_size: the number of input features.
        hidden_size: H.
        generator: draws the initial weights.
        weight_norm: learn each row's length and direction apart (Salimans & Kingma 2016), starting from the
            initial weights themselves, without a data-dependent pass.
        activation: of the candidate state; the paper's hidden units are rectified.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        generator: torch.Generator,
        weight_norm: bool = False,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        if activation not in ("tanh", "relu"):
            raise ValueError(f'activation: expected "tanh" or "relu", got {activation!r}')
        self.hidden_size = hidden_size
        self.activation = activation
        self.weight_ih = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.zeros(3 * hidden_size))
        self.bias_hh = nn.Parameter(torch.zeros(3 * hidden_size))
        # the three gates are three matrices that happen to be stacked: each is initialised by itself
        for gate in self.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate.detach(), generator=generator)
        for gate in self.weight_hh.chunk(3):
            nn.init.orthogonal_(gate.detach(), generator=generator)
        if weight_norm:
            normalise_weight(self, "weight_ih")
            normalise_weight(self, "weight_hh")

    def weights(self) -> list[Tensor]:
        """Return the weights in force, in torch's order (normalised ones are computed here, once a call)."""
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]

    def step(self, features: Tensor, state: Tensor) -> Tensor:
        """Advance the state [B, H] by one step's features [B, F]."""
        return self._cell(features, state, *self.weights())

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run over features [B, T, F] from state [B, H]; return all states [B, T, H] and the last [B, H]."""
        weights = self.weights()
        if self.activation == "tanh":
            states, last = torch.gru(features, state[None], weights, True, 1, 0.0, False, False, True)
            return states, last[0]
        steps = []
        for now in features.unbind(dim=1):
            state = self._cell(now, state, *weights)
            steps.append(state)
        return torch.stack(steps, dim=1), state

    def _cell(self, x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
        if self.activation == "tanh":
            return torch.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)
        reset_x, update_x, new_x = nn.functional.linear(x, w_ih, b_ih).chunk(3, dim=-1)
        reset_h, update_h, new_h = nn.functional.linear(h, w_hh, b_hh).chunk(3, dim=-1)
        update = torch.sigmoid(update_x + update_h)
        new = torch.relu(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
        return new + update * (h - new)


class RecurrentNetwork(nn.Module):
    """Embedding, GRU, linear layer: step inputs to outputs, [B, T, ...] to [B, T, num_outputs].

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        num_outputs: A for a policy's logits, 1 for a baseline's value.
        hidden_size: H.
        generator: draws the initial weights: orthogonal hidden-to-hidden, Xavier elsewhere, zero biases.
        weight_norm: on every weight matrix.
        activation: of the GRU's candidate state.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        num_outputs: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        weight_norm: bool = False,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.num_actions = num_actions
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRU(
            self.embedding.size,
            hidden_size,
            generator=generator,
            weight_norm=weight_norm,
            activation=activation,
        )
        self.head = nn.Linear(hidden_size, num_outputs)
        nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)
        if weight_norm:
            normalise_weight(self.head)

    def initial_state(self, batch_size: int) -> Tensor:
        """Return a fresh trial's state: zeros [B, H]."""
        return self.head.bias.new_zeros(batch_size, self.gru.hidden_size)

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return outputs [B, num_outputs] and the next state [B, H] for one step's inputs."""
        state = self.gru.step(self._features(inputs), state)
        return self.head(state), state

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs [B, T, num_outputs] for whole trials' inputs, and the last state [B, H].

        Args:
            inputs: [B, T, ...], from `Trajectory.step_inputs`.
            state: where to start; None is a trial's start.
        """
        if state is None:
            state = self.initial_state(inputs.prev_action.shape[0])
        states, last = self.gru(self._features(inputs), state)
        return self.head(states), last

    def _features(self, inputs: StepInput) -> Tensor:
        features: Tensor = self.embedding(inputs)
        return features.to(self.head.bias.dtype)  # a network in float64 takes float32 records


class RecurrentPolicy(RecurrentNetwork):
    """The fast learner: logits over actions from everything that happened in the trial so far.

    Args:
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.
        others: as for `RecurrentNetwork`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        weight_norm: bool = False,
        activation: Activation = "tanh",
        mode: Mode = "sampled",
    ) -> None:
        super().__init__(
            observation_shape,
            num_actions,
            num_actions,
            hidden_size,
            generator=generator,
            weight_norm=weight_norm,
            activation=activation,
        )
        self.mode = mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return a fresh trial's state: zeros [B, H]; the tasks are not looked at."""
        return super().initial_state(batch_size)

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return actions [B] and the next state.

        Raises:
            FloatingPointError: if a logit is not finite; an argmax would hide it.
        """
        logits, state = self.step(state, inputs)
        if not bool(torch.isfinite(logits).all()):
            raise FloatingPointError("the policy's logits are not finite")
        if self.mode == "greedy":
            return logits.argmax(dim=-1), state
        return sampling.categorical(logits, generator), state

    def acting(self, mode: Mode) -> RecurrentPolicy:
        """Return this policy acting in another mode; the weights are shared, not copied."""
        if mode not in ("sampled", "greedy"):
            raise ValueError(f'mode: expected "sampled" or "greedy", got {mode!r}')
        twin = copy.copy(self)
        twin.mode = mode
        return twin


class RecurrentBaseline(RecurrentNetwork):
    """The return still to come, guessed from the same inputs by a network of its own: V(history up to o_t).

    It sees o_t and the action, reward and flag before it, never a_t: that keeps the gradient unbiased.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        weight_norm: bool = False,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__(
            observation_shape,
            num_actions,
            1,
            hidden_size,
            generator=generator,
            weight_norm=weight_norm,
            activation=activation,
        )

    def values(self, inputs: StepInput) -> Tensor:
        """Return the values [B, T] of whole trials' inputs."""
        return self.unroll(inputs)[0].squeeze(-1)
