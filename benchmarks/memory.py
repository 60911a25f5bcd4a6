"""Does training keep its memory? A process of its own trains, and writes down its resident memory as it goes.

`python -m benchmarks.memory ITERATIONS` from the checkout's root is that process; it prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks import ours
from benchmarks.measure import Benchmark, Figure, Measurement, Settings, Unavailable
from benchmarks.ours import QUICK, Sizes, Watched

ROOT = Path(__file__).resolve().parent.parent
STATM = Path("/proc/self/statm")
MIB = 2**20
ITERATIONS, WARM_UP = 200, 50
# growth is an iteration's, whatever its size; one epoch and one minibatch keep the run short
SIZES = Sizes(trials=64, minibatch_trials=64, epochs=1)

GROWTH = Figure(
    f"memory growth, {ITERATIONS} iterations of RL² training", "MiB/100 iterations", 1.0, lower_is_better=True
)
PER_TRIAL = Figure("memory per trial, RL² training k=10, n=100, H=256", "MiB")


def memory(settings: Settings) -> list[Measurement]:
    """Fit a line through the resident memory after warm-up; divide its peak among a minibatch's trials."""
    if not STATM.exists():
        raise Unavailable(f"{STATM} tells a process's memory on Linux only")
    iterations, warm_up = (6, 2) if settings.quick else (ITERATIONS, WARM_UP)
    command = [sys.executable, "-m", "benchmarks.memory", str(iterations), *(["--quick"] if settings.quick else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    told = json.loads(done.stdout.splitlines()[-1])
    sizes = QUICK if settings.quick else SIZES
    return [
        GROWTH.measured(growth(told["resident"][warm_up:]), f"after {warm_up} to warm up; {sizes}"),
        PER_TRIAL.measured(
            (told["peak"] - told["before"]) / sizes.minibatch_trials,
            f"peak less what was resident before, over the {sizes.minibatch_trials} trials of one minibatch; {sizes}",
        ),
    ]


def growth(resident: list[float]) -> float:
    """Return the least-squares growth of resident memory, one value an iteration, per 100 iterations."""
    return float(np.polyfit(np.arange(len(resident)), resident, 1)[0] * 100)


def train_and_tell(iterations: int, sizes: Sizes) -> dict[str, object]:
    """Train, and return resident memory in MiB: before, after each iteration, and at its peak."""
    import resource  # not on Windows, where the registry wants to be read too

    torch.set_num_threads(1)
    resident: list[float] = []
    learner = Watched(ours.separate_critic(sizes), lambda: resident.append(_resident()))
    before = _resident()
    ours.iterate(learner, sizes, seed=0, iterations=iterations)
    return {"before": before, "resident": resident, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _resident() -> float:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


BENCHMARKS = (Benchmark("memory", "resident memory of training, over many iterations", (GROWTH, PER_TRIAL), memory),)

if __name__ == "__main__":
    print(json.dumps(train_and_tell(int(sys.argv[1]), QUICK if "--quick" in sys.argv else SIZES)))
