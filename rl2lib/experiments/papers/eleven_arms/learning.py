"""Eleven arms, watched while they are learned: how the willingness to pay is lost before anybody can read.

Two of `eleven_arms`' runs again, PPO alone and PPO after a short imitation, with two shares noted at every iteration:
of trials whose first pull is the informative arm, and of those, whose second pull is the target (notebook 05).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, NUM_ARMS, PaysForInformation
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import draw_tasks
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Point, columns
from rl2lib.experiments.history import trials_played
from rl2lib.experiments.papers.eleven_arms import trained as shared
from rl2lib.experiments.papers.eleven_arms.players import OPTIMAL, RANDOM, optimum
from rl2lib.experiments.papers.eleven_arms.trained import IMITATED, NUMBER, SETTING, SIZES
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.wang import NUM_CANDIDATES
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "eleven-arms-learning"
CELL = "trial-return"
FORMS = (NUMBER, IMITATED)
PAYS, READS = "pays", "reads"
AGENTS = {NUMBER.run: "PPO alone", IMITATED.run: "PPO after imitation"}
"""By run: what it is called in the table."""
EARLY = 10_000  # trials of training, a tenth of all


def watch(trajectory: Trajectory, tasks: Tensor, iteration: int) -> dict[str, float]:
    """Note who pays for information first, and who of these then pulls the target."""
    pays = trajectory.action[:, 0] == INFORMATIVE_ARM
    told = trajectory.action[:, 1] == tasks[:, :NUM_CANDIDATES].argmax(dim=1)
    reads = (pays & told).sum() / pays.sum().clamp(min=1)
    return {PAYS: pays.float().mean().item(), READS: reads.item()}


def runs(scale: Scale) -> list[Run]:
    """Return two of the paper's runs, watched."""
    paper = {run.name: run for run in shared.runs(scale)}
    return [
        replace(run, owner=ID, cells=(CELL,), stages=partial(_watched, run))
        for run in (paper[form.run] for form in FORMS)
    ]


def _watched(run: Run, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    for stage in run.stages(policy, seed):
        yield stage._replace(watch=watch)


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play both, by their likeliest actions; the figure has what was noted during PPO."""
    size = SIZES[scale]
    tasks, _ = draw_tasks(SETTING.distribution, size, "eleven arms, watched", seed=11)
    players = [Player(OPTIMAL, [PaysForInformation()]), Player(RANDOM, [Random(NUM_ARMS)])]
    points = []
    for form in FORMS:
        policies = [policy.acting("greedy") for policy in trained.policies(form.run)]
        players.append(Player(AGENTS[form.run], policies, seeds=len(policies)))
        cards = trained.cards(form.run)
        for name in ("trial_return", PAYS, READS):
            points += _curve(form, name, cards, size.imitation * size.trials if form.imitates else 0)
    ceiling = optimum(SETTING.env.num_pulls)  # type: ignore[attr-defined]
    rows = compare(
        ID, cell, players, SETTING.env, tasks, seed=11, random=RANDOM, reference=OPTIMAL, ceiling=ceiling
    ).rows
    return Measured(rows, points)


def _curve(form: shared.Form, name: str, cards: list[dict[str, Any]], imitated: int) -> list[Point]:
    """Mean and range over seeds of what was noted, by trials of PPO; while it imitates, its teacher plays."""
    values = torch.tensor([card["history"][name] for card in cards], dtype=torch.float64)
    return [
        Point(ID, CELL, f"{form.run}: {name}", x - imitated, here.mean().item(), here.min().item(), here.max().item())
        for x, here in zip(trials_played(cards[0]), values.unbind(dim=1), strict=True)
        if x > imitated
    ]


def draw(measured: Measured) -> Figure:
    """Draw return, paying and reading against the trials of PPO."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import band

    figure, panels = plt.subplots(1, 3, figsize=(10.5, 3.6), layout="constrained")
    titles = {"trial_return": "trial return", PAYS: "pays first", READS: "of these: then pulls the target"}
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        for form in FORMS:
            line = measured.line(CELL, f"{form.run}: {name}")
            if (name, form) == (READS, NUMBER):
                line = [point for point in line if point.x <= EARLY]  # later there is hardly a trial that pays
            band(axes, *columns(line), label=AGENTS[form.run])
        axes.set(xlabel="trials of PPO", title=title)
    for axes in panels[1:]:
        axes.set_ylim(-0.03, 1.03)
    panels[0].legend(loc="center right")
    return figure


def _stops_paying(measured: Measured) -> Verdict:
    """Whether plain training, with every seed, pays in under 1% of the trials before a tenth of them is over."""
    line = [point for point in measured.line(CELL, f"{NUMBER.run}: {PAYS}") if point.x <= EARLY]
    if not line:
        raise KeyError("plain training's curve")
    begins, ends = line[0], line[-1]
    evidence = f"{100 * begins.y:.1f}% at first, {100 * ends.high:.2f}% at most after {ends.x:,.0f} trials"
    return Verdict("matched" if ends.high < 0.01 else "not reached", evidence)


def _goes_on_paying(measured: Measured) -> Verdict:
    """Whether after imitation every seed pays and reads in 99% of its last trials."""
    ends = [measured.line(CELL, f"{IMITATED.run}: {name}")[-1] for name in (PAYS, READS)]
    evidence = ", ".join(f"{name} {100 * end.low:.1f}%" for name, end in zip((PAYS, READS), ends, strict=True))
    goes_on = min(end.low for end in ends) >= 0.99
    return Verdict("matched" if goes_on else "not reached", f"at the end, the worst seed: {evidence}")


EXPERIMENT = Experiment(
    id=ID,
    title="Eleven arms, watched while they are learned",
    source="Wang et al. 2016, section 3.1.3; notebook 05",
    about=(
        "Bandit and settings of eleven-arms, the network that reads the reward as a number: PPO alone, and PPO after a "
        "short imitation of the optimal agent. At every iteration two shares are noted: of trials whose first "
        "pull is the informative arm, and of those, whose second pull is the target. Likeliest actions in the table."
    ),
    cells=lambda scale: (CELL,),
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Trial return, share of trials that pay first, and share of those that then pull the target, over training. "
        "PPO alone stops paying at once and stays at the return of a search; after imitation it pays and reads."
    ),
    claims=(
        Claim("PPO alone stops paying before a tenth of its training is over.", _stops_paying),
        Claim("After a short imitation it goes on paying, and reads rightly.", _goes_on_paying),
    ),
)
