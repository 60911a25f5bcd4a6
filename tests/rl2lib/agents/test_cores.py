"""Our cores are torch's: outputs, last states and every gradient, for sizes on both sides of the fast path."""

import pytest
import torch
from torch import Tensor

from rl2lib.agents import gru_unroll
from rl2lib.agents.cores import GRU, LSTM, CoreName, Stack, make_core


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randomised(core: GRU | LSTM) -> GRU | LSTM:
    """Biases too: zeros would hide that they are swapped."""
    with torch.no_grad():
        for weight in core.parameters():
            weight.uniform_(-0.3, 0.3, generator=generator(1))
    return core


def gradients(outputs: Tensor, last: Tensor, leaves: list[Tensor]) -> tuple[Tensor, ...]:
    """Of a sum in which every output and the last state count differently."""
    loss = (outputs * torch.randn(outputs.shape, generator=generator(4), dtype=outputs.dtype)).sum()
    return torch.autograd.grad(loss + (last * last).sum(), leaves)


SIZES = [(3, 1, 2, 4), (40, 6, 5, 128), (gru_unroll.MIN_STATE // 32, 2 * gru_unroll.BLOCK + 1, 3, 32), (1, 8, 1, 100)]
"""B, T, F, H."""


@pytest.mark.parametrize(("batch_size", "num_steps", "num_features", "hidden_size"), SIZES)
@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_outputs_and_gradients_are_torchs(
    kind: type[GRU] | type[LSTM], batch_size: int, num_steps: int, num_features: int, hidden_size: int
) -> None:
    ours = randomised(kind(num_features, hidden_size, generator=generator()))
    theirs = {GRU: torch.nn.GRU, LSTM: torch.nn.LSTM}[kind](num_features, hidden_size, batch_first=True)
    theirs.load_state_dict({f"{name}_l0": weight for name, weight in ours.state_dict().items()})
    x = torch.randn(batch_size, num_steps, num_features, generator=generator(2)).requires_grad_()
    state = torch.randn(batch_size, ours.state_size, generator=generator(3)).requires_grad_()
    outputs, last = ours(x, state)
    if kind is GRU:
        expected, end = theirs(x, state[None])
        expected_last = end[0]
    else:
        expected, end = theirs(x, tuple(part[None].contiguous() for part in state.chunk(2, dim=1)))
        expected_last = torch.cat([end[0][0], end[1][0]], dim=1)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(last, expected_last)
    mine = gradients(outputs, last, [x, state, *ours.weights()])
    its = gradients(expected, expected_last, [x, state, *theirs.parameters()])
    for got, wanted in zip(mine, its, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("hidden_size", [8, 64])
@pytest.mark.parametrize("name", ["gru", "lstm"])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_stepping_is_unrolling(name: CoreName, num_layers: int, hidden_size: int) -> None:
    core = make_core(5, hidden_size, core=name, num_layers=num_layers, generator=generator())
    x = torch.randn(64, 7, 5, generator=generator(1))
    with torch.no_grad():
        state = torch.zeros(64, core.state_size)
        outputs, last = core(x, state)
        for t in range(7):
            output, state = core.step(x[:, t], state)
            torch.testing.assert_close(output, outputs[:, t])
    torch.testing.assert_close(state, last)
    assert outputs.shape == (64, 7, core.output_size) and core.output_size == hidden_size


def test_a_trial_may_be_run_in_pieces() -> None:
    core = Stack([LSTM(2, 6, generator=generator()), LSTM(6, 4, generator=generator(1))])
    x, state = torch.randn(3, 9, 2, generator=generator(2)), torch.zeros(3, 20)
    whole, last = core(x, state)
    first, middle = core(x[:, :4], state)
    second, end = core(x[:, 4:], middle)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end, last)


@pytest.mark.skipif(not gru_unroll._available(), reason="no 512-bit vectors or no oneDNN here")
def test_the_fast_path_can_be_differentiated_twice() -> None:
    gru = GRU(2, 64, generator=generator())
    x, state = torch.randn(64, 4, 2, generator=generator(1)), torch.zeros(64, 64)

    def curvature(outputs: Tensor) -> Tensor:
        (first,) = torch.autograd.grad(outputs.square().sum(), gru.weight_hh, create_graph=True)
        return torch.autograd.grad(first.square().sum(), gru.weight_hh)[0]

    plain = torch.gru(x, state[None], gru.weights(), True, 1, 0.0, False, False, True)[0]
    torch.testing.assert_close(curvature(gru(x, state)[0]), curvature(plain), rtol=1e-3, atol=1e-4)


def test_without_the_fast_products_torch_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    gru = GRU(2, 64, generator=generator())
    x, state = torch.randn(64, 4, 2, generator=generator(1)), torch.zeros(64, 64)
    fast = gru(x, state)[0]
    monkeypatch.setattr(gru_unroll, "_available", lambda: False)
    torch.testing.assert_close(gru(x, state)[0], fast)


def test_unknown_cores_are_refused() -> None:
    with pytest.raises(ValueError, match=r'core: expected "gru" or "lstm", got "rnn"|got \'rnn\''):
        make_core(2, 2, core="rnn", generator=generator())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_layers: expected at least 1, got 0"):
        make_core(2, 2, num_layers=0, generator=generator())
    with pytest.raises(ValueError, match="an LSTM has"):
        make_core(2, 2, core="lstm", activation="relu", generator=generator())
