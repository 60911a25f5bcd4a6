"""Records of tensors, a step input, a core's state or a batch of tasks, handled as one tensor would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

Record = TypeVar("Record")


def map_tensors(record: Record, function: Callable[[Tensor], Tensor]) -> Record:
    """Return the record with the function applied to its tensors, however deep in tuples; the rest stays.

    Args:
        record: a tensor, a tuple or NamedTuple of records, or anything else, which stays as it is.
        function: what is done to each tensor.
    """
    if isinstance(record, Tensor):
        return function(record)  # type: ignore[return-value]  # a tensor for a tensor
    if not isinstance(record, tuple):
        return record
    parts = [map_tensors(part, function) for part in record]
    return type(record)(*parts) if hasattr(record, "_fields") else type(record)(parts)


def select_rows(record: Record, rows: Tensor) -> Record:
    """Return the rows with the given indices [N] of every tensor [B, ...] in the record."""
    return map_tensors(record, lambda tensor: tensor[rows])


def in_chunks(record: Record, num_rows: int, size: int | None) -> Iterator[Record]:
    """Yield the record's rows in pieces of at most `size`, in order and without a copy; None: all at once."""
    if size is None or size >= num_rows:
        yield record
        return
    for start in range(0, num_rows, size):
        yield map_tensors(record, lambda tensor, start=start: tensor[start : start + size])  # type: ignore[misc]


def shuffled_rows(num_rows: int, epochs: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the rows [N] of minibatches of at most `size`: every row once an epoch, each epoch in another order."""
    for _ in range(epochs):
        yield from torch.randperm(num_rows, generator=generator, device=generator.device).split(size)
