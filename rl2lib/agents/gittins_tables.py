"""Gittins indices of a Bernoulli arm with a uniform prior, as tables over what was counted.

An arm that has paid s times and failed f times is worth, by its index, the sure reward rate λ at which one is
indifferent between that rate and pulling the arm for as long as one likes (Gittins 1979). For a fixed λ this is
an optimal stopping problem, solved backwards over the arm's t = s + f pulls:

    D(s, t) = p - λ + γ [p max(D(s + 1, t + 1), 0) + (1 - p) max(D(s, t + 1), 0)],   p = (s + 1) / (t + 2)

is the advantage of pulling once more. All λ of a grid are solved at once and the index is where D crosses zero.
"""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rl2lib.files import write_whole
from rl2lib.tasks.episodes import expect_counts

RATES = 400
"""Intervals of λ's grid for the finite-horizon table of a long trial; cheaper tables get more.

With 400 an index is off by 1e-4 on average and 1.5e-3 at most.
"""

LOOKAHEAD = 1_000
"""How many pulls beyond the last arm of a table the discounted recursion starts, at most."""

Floats = NDArray[np.floating[Any]]

_MAGIC = b"rl2lib finite-horizon Gittins indices, version 1\n"


def whittle_indices(successes: Tensor, failures: Tensor, discount: float) -> Tensor:
    """Return the closed-form approximation to the discounted index.

    With mean μ, n = successes + failures + 2 and c = -ln γ it is μ + μ(1 - μ) / (n √((2c + 1/n) μ(1 - μ)) + μ - 1/2)
    (Whittle 1982; Chakravorty & Mahajan 2013): good for arms pulled often, rough for untried ones.

    Args:
        successes: [...] float32, at least 0; the prior's success is added here.
        failures: [...] float32, likewise.
        discount: γ in (0, 1).

    Returns:
        [...] float32, in (0, 1).

    Raises:
        ValueError: if the discount is not inside (0, 1).
    """
    _expect_discount(discount)
    n = successes + failures + 2
    mean = (successes + 1) / n
    variance = mean * (1 - mean)
    width = n * ((2 * -math.log(discount) + 1 / n) * variance).sqrt() + mean - 0.5
    return mean + variance / width


@lru_cache(maxsize=16)
def stopping_indices(num_pulls: int) -> Tensor:
    """Return the undiscounted index of every arm that a trial can meet, as if all pulls left were the arm's own.

    The index of (s, f) is the best ratio E[rewards] / E[pulls] over stopping times of at most n - s - f pulls.
    It takes the arm's own pulls for the trial's, so an arm seen seldom is thought to have long to go.

    Args:
        num_pulls: n, the length of a trial, at least 1.

    Returns:
        [n, n] float32: row s + f, column s; zero where s > s + f.
    """
    expect_counts(num_pulls=num_pulls)
    return _square(num_pulls, _solve(num_pulls, _grid(num_pulls, 5 * RATES, np.float64)))


@lru_cache(maxsize=16)
def discounted_indices(num_pulls: int, discount: float) -> Tensor:
    """Return Gittins' own index for discount γ, calibrated against retirement at every rate of a grid.

    The recursion starts 7 / (1 - γ) pulls beyond the last arm of the table, at most `LOOKAHEAD`, where nothing
    more is learned; up to γ = .99 this moves no fourth digit, at γ = .9999 it makes the index a lower bound.

    Args:
        num_pulls: n, how many pulls the arms of the table may have had, and one more.
        discount: γ in (0, 1).

    Returns:
        [n, n] float32: row s + f, column s; zero where s > s + f. The index of Beta(1, 1) is [0, 0].

    Raises:
        ValueError: if the discount is not inside (0, 1) or n is below 1.
    """
    expect_counts(num_pulls=num_pulls)
    _expect_discount(discount)
    depth = num_pulls + min(LOOKAHEAD, math.ceil(7 / (1 - discount)))
    rates = np.linspace(0, 1, max(1000, num_pulls + 2) + 1)  # the recursion is deep: no more for short trials
    return _square(num_pulls, _solve(depth, rates, discount, keep=num_pulls))


