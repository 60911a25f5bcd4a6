"""What an experiment is: what it trains, how a cell of its table is measured, and what is claimed of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, Watch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scale = Literal["smoke", "laptop", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
SEEDS: dict[Scale, int] = {"smoke": 1, "laptop": 3, "paper": 5}
"""How many seeds a run is trained with, where neither it nor the user says."""


class Stage(NamedTuple):
    """One part of a run: imitation before reinforcement, short trials before long ones.

    Attributes:
        learner: the slow learner, made for the run's policy.
        setting: what tasks are drawn from, and what they are played in.
        training: for how long; its seed is the run's, and differs from stage to stage.
        watch: adds metrics to the run's history.
    """

    learner: Learner
    setting: Setting
    training: TrainingConfig
    watch: Watch | None = None


@dataclass(frozen=True)
class Run:
    """Something that is trained, once for every seed.

    Attributes:
        owner: the id of the experiment that it was planned for; others may measure it too.
        name: of its files, e.g. "gru-n10-k5"; unique within the owner.
        cells: of the experiment at hand, those that need it.
        policy: makes the policy with fresh weights from a seed.
        stages: makes the learner of each stage, one after the other on the same weights.
        seeds: how many, where the scale's number is not meant.
        snapshots: iterations of the last stage after which the first seed's weights are kept as well.
    """

    owner: str
    name: str
    cells: tuple[str, ...]
    policy: Callable[[int], SoftmaxPolicy]
    stages: Callable[[SoftmaxPolicy, int], Iterable[Stage]]
    seeds: int | None = None
    snapshots: tuple[int, ...] = ()


class Trained(Protocol):
    """The finished runs of an experiment, as whoever measures a cell is handed them."""

    def policies(self, name: str) -> list[SoftmaxPolicy]:
        """Return a run's policies, one a seed."""
        ...

    def cards(self, name: str) -> list[dict[str, Any]]:
        """Return a run's cards, one a seed; "history" holds its learning curve."""
        ...


@dataclass(frozen=True)
class Claim:
    """Something that a paper says, or that this project aims at, and how it is judged.

    Attributes:
        text: the claim, in a sentence.
        judge: looks at everything measured and returns the verdict with its evidence.
        reason: why it is not reached, once that has been found out; shown only then.
    """

    text: str
    judge: Callable[[Measured], Verdict]
    reason: str = ""


@dataclass(frozen=True)
class Experiment:
    """A published table or figure.

    Attributes:
        id: as in `rl2 reproduce ID`.
        title: what it shows.
        source: where it was published.
        about: what a reader should know before the table: settings, deviations, what the columns mean.
        cells: the cells of a scale, in the order in which they are computed: cheapest first.
        runs: everything that is trained at a scale.
        measure: plays everybody of one cell.
        draw: makes the figure.
        alt: says what the figure shows, for whoever cannot see it.
        claims: what is judged.
        reasons: by agent, why its rows stay below what was published, where they do.
        unit: of the numbers in the table.
    """

    id: str
    title: str
    source: str
    about: str
    cells: Callable[[Scale], tuple[str, ...]]
    runs: Callable[[Scale], list[Run]]
    measure: Callable[[str, Scale, Trained], Measured]
    draw: Callable[[Measured], Figure]
    alt: str
    claims: tuple[Claim, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    unit: str = "trial return"
