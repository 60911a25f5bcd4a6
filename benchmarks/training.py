"""Full RL² training beside sb3-contrib's RecurrentPPO: the same bandits, steps, epochs and minibatches in one run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

from benchmarks import ours
from benchmarks.machine import all_threads, counted
from benchmarks.measure import Benchmark, Figure, Measurement, Settings, median_seconds
from benchmarks.ours import QUICK, Sizes
from rl2lib.training.learner import Learner
from rl2lib.training.loop import torch_threads

SIZES = Sizes()
SETTING = "RL² training k=10, n=100, H=256"

SEPARATE = Figure(f"{SETTING}: ours / sb3-contrib", "x", 2.5)
SHARED = Figure(f"{SETTING}, shared critic: ours / sb3-contrib", "x", 4.0)
SHARED_BOTH = Figure(f"{SETTING}, shared critic on both sides: ours / sb3-contrib", "x")


def training(settings: Settings) -> list[Measurement]:
    """Compare learners whose critic is a network of its own."""
    sizes = QUICK if settings.quick else SIZES
    rates, threads = _rates(settings, sizes, ours.separate_critic, (False,))
    return [
        SEPARATE.measured(rates[0] / rates[1], _note(rates[0], rates[1], sizes, threads, "a critic LSTM of its own"))
    ]


def training_shared(settings: Settings) -> list[Measurement]:
    """Compare our learner whose critic shares the policy's network with theirs, as it comes and sharing too."""
    sizes = QUICK if settings.quick else SIZES
    rates, threads = _rates(settings, sizes, ours.shared_critic, (False, True))
    return [
        SHARED.measured(rates[0] / rates[1], _note(rates[0], rates[1], sizes, threads, "a critic LSTM of its own")),
        SHARED_BOTH.measured(
            rates[0] / rates[2],
            _note(rates[0], rates[2], sizes, threads, "shared_lstm=True, which its critic reads and does not train"),
        ),
    ]


def _rates(
    settings: Settings, sizes: Sizes, make: Callable[[Sizes], Learner], sharing: tuple[bool, ...]
) -> tuple[list[float], int]:
    """Return environment steps a second of ours, and of theirs with and without a critic of its own; and threads."""
    from benchmarks import sb3

    threads = all_threads()
    actions = [_iterating(partial(ours.iterate, make(sizes), sizes))]
    actions += [_iterating(partial(sb3.iterate, sb3.recurrent_ppo(sizes, shared=share), sizes)) for share in sharing]
    with torch_threads(threads):
        seconds = median_seconds(*actions, repeats=settings.repeats)
    return [sizes.steps / value for value in seconds], threads


def _iterating(iterate: Callable[[int], None]) -> Callable[[], None]:
    """Return one iteration a call, each on bandits of its own, the same on both sides."""
    seeds = count()
    return lambda: iterate(next(seeds))


def _note(our_rate: float, their_rate: float, sizes: Sizes, threads: int, their_critic: str) -> str:
    return (
        f"{our_rate:,.0f} and {their_rate:,.0f} env-steps/s, {sizes}, {counted(threads)}; theirs: MlpLstmPolicy, "
        f"{their_critic}, no layers beyond the LSTM and the heads"
    )


BENCHMARKS = (
    Benchmark("training", "RL² training beside sb3-contrib's", (SEPARATE,), training),
    Benchmark(
        "training-shared",
        "the same, our policy and critic sharing one network",
        (SHARED, SHARED_BOTH),
        training_shared,
    ),
)