class FiniteHorizonIndices:
    """The undiscounted index of every arm with every number of pulls left: what an arm is worth *now*.

    The index of (s, f) with m pulls left is the best ratio E[rewards] / E[pulls] over stopping times of at most
    m pulls. For n = 500 that is 21 million numbers, solved once (many seconds) and kept on disk.

    Args:
        num_pulls: n, the length of a trial.
        values: [n (n + 1) (n + 2) / 6] float32: one triangle of arms after another, from 1 pull left to n; in a
            triangle, arms are ordered by s + f, then s.
    """

    def __init__(self, num_pulls: int, values: Tensor) -> None:
        self.num_pulls = num_pulls
        self.values = values

    def __call__(self, successes: Tensor, failures: Tensor, pulls_left: int) -> Tensor:
        """Return the indices [...] float32 of arms with these counts, [...], with `pulls_left` pulls to go."""
        tried = (successes + failures).long()
        start = _first_of_block(self.num_pulls, pulls_left)
        return self.values[start + tried * (tried + 1) // 2 + successes.long()]

    def to(self, device: torch.device | str) -> FiniteHorizonIndices:
        """Return the same table on a device."""
        return FiniteHorizonIndices(self.num_pulls, self.values.to(device))


def finite_horizon_indices(num_pulls: int, folder: Path | None = None) -> FiniteHorizonIndices:
    """Return the finite-horizon indices of trials of `num_pulls` pulls, from disk where they are there.

    A file that is not what was once written (its sha256 stands in front) is built anew, with a warning.

    Args:
        num_pulls: n, at least 1; memory and disk grow as n³ (84 MB at 500), time as n³ too.
        folder: where tables are kept; None is `cache_folder()`.

    Raises:
        ValueError: if n is below 1.
    """
    expect_counts(num_pulls=num_pulls)
    return _finite_horizon_indices(num_pulls, cache_folder() if folder is None else folder)


@lru_cache(maxsize=3)
def _finite_horizon_indices(num_pulls: int, folder: Path) -> FiniteHorizonIndices:
    place = folder / f"finite_horizon_gittins_{num_pulls}.bin"
    values = _read(place, num_pulls)
    if values is None:
        values = build_finite_horizon(num_pulls)
        _write(place, num_pulls, values)
    return FiniteHorizonIndices(num_pulls, torch.from_numpy(values))


def build_finite_horizon(num_pulls: int) -> NDArray[np.float32]:
    """Solve for the values of `FiniteHorizonIndices`: one stopping problem for every s + f + pulls left."""
    values = np.empty(_first_of_block(num_pulls, num_pulls + 1), dtype=np.float32)
    grid = _grid(num_pulls, RATES, np.float32)
    for depth in range(1, num_pulls + 1):
        indices = _solve(depth, grid)
        for pulled in range(depth):
            start = _first_of_block(num_pulls, depth - pulled) + _triangle(pulled)
            values[start : start + pulled + 1] = indices[_triangle(pulled) : _triangle(pulled + 1)]
    return values


def cache_folder() -> Path:
    """Return where tables are kept: `RL2_CACHE`, or else `rl2lib` in the user's own cache folder."""
    named = os.environ.get("RL2_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rl2lib"


def _grid(num_pulls: int, intervals: int, dtype: type) -> Floats:
    """The rates λ, evenly over [0, 1]: at least so many intervals, and finer than any arm's distance from 0."""
    return np.linspace(0, 1, max(intervals, 250 * RATES // num_pulls, num_pulls + 2) + 1, dtype=dtype)


def _solve(depth: int, rates: Floats, discount: float = 1.0, keep: int | None = None) -> Floats:
    """Return the indices of the arms pulled less than `keep` times, from a recursion that ends at `depth` pulls.

    Beyond `depth` nothing is gained without a discount; with one, the arm's mean or λ is earned forever. The
    arms are ordered by s + f, then s: [keep (keep + 1) / 2].
    """
    keep = depth if keep is None else keep
    arms = np.arange(depth + 1, dtype=rates.dtype)[:, None]
    # rows are arms and columns rates, so that the arms of one t are one block of memory
    gain = np.zeros((depth + 1, len(rates)), dtype=rates.dtype)
    if discount < 1:
        np.maximum(((arms + 1) / (depth + 2) - rates) / (1 - discount), 0, out=gain)
    space, nothing = np.empty_like(gain), np.zeros_like(rates)  # a row of zeros: NumPy is slower against a number
    start_of_row = np.arange(depth) * len(rates)
    first_below = np.empty(_triangle(keep), dtype=np.int64)
    around = np.empty((3, _triangle(keep)))
    means = np.empty(_triangle(keep))
    for pulled in range(depth - 1, -1, -1):
        mean = (arms[: pulled + 1] + 1) / (pulled + 2)
        after_failure, advantage = gain[: pulled + 1], space[: pulled + 1]
        np.subtract(gain[1 : pulled + 2], after_failure, out=advantage)
        advantage *= mean
        advantage += after_failure
        if discount < 1:
            advantage *= discount
        advantage += mean
        advantage -= rates
        if pulled < keep:
            here = slice(_triangle(pulled), _triangle(pulled + 1))
            first = np.maximum((advantage <= 0).argmax(axis=1), 2)
            place = start_of_row[: pulled + 1] + first
            for i in range(3):
                around[i, here] = advantage.take(place - 2 + i)
            first_below[here], means[here] = first, mean[:, 0]
        np.maximum(advantage, nothing, out=after_failure)
    indices: Floats = np.maximum(rates[first_below - 1] + rates[1] * _root(*around), means)
    return indices


def _root(before: Floats, above: Floats, below: Floats) -> Floats:
    """How far from `above` towards `below`, in [0, 1], an advantage falls to zero.

    By a parabola through three neighbours on λ's grid, the advantage being convex in λ: it bends sharply near the
    crossing of an arm that is well known, and a straight line would put its index too high.
    """
    bend = np.maximum((before - 2 * above + below) / 2, 0)
    slope = below - above - bend
    root: Floats = np.minimum(2 * above / (np.sqrt(np.maximum(slope**2 - 4 * bend * above, 0)) - slope), 1)
    return root


def _square(rows: int, triangle: Floats) -> Tensor:
    table = np.zeros((rows, rows), dtype=np.float32)
    table[np.tril_indices(rows)] = triangle
    return torch.from_numpy(table)


def _triangle(rows: int) -> int:
    return rows * (rows + 1) // 2


def _first_of_block(num_pulls: int, pulls_left: int) -> int:
    """Where the triangle of `pulls_left` begins: after those of 1, ..., pulls_left - 1 pulls left."""
    whole = num_pulls * (num_pulls + 1) * (num_pulls + 2) // 6
    size = num_pulls - pulls_left + 1
    return whole - size * (size + 1) * (size + 2) // 6


def _header(num_pulls: int, content: bytes) -> bytes:
    name = f"{num_pulls} pulls\n".encode()
    return _MAGIC + name + hashlib.sha256(name + content).hexdigest().encode() + b"\n"


def _read(place: Path, num_pulls: int) -> NDArray[np.float32] | None:
    try:
        whole = place.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        warnings.warn(f"{place}: the kept table cannot be read ({error}); it is built anew", stacklevel=4)
        return None
    size = 4 * _first_of_block(num_pulls, num_pulls + 1)
    content = whole[len(whole) - size :] if len(whole) > size else b""
    if whole[: len(whole) - len(content)] != _header(num_pulls, content):
        warnings.warn(f"{place}: the kept table is corrupt (checksum); it is built anew", stacklevel=4)
        return None
    return np.frombuffer(content, dtype="<f4").astype(np.float32)


def _write(place: Path, num_pulls: int, values: NDArray[np.float32]) -> None:
    """Keep a table, whole or not at all; without it it is built again."""
    content = values.astype("<f4").tobytes()
    try:
        write_whole(place, _header(num_pulls, content) + content)
    except OSError as error:
        warnings.warn(
            f"{place}: the table could not be kept ({error}) and will be built again next time; "
            "set RL2_CACHE to a folder that can be written",
            stacklevel=4,
        )


def _expect_discount(discount: float) -> None:
    if not 0 < discount < 1:
        raise ValueError(f"discount: expected a number inside (0, 1), got {discount}")
