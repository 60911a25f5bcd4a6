"""The update alone: one forward and backward pass over whole trials, beside torch's own GRU and the matrix product."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.machine import THREADS, counted, fastest_product
from benchmarks.measure import Benchmark, Figure, Measurement, Settings, median_seconds
from benchmarks.ours import GRU, RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.loop import torch_threads
from rl2lib.training.memory import keep_freed_memory

BATCH, STEPS, FEATURES, HIDDEN = 128, 100, 13, 256

STEPPED = Figure("update: stepped in Python / unrolled", "x", 1.5)
OF_PEAK = {
    threads: Figure(f"GRU update: part of the matrix peak, {counted(threads)}", "x", 0.55) for threads in THREADS
}
BESIDE_TORCH = {
    threads: Figure(f"GRU update: torch.nn.GRU / ours, {counted(threads)}", "x", 1.25) for threads in THREADS
}


def operations(batch: int, steps: int, features: int, hidden: int) -> float:
    """Return the floating-point operations of a GRU's update, its matrix products alone.

    A step multiplies the state by [H, 3H] and the input by [F, 3H]. Backwards there is a gradient of each weight, as
    much work again, and one of the state; the input wants none.
    """
    return batch * steps * 3.0 * hidden * 2 * (3 * hidden + 2 * features)


def update(settings: Settings) -> list[Measurement]:
    """Time our GRU, torch's, and a large matrix product in turn, with one thread and with two."""
    keep_freed_memory()  # as training does, for both sides
    sizes = (2, 3, 4, 5) if settings.quick else (BATCH, STEPS, FEATURES, HIDDEN)
    work = operations(*sizes)
    measurements = []
    for threads in THREADS:
        figures = OF_PEAK[threads], BESIDE_TORCH[threads]
        if threads > (os.cpu_count() or 1):
            measurements += [figure.missing("skipped: this machine has one core") for figure in figures]
            continue
        with torch_threads(threads):
            product, of_product = fastest_product((64,)) if settings.quick else fastest_product()
            seconds = median_seconds(*_updates(*sizes), product, repeats=_rounds(settings))
        ours, theirs, matrix = seconds
        rate, peak = work / ours, of_product / matrix
        batch, steps, features, hidden = sizes
        size = f"batch {batch}, T={steps}, F={features}, H={hidden}"
        measurements += [
            figures[0].measured(rate / peak, f"{size}: {rate / 1e9:.0f} of {peak / 1e9:.0f} GFLOP/s, float32, in turn"),
            figures[1].measured(
                theirs / ours, f"in turn: {batch * steps / ours:,.0f} and {batch * steps / theirs:,.0f} steps/s"
            ),
        ]
    return measurements


def unrolled(settings: Settings) -> list[Measurement]:
    """Time a policy's update over whole trials beside the same policy stepped in Python, on one thread."""
    batch, pulls, hidden = (2, 3, 4) if settings.quick else (256, 50, 64)
    generators = make_generators(0, "weights", "tasks", "env", "policy")
    policy = RecurrentPolicy((1,), 5, hidden, generator=generators["weights"])
    tasks = IndependentBandits(5).sample(batch, generators["tasks"])
    trajectory = rollout(
        policy, BanditEnv(5, pulls), tasks, policy_generator=generators["policy"], env_generator=generators["env"]
    )
    inputs = trajectory.step_inputs()

    def fused() -> None:
        policy.unroll(inputs)[0].square().mean().backward()

    def stepped() -> None:
        state, total = policy.initial_state(batch), torch.zeros(())
        for t in range(pulls):
            step = type(inputs)(*(field[:, t] for field in inputs))
            logits, state = policy.step(state, step)
            total = total + logits.square().mean()
        total.backward()

    with torch_threads(1):
        ours, theirs = median_seconds(fused, stepped, repeats=settings.repeats)
    return [STEPPED.measured(theirs / ours, f"{batch * pulls / ours:.0f} steps/s")]


def _updates(batch: int, steps: int, features: int, hidden: int) -> list[Callable[[], None]]:
    """Return our update and torch's, on the same inputs and gradient."""
    generator = make_generators(0, "weights")["weights"]
    inputs = torch.randn(batch, steps, features, generator=generator)
    gradient = torch.randn(batch, steps, hidden, generator=generator)
    state = torch.zeros(batch, hidden)
    ours, theirs = GRU(features, hidden, generator=generator), nn.GRU(features, hidden, batch_first=True)

    def our_update() -> None:
        ours.zero_grad()
        ours(inputs, state)[0].backward(gradient)

    def their_update() -> None:
        theirs.zero_grad()
        theirs(inputs, state[None])[0].backward(gradient)

    return [our_update, their_update]


def _rounds(settings: Settings) -> int:
    """A round takes half a second: more of them than of the long benchmarks."""
    return settings.repeats if settings.quick else 3 * settings.repeats


BENCHMARKS = (
    Benchmark("unroll", "a policy unrolled beside stepped in Python", (STEPPED,), unrolled),
    Benchmark(
        "update",
        "the GRU's update beside torch.nn.GRU and the matrix peak",
        tuple(figures[threads] for threads in THREADS for figures in (OF_PEAK, BESIDE_TORCH)),
        update,
    ),
)
