"""Feed-forward networks, and the policy made of them: what a recurrent one must beat to have learned in a trial."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rl2lib.agents.recurrent import StepEmbedding, xavier_linear
from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.types import StepInput


class Perceptron(nn.Module):
    """Two layers with a tanh between, initialised as the recurrent networks are: Xavier, zero biases.

    Args:
        num_inputs: F.
        hidden_size: of the first layer.
        num_outputs: of the second.
        generator: draws the initial weights.
    """

    def __init__(self, num_inputs: int, hidden_size: int, num_outputs: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden = xavier_linear(num_inputs, hidden_size, generator=generator)
        self.output = xavier_linear(hidden_size, num_outputs, generator=generator)

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [..., num_outputs] for features [..., F]."""
        outputs: Tensor = self.output(self.hidden(features).tanh())
        return outputs


class SetHead(nn.Module):
    """One logit for every item of a set: from its own state, the mean state, and what all items share.

    Relabelling the items relabels their logits, and no weight depends on their number (Zaheer et al. 2017, "Deep
    Sets"). Linear in the mean state would shift all logits alike, which a softmax does not see: hence the tanh
    between; and for the same reason the last layer has no bias.

    Args:
        state_size: H, of one item's state; the hidden layer is as wide.
        num_shared: C, features that all items share.
        generator: draws the initial weights: Xavier, zero biases.
    """

    def __init__(self, state_size: int, num_shared: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.own = xavier_linear(state_size, state_size, generator=generator)
        self.common = xavier_linear(state_size + num_shared, state_size, generator=generator, bias=False)
        self.output = xavier_linear(state_size, 1, generator=generator, bias=False)

    def forward(self, states: Tensor, shared: Tensor) -> Tensor:
        """Return logits [..., K] for items' states [..., K, H] and shared features [..., C]."""
        common = torch.cat([states.mean(dim=-2), shared], dim=-1)
        # once for all items, not for each: a product of half the size
        hidden = self.own(states) + self.common(common)[..., None, :]
        logits: Tensor = self.output(hidden.tanh())
        return logits.squeeze(-1)


class FeedForwardPolicy(SoftmaxPolicy):
    """The non-recurrent twin of `recurrent.RecurrentPolicy`: same inputs, same linear layer, no state.

    In the GRU's place are a layer of 3H units, as many as its gates have, and one of H: nearly the same number of
    weights (2H fewer, as each layer has one bias). All it knows of the trial is the step before.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
        generator: draws the initial weights: Xavier, zero biases.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        generator: torch.Generator,
        mode: Mode = "sampled",
    ) -> None:
        super().__init__()
        self.num_actions = num_actions
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.body = Perceptron(self.embedding.size, 3 * hidden_size, hidden_size, generator=generator)
        self.head = xavier_linear(hidden_size, num_actions, generator=generator)
        self.mode = mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return the state that it has none of: [B, 0]."""
        return self.head.bias.new_zeros(batch_size, 0)

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return logits [B, A] for one step's inputs, and the state as it was."""
        return self._logits(inputs), state

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits [B, T, A] for whole trials' inputs, and the state as it was."""
        return self._logits(inputs), self.initial_state(len(inputs.prev_action)) if state is None else state

    def _logits(self, inputs: StepInput) -> Tensor:
        features = self.embedding(inputs).to(self.head.bias.dtype)  # a network in float64 takes float32 records
        logits: Tensor = self.head(self.body(features).tanh())
        return logits
