"""A GRU over whole trials, forward and backward, at twice the speed of `torch.nn.GRU` on common CPUs.

Three things make the difference, none of them changes the mathematics (`docs/performance.md` has the figures):

- Products go to oneDNN, which uses 512-bit vectors wherever the processor has them; the library behind
  `torch.mm` does so on one vendor's processors only.
- The gradient of the hidden weights is one product for a block of steps, not one for every step.
- Gates are computed in place, block by block, so that they are still in the cache when they are needed.

Where oneDNN or 512-bit vectors are missing, `unroll` is `torch.gru`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

BLOCK = 10
"""Steps whose pre-activations are computed together: few enough to stay in the cache, enough for large products."""

MIN_STATE = 4096
"""Below so many numbers in a batch's state, Python's share of a step outweighs what the products gain."""


def unroll(features: Tensor, state: Tensor, weights: list[Tensor]) -> Tensor:
    """Run a GRU over features [B, T, F] from state [B, H]; return all states [B, T, H].

    Args:
        features: [B, T, F] float.
        state: [B, H] float.
        weights: as `torch.gru` takes them: [3H, F], [3H, H], [3H], [3H], the gates in the order reset, update, new.
    """
    if _is_fast(state):
        states: Tensor = _Unroll.apply(features, state, *weights)  # type: ignore[no-untyped-call]  # torch's
        return states
    return torch.gru(features, state[None], weights, True, 1, 0.0, False, False, True)[0]


def step(features: Tensor, state: Tensor, weights: list[Tensor]) -> Tensor:
    """Advance the state [B, H] by one step's features [B, F]."""
    if torch.is_grad_enabled() or not _is_fast(state):
        return torch.gru_cell(features, state, *weights)
    w_ih, w_hh, b_ih, b_hh = weights
    from_input, new = _input_part(features, w_ih, b_ih)
    following = torch.empty_like(state)
    _advance(from_input, new, state, w_hh, b_hh, following)
    return following


def _is_fast(state: Tensor) -> bool:
    return state.device.type == "cpu" and state.dtype == torch.float32 and state.numel() >= MIN_STATE and _available()


@cache
def _available() -> bool:
    """Whether oneDNN's products are here and worth it; the call is torch's own, but not a documented one."""
    if not torch.backends.mkldnn.is_available() or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    one = torch.ones(1, 1)
    try:
        return bool(_sum_and_product(one, one, one, one[0]) == 3 and _weight_gradient(one, 2 * one) == 2)
    except (AttributeError, RuntimeError, TypeError):
        return False


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """X @ weight.T + bias."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def _sum_and_product(addend: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Addend + x @ weight.T + bias, in one pass."""
    total: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, addend, weight, bias, "add")
    return total


def _weight_gradient(d_outputs: Tensor, inputs: Tensor) -> Tensor:
    """d_outputs.T @ inputs."""
    shape = inputs.new_empty(d_outputs.shape[1], inputs.shape[1]).to_mkldnn()
    gradient: Tensor
    gradient, _ = torch.ops.aten.mkldnn_linear_backward_weights(d_outputs.to_mkldnn(), inputs.to_mkldnn(), shape, False)
    return gradient.to_dense()


def _input_part(inputs: Tensor, w_ih: Tensor, b_ih: Tensor | None) -> tuple[Tensor, Tensor]:
    """What inputs [..., F] add to reset and update gate [..., 2H], and twice what they add to the new one [..., H]."""
    split = 2 * len(w_ih) // 3
    flat = inputs.reshape(-1, inputs.shape[-1])
    gates = _product(flat, w_ih[:split], None if b_ih is None else b_ih[:split])
    new = _product(flat, 2 * w_ih[split:], None if b_ih is None else 2 * b_ih[split:])
    return gates.view(*inputs.shape[:-1], -1), new.view(*inputs.shape[:-1], -1)


