"""The machine that the figures belong to: processor, cores, torch, and the fastest matrix product it does."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.measure import median_seconds
from rl2lib.training.loop import torch_threads

THREADS = (1, 2)
SIZES = (1024, 2048)
SECONDS_A_SIZE = 1.0


@dataclass(frozen=True)
class Machine:
    """Where figures were measured.

    Attributes:
        model: of the processor.
        cores: that the operating system shows.
        system: and the architecture, e.g. "Linux x86_64".
        torch: version.
        peak_gflops: of the best large square matrix product, by type and threads, e.g. "float32, 1 thread".
    """

    model: str
    cores: int
    system: str
    torch: str
    peak_gflops: dict[str, float]

    @property
    def identity(self) -> tuple[str, int, str]:
        """What must agree for figures to stand in one table."""
        return self.model, self.cores, self.torch

    def lines(self) -> list[str]:
        """Return what to print."""
        peaks = "; ".join(f"{name}: {value:,.0f} GFLOP/s" for name, value in self.peak_gflops.items())
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        here = f"{self.model}, {cores}, {self.system}, torch {self.torch}"
        return [here, f"matrix product: {peaks}"] if peaks else [here]


def examine(quick: bool = False) -> Machine:
    """Look at this machine and, unless in a hurry, time its matrix products for some seconds."""
    cores = os.cpu_count() or 1
    peaks = {}
    for dtype in (torch.float32, torch.bfloat16):
        for threads in THREADS:
            if threads <= cores and not quick:
                name = f"{str(dtype).removeprefix('torch.')}, {counted(threads)}"
                peaks[name] = round(matrix_peak(dtype, threads) / 1e9, 1)
    system = f"{platform.system()} {platform.machine()}"
    return Machine(_model(), cores, system, torch.__version__, peaks)


def all_threads() -> int:
    """Return how many threads a training run gets, on both sides of a comparison: two, or one on one core."""
    return min(max(THREADS), os.cpu_count() or 1)


def counted(threads: int) -> str:
    """Return "1 thread", "2 threads"."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def matrix_peak(dtype: torch.dtype, threads: int) -> float:
    """Return the best rate of a square matrix product, in floating-point operations a second."""
    best = 0.0
    with torch_threads(threads):
        for product, operations in matrix_products(dtype):
            product()
            began = time.perf_counter()
            while time.perf_counter() - began < SECONDS_A_SIZE:
                before = time.perf_counter()
                product()
                best = max(best, operations / (time.perf_counter() - before))
    return best


def matrix_products(
    dtype: torch.dtype = torch.float32, sizes: tuple[int, ...] = SIZES
) -> list[tuple[Callable[[], object], float]]:
    """Return large square products, to be called, and the operations that each takes.

    torch knows two ways to multiply float32 matrices: the library behind `torch.mm`, and oneDNN. On some processors
    the first leaves half of the vector units idle, so both are candidates for the peak.
    """
    products: list[tuple[Callable[[], object], float]] = []
    for size in sizes:
        generator = torch.Generator().manual_seed(0)
        left, right = (torch.randn(size, size, generator=generator).to(dtype) for _ in range(2))
        products.append((partial(torch.mm, left, right, out=torch.empty_like(left)), 2.0 * size**3))
        if dtype == torch.float32 and torch.backends.mkldnn.is_available():
            packed = left.to_mkldnn(), right.to_mkldnn()
            products.append((partial(torch.nn.functional.linear, *packed), 2.0 * size**3))
    return products


def fastest_product(sizes: tuple[int, ...] = SIZES) -> tuple[Callable[[], object], float]:
    """Return the float32 product of the highest rate with the threads in force, and its operations."""
    rates = []
    for product, operations in matrix_products(sizes=sizes):
        (seconds,) = median_seconds(product)
        rates.append(operations / seconds)
    return matrix_products(sizes=sizes)[rates.index(max(rates))]


def _model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
