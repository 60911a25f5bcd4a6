"""The belief as one more input: what it adds to a memory, and what it does in a memory's place.

Humplik et al. 2019 saw that handing the belief to a recurrent agent changes little; Alver & Precup 2021 (section 5)
explain it: the state already is one. In the corridor of `rl1_vs_rl2` the belief is exact, and small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.belief_optimal import CorridorOptimal
from rl2lib.agents.forgetful import Forgets
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.told import NotShown
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured
from rl2lib.evaluation.statistics import equivalence_test
from rl2lib.experiments.papers.rl1_vs_rl2 import trained as shared
from rl2lib.experiments.papers.rl1_vs_rl2.players import OPTIMAL, steps
from rl2lib.experiments.papers.rl1_vs_rl2.trained import CORRIDOR, CORRIDOR_PPO, HALF_LENGTH, RL2, both_tasks, networks
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.tasks.views import RevealedBelief
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO
from rl2lib.types import TrialEnv

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "belief-input"
CELLS = (CORRIDOR,)
RL2_RUN = f"rl2-{CORRIDOR}"
BOUND = 0.5
"""The difference that would not matter, half a step in two episodes; as in `rl1_vs_rl2`, and chosen as early."""


class Form(NamedTuple):
    """One agent beside RL².

    Attributes:
        run: its name.
        agent: what it is called in the table.
        told: whether the belief is one more input.
        forgets: what it forgets; None: nothing.
    """

    run: str
    agent: str
    told: bool
    forgets: Forgets | None = None


BOTH = Form("memory-and-belief", "RL² and the belief", told=True)
BELIEF_ALONE = Form("belief-alone", "the belief, no memory", told=True, forgets="steps")
NEITHER = Form("neither", "no belief, no memory", told=False, forgets="steps")
FORMS = (BOTH, BELIEF_ALONE, NEITHER)


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        runs: trainings of each agent.
        test_tasks: both equally often.
    """

    runs: int = 3
    test_tasks: int = 2_000


SIZES: dict[Scale, Size] = {"smoke": Size(2, 4), "laptop": Size(), "paper": Size(runs=20)}


def runs(scale: Scale) -> list[Run]:
    """Return the three agents trained here, and RL² as it is trained for `rl1_vs_rl2`."""
    (rl2,) = [run for run in shared.runs(scale) if run.name == RL2_RUN]
    own = [
        Run(ID, form.run, CELLS, partial(_policy, form, scale), partial(_stages, form, scale), SIZES[scale].runs)
        for form in FORMS
    ]
    return [replace(rl2, cells=CELLS), *own]


def _env(form: Form) -> TrialEnv[Any]:
    corridor = CorridorEnv(HALF_LENGTH[CORRIDOR])
    return RevealedBelief(corridor) if form.told else corridor


def _policy(form: Form, scale: Scale, seed: int) -> SoftmaxPolicy:
    return networks(_env(form), shared.SIZES[scale].hidden_size, seed, form.forgets)[0]


def _stages(form: Form, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size, env = shared.SIZES[scale], _env(form)
    baseline = networks(env, size.hidden_size, seed, form.forgets)[1]
    iterations, trials = size.corridor
    learner = PPO(policy, baseline, replace(CORRIDOR_PPO, epochs=size.epochs))
    training = TrainingConfig(iterations, trials, seed, checkpoint_every=max(1, iterations // 4))
    yield Stage(learner, Setting(shared.setting(CORRIDOR).distribution, env), training, shared.watch)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody in the corridor that shows the belief; who was trained without it is not shown it."""
    corridor = CorridorEnv(HALF_LENGTH[cell])
    optimal = CorridorOptimal(HALF_LENGTH[cell])
    width = corridor.observation_shape[0]
    rl2 = [NotShown(policy, width) for policy in trained.policies(RL2_RUN)]
    players = [
        Player("Random", [Random(2)]),
        Player(OPTIMAL, [NotShown(optimal, width)]),
        Player(RL2, rl2, seeds=len(rl2)),
    ]
    for form in FORMS:
        policies: list[Any] = trained.policies(form.run)
        if not form.told:
            policies = [NotShown(policy, width) for policy in policies]
        players.append(Player(form.agent, policies, seeds=len(policies)))
    tasks = both_tasks(cell, SIZES[scale].test_tasks)
    score, ceiling = partial(steps, counted=1), sum(optimal.expected_steps)
    rows = compare(
        ID, cell, players, RevealedBelief(corridor), tasks, seed=1, score=score, better="lower", ceiling=ceiling
    ).rows
    return Measured(rows)


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw every run of every agent."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    names = [RL2, *(form.agent for form in FORMS)]
    for place, name in enumerate(names):
        values = measured.row(CORRIDOR, name).every_seed
        axes.plot(values, [place] * len(values), "o", alpha=0.6)
    row = measured.row(CORRIDOR, OPTIMAL)
    axes.axvline(row.mean, color="gray", linestyle=":", label=OPTIMAL)
    axes.set(xlabel="steps, both episodes", xlim=(0, None))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first on top
    axes.legend(loc="center")
    return figure


def _like_rl2(measured: Measured, form: Form, *, wanted: bool = True) -> Verdict:
    """Whether an agent is shown to need as many steps as RL², by less than the bound; or, if unwanted, more."""
    ours, other = (measured.row(CORRIDOR, name).every_seed for name in (RL2, form.agent))
    if min(len(ours), len(other)) < 2:
        raise KeyError("several runs of each agent")
    first, second = (torch.tensor(values, dtype=torch.float64) for values in (other, ours))
    test = equivalence_test(first, second, BOUND, paired=False)
    evidence = (
        f"{first.mean():.2f} of {len(other)} runs and {second.mean():.2f} of {len(ours)}, difference in "
        f"[{test.low:+.2f}, {test.high:+.2f}] (90%), bound ±{BOUND:g}"
    )
    more, fewer = test.low > BOUND, test.high < -BOUND
    if wanted:
        return Verdict("matched" if test.equivalent else "not reached" if more or fewer else "open", evidence)
    return Verdict("matched" if more else "not reached" if test.equivalent or fewer else "open", evidence)


EXPERIMENT = Experiment(
    id=ID,
    title="The belief as one more input",
    source="Alver & Precup 2021, section 5; the finding is Humplik et al.'s (2019)",
    about=(
        "The corridor of half-length 5, two episodes; timesteps in both together, fewer are better. RL² is the agent "
        "of rl1-vs-rl2. Beside it: the same with the exact belief as one more input; an agent without any memory, "
        "state and inputs blanked at every step, which sees its cell and the belief; and the same without the belief. "
        "Networks and training as there: LSTM of 48 units, PPO. Actions are sampled."
    ),
    cells=lambda scale: CELLS,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Steps in two episodes of every run: RL², RL² and the belief, and the belief without memory lie at the "
        "optimum of 15; without both it takes about 55."
    ),
    claims=(
        Claim("With the belief as one more input RL² needs as many steps as without.", partial(_like_rl2, form=BOTH)),
        Claim("The belief and no memory: as many steps as RL².", partial(_like_rl2, form=BELIEF_ALONE)),
        Claim("Neither belief nor memory: more.", partial(_like_rl2, form=NEITHER, wanted=False)),
    ),
    unit="timesteps",
)
