from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from rl2lib.nested import in_chunks, map_tensors, select_rows, shuffled_rows


class Inner(NamedTuple):
    tensor: Tensor
    steps: int


class Outer(NamedTuple):
    inner: Inner
    pair: tuple[Tensor, None]


def record(num_rows: int = 5) -> Outer:
    rows = torch.arange(num_rows)
    return Outer(Inner(rows, 7), (rows[:, None] * 10, None))


def test_tensors_are_mapped_at_any_depth_and_the_rest_stays() -> None:
    doubled = map_tensors(record(), lambda x: 2 * x)
    assert isinstance(doubled, Outer) and isinstance(doubled.inner, Inner)
    assert doubled.inner.tensor.tolist() == [0, 2, 4, 6, 8] and doubled.inner.steps == 7
    assert doubled.pair[0].flatten().tolist() == [0, 20, 40, 60, 80] and doubled.pair[1] is None
    assert map_tensors(None, torch.neg) is None
    assert map_tensors(torch.ones(1), torch.neg).item() == -1


def test_rows_are_selected_alike_everywhere() -> None:
    some = select_rows(record(), torch.tensor([3, 0]))
    assert some.inner.tensor.tolist() == [3, 0] and some.pair[0].tolist() == [[30], [0]]


@pytest.mark.parametrize(("size", "lengths"), [(2, [2, 2, 1]), (5, [5]), (9, [5]), (None, [5])])
def test_chunks_are_the_record_in_order(size: int | None, lengths: list[int]) -> None:
    whole = record()
    pieces: list[Any] = list(in_chunks(whole, 5, size))
    assert [len(piece.inner.tensor) for piece in pieces] == lengths
    assert torch.equal(torch.cat([piece.pair[0] for piece in pieces]), whole.pair[0])
    assert pieces[0].inner.tensor.data_ptr() == whole.inner.tensor.data_ptr(), "a view, no copy"


def test_every_epoch_has_every_row_once_in_an_order_of_its_own() -> None:
    rows = list(shuffled_rows(10, 2, 4, torch.Generator().manual_seed(0)))
    assert [len(some) for some in rows] == [4, 4, 2] * 2
    first, second = torch.cat(rows[:3]), torch.cat(rows[3:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(10))
    assert not torch.equal(first, second)
