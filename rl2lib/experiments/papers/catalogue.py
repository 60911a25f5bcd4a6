"""Every experiment under the id that `rl2 reproduce` knows it by."""

from __future__ import annotations

from rl2lib.experiments.papers import figure2, figure3, table1, table2
from rl2lib.experiments.reproduce.plan import Experiment
from rl2lib.tasks.by_id import nearest_hint

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.id: module.EXPERIMENT for module in (table1, figure2, table2, figure3)
}
"""In the order of the papers."""


class UnknownExperiment(ValueError):
    """There is no experiment of that id."""


def find(experiment_id: str) -> Experiment:
    """Return the experiment of an id.

    Raises:
        UnknownExperiment: if there is none; the nearest is suggested.
    """
    if experiment_id not in EXPERIMENTS:
        raise UnknownExperiment(f"there is no experiment {experiment_id!r}; {nearest_hint(experiment_id, EXPERIMENTS)}")
    return EXPERIMENTS[experiment_id]
