"""Every experiment under the id that `rl2 reproduce` knows it by."""

from __future__ import annotations

from rl2lib.experiments.papers import (
    ablation,
    belief_input,
    dependent_bandits,
    eleven_arms,
    extrapolation,
    figure2,
    figure3,
    goal_generalisation,
    goal_gridworld,
    harlow,
    imitation,
    long_corridors,
    one_shot_navigation,
    rl1_vs_rl2,
    table1,
    table2,
    table2_planning,
    two_step,
)
from rl2lib.experiments.plan import Experiment
from rl2lib.tasks.by_id import nearest_hint

_MODULES = (
    table1,
    figure2,
    imitation,
    table2,
    table2_planning,
    figure3,
    rl1_vs_rl2,
    belief_input,
    long_corridors,
    dependent_bandits,
    eleven_arms,
    two_step,
    harlow,
    one_shot_navigation,
    goal_gridworld,
    goal_generalisation,
    ablation,
    extrapolation,
)
EXPERIMENTS: dict[str, Experiment] = {module.EXPERIMENT.id: module.EXPERIMENT for module in _MODULES}
"""In the order of the papers."""


def catalogue() -> dict[str, Experiment]:
    """Return every experiment by its id; a function, so that a worker on another machine can be sent its name."""
    return EXPERIMENTS


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
