"""Where what is reproduced lies: results, which are kept, and runs under way, which are not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rl2lib.experiments.plan import Run, Scale

VERSION = 1
"""Of what lies in a folder of results; raise it when its form changes."""


@dataclass(frozen=True)
class Places:
    """Where everything lies.

    Attributes:
        results: the folder of results, in the repository.
        running: the folder of runs under way, which is not kept.
    """

    results: Path
    running: Path

    def weights(self, run: Run, scale: Scale, seed: int) -> Path:
        """Return the common path of a finished run's weights and card."""
        return self.results / run.owner / "checkpoints" / f"{scale}-{run.name}-seed{seed}"

    def snapshot(self, run: Run, scale: Scale, iterations: int) -> Path:
        """Return the common path of the first seed's weights after so many iterations, and of their card."""
        place = self.weights(run, scale, 0)
        return place.with_name(f"{place.name}-after{iterations}")

    def stage(self, run: Run, scale: Scale, seed: int, stage: int) -> Path:
        """Return the folder of a stage's checkpoints."""
        return self.running / run.owner / scale / run.name / f"seed-{seed}" / f"stage-{stage}"

    def table(self, experiment: str, scale: Scale) -> Path:
        """Return the path of an experiment's CSV."""
        return self.results / experiment / f"{scale}.csv"
