"""GRU and LSTM weights for checks, and what the usual slips give with them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def random_cell(gates: int, hidden: int, features: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw (w_ih, w_hh, b_ih, b_hh) of a cell with that many gates."""
    generator = torch.Generator().manual_seed(gates)
    shapes = ((gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,))
    w_ih, w_hh, b_ih, b_hh = (torch.randn(shape, generator=generator) for shape in shapes)
    return w_ih, w_hh, b_ih, b_hh


def gru_slips(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> dict[str, Tensor]:
    """What the usual slips give on this input."""
    hidden = h.shape[1]
    from_x, from_h = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    x_n, h_n = from_x[:, -hidden:], from_h[:, -hidden:]
    first, second = torch.sigmoid(from_x + from_h)[:, : 2 * hidden].chunk(2, dim=1)  # r and z
    w_n, b_n = w_hh[-hidden:], b_hh[-hidden:]

    def mix(n: Tensor, z: Tensor = second) -> Tensor:
        return (1 - z) * n + z * h

    n = torch.tanh(x_n + first * h_n)
    rows_x, rows_h = from_x.reshape(-1, hidden, 3), from_h.reshape(-1, hidden, 3)
    r, z = torch.sigmoid(rows_x + rows_h)[..., :2].unbind(dim=-1)
    return {
        "gates_swapped": mix(torch.tanh(x_n + second * h_n), first),
        "update_gate_reversed": mix(n, 1 - second),
        "reset_before_product": mix(torch.tanh(x_n + (first * h) @ w_n.T + b_n)),
        "bias_outside_the_reset": mix(torch.tanh(x_n + b_n + first * (h @ w_n.T))),
        "reset_gate_left_out": mix(torch.tanh(x_n + h_n)),
        "candidate_without_state": mix(torch.tanh(x_n)),
        "candidate_with_sigmoid": mix(torch.sigmoid(x_n + first * h_n)),
        "gates_interleaved": mix(torch.tanh(rows_x[..., 2] + r * rows_h[..., 2]), z),
    }


def lstm_slips(
    x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> dict[str, Any]:
    """What the usual slips give on this input."""

    def gates(seen: Tensor, order: str = "ifgo") -> dict[str, Tensor]:
        pieces = (x @ w_ih.T + b_ih + seen @ w_hh.T + b_hh).chunk(4, dim=1)
        named = dict(zip(order, pieces, strict=True))
        return {name: torch.tanh(v) if name == "g" else torch.sigmoid(v) for name, v in named.items()}

    def finish(gate: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        new = gate["f"] * c + gate["i"] * gate["g"]
        return gate["o"] * torch.tanh(new), new

    right = gates(h)
    new_h, new_c = finish(right)
    coupled = (1 - right["i"]) * c + right["i"] * right["g"]
    return {
        "state_pair_swapped": (new_c, new_h),
        "input_and_forget_swapped": finish(gates(h, "figo")),
        "output_before_candidate": finish(gates(h, "ifog")),
        "gates_read_the_cell": finish(gates(c)),
        "cell_not_squashed": (right["o"] * new_c, new_c),
        "output_from_the_old_cell": (right["o"] * torch.tanh(c), new_c),
        "forget_is_one_minus_input": (right["o"] * torch.tanh(coupled), coupled),
        "only_h_returned": new_h,
    }
