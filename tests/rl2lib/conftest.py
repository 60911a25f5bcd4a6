"""Shared by the library's tests: one torch thread, so that results do not depend on the machine's load."""

from collections.abc import Callable, Iterator

import pytest
import torch

Seeded = Callable[[int], torch.Generator]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def seeded() -> Seeded:
    return lambda seed: torch.Generator().manual_seed(seed)