def _advance(
    from_input: Tensor, new: Tensor, state: Tensor, w_hh: Tensor, b_hh: Tensor, following: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Write the next state; return the gates reset, update, the state's part of new, and new, each [B, H]."""
    hidden_size = state.shape[1]
    gates = _product(state, w_hh, b_hh)
    gates[:, : 2 * hidden_size].add_(from_input).sigmoid_()
    reset, update, new_state = gates.split(hidden_size, dim=1)
    # tanh x = 2σ(2x) - 1, and torch's sigmoid is several times faster than its tanh
    sigmoid = new.addcmul_(reset, new_state, value=2).sigmoid_()
    torch.add(_MINUS_ONE, sigmoid, alpha=2, out=new)
    torch.lerp(new, state, update, out=following)
    return reset, update, new_state, new


_MINUS_ONE = torch.tensor(-1.0)


class _Unroll(torch.autograd.Function):
    """`unroll` with its own backward pass; a second derivative is left to torch."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, state: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
    ) -> Tensor:
        batch_size, num_steps, _ = features.shape
        # time first, so that a step is one piece of memory; a last feature of ones makes the bias a weight
        inputs = torch.cat([features.transpose(0, 1), features.new_ones(num_steps, batch_size, 1)], dim=2)
        w_input = torch.cat([w_ih, b_ih[:, None]], dim=1)
        states = features.new_empty(num_steps + 1, batch_size, state.shape[1])
        states[0] = state
        gates: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for block in inputs.split(BLOCK):
            from_input, new = _input_part(block, w_input, None)
            for i in range(len(block)):
                t = len(gates)
                gates.append(_advance(from_input[i], new[i], states[t], w_hh, b_hh, states[t + 1]))
        ctx.save_for_backward(features, state, w_ih, w_hh, b_ih, b_hh)
        ctx.inputs, ctx.states, ctx.gates = inputs, states.detach(), gates
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        if torch.is_grad_enabled():  # somebody wants to differentiate the gradient itself
            features, state, *weights = ctx.saved_tensors
            states = torch.gru(features, state[None], weights, True, 1, 0.0, False, False, True)[0]
            wanted = [x for x, needed in zip(ctx.saved_tensors, ctx.needs_input_grad, strict=True) if needed]
            found = iter(torch.autograd.grad(states, wanted, gradients, create_graph=True))
            return tuple(next(found) if needed else None for needed in ctx.needs_input_grad)
        return _backward(ctx, gradients[0])


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """Walk back through the blocks; d_x is the loss's gradient with respect to x, of gates before their sigmoid."""
    w_ih, w_hh = ctx.saved_tensors[2:4]
    inputs, states = ctx.inputs, ctx.states
    num_steps, batch_size, num_features = inputs.shape
    hidden_size = states.shape[2]
    d_states = gradient.transpose(0, 1)
    d_inputs = inputs.new_empty(num_steps, batch_size, num_features - 1) if ctx.needs_input_grad[0] else None
    d_state = torch.zeros_like(states[0])
    d_weights = w_hh.new_zeros(3 * hidden_size, hidden_size + num_features)
    d_w_new = w_hh.new_zeros(hidden_size, num_features)
    w_hh_back, w_ih_back = w_hh.t().contiguous(), w_ih.t().contiguous()
    d_gates = states.new_empty(min(BLOCK, num_steps), batch_size, 3 * hidden_size)
    d_new = states.new_empty(len(d_gates), batch_size, hidden_size)
    for start in reversed(range(0, num_steps, BLOCK)):
        stop = min(start + BLOCK, num_steps)
        rows = (stop - start) * batch_size
        for t in reversed(range(start, stop)):
            d_state.add_(d_states[t])
            carried = _step_back(d_state, states[t + 1], ctx.gates[t], d_gates[t - start], d_new[t - start])
            d_state = _sum_and_product(carried, d_gates[t - start], w_hh_back)
        # all weights at once, [3H, H + F]; the input enters the new gate past the reset gate, so that part is apart
        flat, flat_new = d_gates[: stop - start].view(rows, -1), d_new[: stop - start].view(rows, -1)
        d_weights += _weight_gradient(flat, torch.cat([states[start:stop], inputs[start:stop]], dim=2).view(rows, -1))
        d_w_new += _weight_gradient(flat_new, inputs[start:stop].reshape(rows, -1))
        if d_inputs is not None:
            d_gates[: stop - start, :, 2 * hidden_size :] = d_new[: stop - start]
            d_inputs[start:stop] = _product(flat, w_ih_back, None).view(stop - start, batch_size, -1)
    d_w_hh, d_w_input = d_weights.split([hidden_size, num_features], dim=1)
    d_b_hh = d_w_input[:, -1]
    d_w_ih, d_b_ih = torch.cat([d_w_input[: 2 * hidden_size], d_w_new]).split([num_features - 1, 1], dim=1)
    return (None if d_inputs is None else d_inputs.transpose(0, 1)), d_state, d_w_ih, d_w_hh, d_b_ih[:, 0], d_b_hh


def _step_back(
    d_following: Tensor, following: Tensor, gates: tuple[Tensor, Tensor, Tensor, Tensor], d_gates: Tensor, d_new: Tensor
) -> Tensor:
    """Write one step's gradients [B, 3H] and [B, H]; return what reaches the state past the gates [B, H]."""
    reset, update, new_state, new = gates
    d_reset, d_update, d_new_state = d_gates.split(new.shape[1], dim=1)
    carried = d_following * update
    rest = d_following - carried
    # following - new = update (state - new), and the sigmoid's slope is update (1 - update)
    torch.mul(rest, following - new, out=d_update)
    torch.ops.aten.tanh_backward.grad_input(rest, new, grad_input=d_new)
    torch.ops.aten.sigmoid_backward.grad_input(d_new * new_state, reset, grad_input=d_reset)
    torch.mul(d_new, reset, out=d_new_state)
    return carried
