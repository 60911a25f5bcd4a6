"""Where a training iteration's milliseconds go: clocks around the library's own calls, nothing counted twice."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from benchmarks import ours
from benchmarks.machine import all_threads, counted
from benchmarks.measure import Benchmark, Figure, Measurement, Settings
from benchmarks.ours import QUICK, Sizes
from benchmarks.report import PROFILE, to_json
from rl2lib.files import write_whole
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.training import loop
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, torch_threads, train

SIZES = Sizes()
LEARNERS = {"critic of its own": ours.separate_critic, "shared critic": ours.shared_critic}
FIGURES = {name: Figure(f"one training iteration, {name}", "ms") for name in LEARNERS}

ACT, STEP, ROLLOUT = "rollout: policy", "rollout: environment", "rollout: bookkeeping"
ADVANTAGES, FORWARD, BACKWARD = "advantages", "update: forward", "update: backward"
CLIP, OPTIMISER, LOSSES, REST = (
    "update: gradient clipping",
    "update: optimiser",
    "update: losses, minibatches",
    "the rest",
)
PARTS = (ACT, STEP, ROLLOUT, ADVANTAGES, FORWARD, BACKWARD, CLIP, OPTIMISER, LOSSES, REST)


class Stopwatch:
    """Gives every moment to the innermost part that is running.

    Attributes:
        seconds: of each part.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = time.perf_counter()

    @property
    def running(self) -> str:
        """The innermost part; the rest where none is."""
        return self._running[-1] if self._running else REST

    def enter(self, part: str) -> None:
        """Start a part; the one around it waits."""
        self._settle()
        self._running.append(part)

    def leave(self) -> None:
        """End the innermost part."""
        self._settle()
        self._running.pop()

    def _settle(self) -> None:
        now = time.perf_counter()
        self.seconds[self.running] += now - self._since
        self._since = now

    @contextmanager
    def on(self, owner: Any, name: str, part: str) -> Iterator[None]:
        """Time every call of `owner.name` as `part`, for as long as the block runs."""
        was, own = getattr(owner, name), name in vars(owner)

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.enter(part)
            try:
                return was(*args, **kwargs)
            finally:
                self.leave()

        setattr(owner, name, timed)
        try:
            yield
        finally:
            setattr(owner, name, was) if own else delattr(owner, name)

    @contextmanager
    def on_forward(self, module: nn.Module) -> Iterator[None]:
        """Time a module's calls: as forward where a gradient will be wanted, as advantages where none will.

        Calls inside of a rollout are the acting policy's and counted there.
        """

        def before(*_: Any) -> None:
            inside = self.running == ACT
            self.enter(ACT if inside else FORWARD if torch.is_grad_enabled() else ADVANTAGES)

        def after(*_: Any) -> None:
            self.leave()

        handles = [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def profile_learner(learner: Learner, sizes: Sizes, repeats: int) -> dict[str, float]:
    """Return milliseconds of each part of an iteration, medians of several, one warm-up before."""
    distribution, env = IndependentBandits(sizes.num_arms), BanditEnv(sizes.num_arms, sizes.num_pulls)
    rounds = []
    for seed in range(repeats + 1):
        with ExitStack() as stack:
            watch = Stopwatch()
            timed: list[tuple[Any, str, str]] = [
                (loop, "rollout", ROLLOUT),
                (learner.policy, "act", ACT),
                (env, "reset", STEP),
                (env, "step", STEP),
                (learner, "update", LOSSES),
                (learner, "estimate", ADVANTAGES),
                (torch.Tensor, "backward", BACKWARD),
                (nn.utils, "clip_grad_norm_", CLIP),
                *((optimiser, "step", OPTIMISER) for optimiser in learner.optimisers.values()),
            ]
            for target in timed:
                stack.enter_context(watch.on(*target))
            for child in _children(learner):
                stack.enter_context(watch.on_forward(child))
            watch.enter(REST)
            train(learner, distribution, env, TrainingConfig(1, sizes.trials, seed), progress=False)
            watch.leave()
        rounds.append(watch.seconds)
    return {part: statistics.median(1e3 * seconds[part] for seconds in rounds[1:]) for part in PARTS}


def _children(learner: Learner) -> Iterator[nn.Module]:
    """Yield the modules that a network calls: embedding, core, heads."""
    seen: set[int] = set()
    for module in learner.modules.values():
        for child in module.children():
            if id(child) not in seen:
                seen.add(id(child))
                yield child


def profile(settings: Settings) -> list[Measurement]:
    """Profile each kind of learner, print and keep the tables."""
    sizes = QUICK if settings.quick else SIZES
    threads = all_threads()
    tables, measurements = [], []
    for name, make in LEARNERS.items():
        with torch_threads(threads):
            parts = profile_learner(make(sizes), sizes, settings.repeats)
        total = sum(parts.values())
        title = f"{name[0].upper()}{name[1:]}, {sizes}, {counted(threads)}"
        rows = [
            {"part": part, "milliseconds": round(value, 2), "share": round(value / total, 4)}
            for part, value in parts.items()
        ]
        tables.append({"title": title, "milliseconds": round(total, 2), "parts": rows})
        measurements.append(
            FIGURES[name].measured(total, f"{sizes.steps / total * 1e3:,.0f} env-steps/s with the clocks in; {sizes}")
        )
        print(f"\n{title}")
        for row in rows:
            print(f"  {row['part']:<32}{row['milliseconds']:>9.1f} ms {row['share']:>5.0%}")
    if settings.results is not None:
        write_whole(settings.results / PROFILE, to_json(tables))
    return measurements


BENCHMARKS = (Benchmark("profile", "where a training iteration's time goes", tuple(FIGURES.values()), profile),)
