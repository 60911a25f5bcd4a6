"""Random draws that take a generator, on the generator's device (torch.distributions takes none)."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def make_generators(seed: int, *names: str, device: torch.device | str = "cpu") -> dict[str, torch.Generator]:
    """Return one generator per name. A stream depends on the seed and its name, not on its company.

    So a run's weights, tasks and luck are independent streams of one seed, and adding a stream moves no other.
    """
    generators = {}
    for name in names:
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        stream_seed = int.from_bytes(digest[:8]) >> 1  # torch takes 63 bits
        generators[name] = torch.Generator(device=device).manual_seed(stream_seed)
    return generators


def make_generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of one name; see `make_generators`."""
    return make_generators(seed, name, device=device)[name]


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw from U[0, 1): float32 of the given shape."""
    return torch.rand(shape, generator=generator, device=generator.device)


def normal(mean: Tensor, std: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from N(mean, std²), elementwise over the broadcast shape."""
    shape = torch.broadcast_shapes(mean.shape, std.shape)
    return mean + std * torch.randn(shape, generator=generator, device=generator.device, dtype=mean.dtype)


def bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 0. or 1. with the given probability of 1, elementwise; one uniform number per element."""
    noise = torch.rand(probability.shape, generator=generator, device=generator.device, dtype=probability.dtype)
    return (noise < probability).to(probability.dtype)


def gamma(concentration: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from Gamma(concentration, rate 1), elementwise.

    Raises:
        ValueError: if a concentration is not positive.
    """
    _expect_positive(concentration)
    # what torch.distributions.Gamma calls itself, only that it passes no generator
    return torch._standard_gamma(concentration, generator=generator)


def beta(alpha: Tensor, beta: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from Beta(alpha, beta), elementwise over the broadcast shape."""
    shape = torch.broadcast_shapes(alpha.shape, beta.shape)
    return dirichlet(torch.stack([alpha.expand(shape), beta.expand(shape)], dim=-1), generator)[..., 0]


def dirichlet(concentration: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from Dirichlet(concentration) over the last axis; every draw sums to 1 there, however small it is.

    Raises:
        ValueError: if a concentration is not positive.
    """
    _expect_positive(concentration)
    if bool((concentration < 0.1).any()):
        # Gamma(a) is Gamma(a + 1) times U^(1/a), which underflows for small a: stay with logarithms
        log_draws = gamma(concentration + 1, generator).log()
        noise = torch.rand(concentration.shape, generator=generator, device=generator.device, dtype=concentration.dtype)
        return (log_draws + torch.log1p(-noise) / concentration).softmax(dim=-1)
    draws = gamma(concentration, generator)
    return draws / draws.sum(dim=-1, keepdim=True)


def categorical(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an index of the last axis with probability softmax(logits): int64, one axis fewer.

    An exponential race: the first of A clocks with rates exp(logits) rings, with no need to normalise.
    """
    clocks = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - clocks.log()).argmax(dim=-1)


def index(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an index of the last axis with the given probabilities: int64, one axis fewer.

    One uniform number per index, whatever the probabilities: what two agents do alike meets the same luck.
    Probabilities need not sum to 1; an index of probability 0 is never drawn.
    """
    cumulative = probability.cumsum(dim=-1)
    shape = probability.shape[:-1]
    noise = torch.rand(shape, generator=generator, device=generator.device, dtype=probability.dtype)
    return (noise[..., None] >= cumulative / cumulative[..., -1:]).sum(dim=-1)


def integers(high: int, num: int, generator: torch.Generator) -> Tensor:
    """Draw [num] int64 uniformly from 0..high-1."""
    return torch.randint(high, (num,), generator=generator, device=generator.device)


def _expect_positive(concentration: Tensor) -> None:
    if not bool((concentration > 0).all()):
        raise ValueError(f"concentration: expected positive numbers, got a smallest of {concentration.min():g}")
