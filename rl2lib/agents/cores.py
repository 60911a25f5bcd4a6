"""Recurrent cores: what carries a trial's memory, GRU, LSTM, or a stack of them.

A core's state is one tensor [B, state_size], zeros at a trial's start, whatever its kind: an LSTM's hidden and cell
parts lie side by side, a stack's layers as well. So a state can be kept, compared, halved or transplanted as it is.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalise_weight

from rl2lib.agents import gru_unroll
from rl2lib.tasks.episodes import expect_counts

Activation = Literal["tanh", "relu"]
CoreName = Literal["gru", "lstm"]


class CoreOptions(TypedDict, total=False):
    """How the core of a recurrent network is built; `make_core` has the defaults.

    Attributes:
        core: "gru" (the paper's) or "lstm".
        num_layers: one above the other.
        weight_norm: on every weight matrix, the network's other layers' too: learn each row's length and direction
            apart (Salimans & Kingma 2016), starting from the initial weights themselves, without a data-dependent pass.
        activation: of the GRU's candidate state; the paper's hidden units are rectified.
    """

    core: CoreName
    num_layers: int
    weight_norm: bool
    activation: Activation


class _GatedCore(nn.Module):
    """The weights that GRU and LSTM share: `num_gates` matrices stacked, initialised as in the paper's appendix A."""

    def __init__(
        self,
        num_gates: int,
        input_size: int,
        hidden_size: int,
        generator: torch.Generator,
        weight_norm: bool,
    ) -> None:
        super().__init__()
        self.hidden_size = self.output_size = self.state_size = hidden_size
        rows = num_gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.zeros(rows))
        self.bias_hh = nn.Parameter(torch.zeros(rows))
        # the gates are matrices of their own that happen to be stacked: each is initialised by itself
        for gate in self.weight_ih.chunk(num_gates):
            nn.init.xavier_uniform_(gate.detach(), generator=generator)
        for gate in self.weight_hh.chunk(num_gates):
            nn.init.orthogonal_(gate.detach(), generator=generator)
        if weight_norm:
            normalise_weight(self, "weight_ih")
            normalise_weight(self, "weight_hh")

    def weights(self) -> list[Tensor]:
        """Return the weights in force, in torch's order (normalised ones are computed here, once a call)."""
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]


class GRU(_GatedCore):
    """One GRU layer with the paper's options, its equations and parameter layout those of `torch.nn.GRU`.

    `torch.nn.GRU` keeps its own list of weights, which weight normalisation would silently leave behind, and
    knows no ReLU; hence this class.

    Args:
        input_size: the number of input features.
        hidden_size: H.
        generator: draws the initial weights.
        weight_norm: see `CoreOptions`.
        activation: of the candidate state.
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
        if activation not in ("tanh", "relu"):
            raise ValueError(f'activation: expected "tanh" or "relu", got {activation!r}')
        super().__init__(3, input_size, hidden_size, generator, weight_norm)
        self.activation = activation

    def step(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance the state [B, H] by one step's features [B, F]; it is the output as well."""
        if self.activation == "tanh":
            state = gru_unroll.step(features, state, self.weights())
        else:
            state = _rectified_step(features, state, *self.weights())
        return state, state

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run over features [B, T, F] from state [B, H]; return all states [B, T, H] and the last [B, H]."""
        weights = self.weights()
        if self.activation == "tanh":
            states = gru_unroll.unroll(features, state, weights)
            return states, states[:, -1]
        steps = []
        for now in features.unbind(dim=1):
            state = _rectified_step(now, state, *weights)
            steps.append(state)
        return torch.stack(steps, dim=1), state


def _rectified_step(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    reset_x, update_x, new_x = nn.functional.linear(x, w_ih, b_ih).chunk(3, dim=-1)
    reset_h, update_h, new_h = nn.functional.linear(h, w_hh, b_hh).chunk(3, dim=-1)
    update = torch.sigmoid(update_x + update_h)
    new = torch.relu(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
    return new + update * (h - new)


class LSTM(_GatedCore):
    """One LSTM layer, its equations and parameter layout those of `torch.nn.LSTM` (Wang et al. 2016 used one).

    The state [B, 2H] is hidden state and cell, side by side; the output is the hidden state.

    Args:
        input_size: the number of input features.
        hidden_size: H.
        generator: draws the initial weights.
        weight_norm: see `CoreOptions`.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, generator: torch.Generator, weight_norm: bool = False
    ) -> None:
        super().__init__(4, input_size, hidden_size, generator, weight_norm)
        self.state_size = 2 * hidden_size

    def step(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance the state [B, 2H] by one step's features [B, F]; return the output [B, H] and the state."""
        hidden, cell = torch.lstm_cell(features, state.chunk(2, dim=1), *self.weights())
        return hidden, torch.cat([hidden, cell], dim=1)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run over features [B, T, F] from state [B, 2H]; return outputs [B, T, H] and the last state."""
        start = [part[None].contiguous() for part in state.chunk(2, dim=1)]
        outputs, hidden, cell = torch.lstm(features, start, self.weights(), True, 1, 0.0, False, False, True)
        return outputs, torch.cat([hidden[0], cell[0]], dim=1)


class Stack(nn.Module):
    """Layers of cores, each reading the outputs of the one below; their states lie side by side.

    Args:
        layers: from the bottom up; at least one.
    """

    def __init__(self, layers: list[GRU] | list[LSTM]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.output_size = layers[-1].output_size
        self.sizes = [layer.state_size for layer in layers]
        self.state_size = sum(self.sizes)

    def step(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance every layer by one step."""
        states = []
        for layer, part in zip(self.layers, state.split(self.sizes, dim=1), strict=True):
            features, following = layer.step(features, part)  # type: ignore[operator]
            states.append(following)
        return features, torch.cat(states, dim=1)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run the layers over features [B, T, F], one after the other."""
        states = []
        for layer, part in zip(self.layers, state.split(self.sizes, dim=1), strict=True):
            features, last = layer(features, part)
            states.append(last)
        return features, torch.cat(states, dim=1)


def make_core(
    input_size: int,
    hidden_size: int,
    *,
    generator: torch.Generator,
    core: CoreName = "gru",
    num_layers: int = 1,
    weight_norm: bool = False,
    activation: Activation = "tanh",
) -> GRU | LSTM | Stack:
    """Return a core, one layer or a stack of them; see `CoreOptions`.

    Raises:
        ValueError: if there is no such core, no layer, or a rectified LSTM is asked for.
    """
    if core not in ("gru", "lstm"):
        raise ValueError(f'core: expected "gru" or "lstm", got {core!r}')
    expect_counts(num_layers=num_layers)
    sizes = [input_size] + [hidden_size] * (num_layers - 1)
    if core == "gru":
        layers: list[GRU] | list[LSTM] = [
            GRU(size, hidden_size, generator=generator, weight_norm=weight_norm, activation=activation)
            for size in sizes
        ]
    elif activation == "tanh":
        layers = [LSTM(size, hidden_size, generator=generator, weight_norm=weight_norm) for size in sizes]
    else:
        raise ValueError(f'activation: an LSTM has "tanh" only, got {activation!r}; take core="gru"')
    return layers[0] if num_layers == 1 else Stack(layers)
