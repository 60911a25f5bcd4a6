"""Duan et al. 2016, section 3.1: at 500 pulls of 50 arms, is the architecture the limit or the slow learner?

The paper's RL² was behind the Gittins index there. To find the bottleneck the authors trained the same network by
supervised learning on trajectories that the index had played, and it played as well as the index. Both are repeated,
with networks of one size. PPO alone, and imitation on the student's own trials (DAgger), are table 1's runs;
here the paper's form of it is added, on the teacher's trials (behaviour cloning), and shorter imitation, so that the
slow learners can be compared after the same number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor

from rl2lib.agents.bandit import Counts, Random
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.experiments.papers import table1
from rl2lib.experiments.papers.figure2 import curve_points, learning_curve
from rl2lib.experiments.papers.table1 import AGENTS, BEST_KNOWN, PUBLISHED, PUBLISHED_TASKS, RL2, numbers
from rl2lib.experiments.reproduce.contest import Player, acting_best, contest
from rl2lib.experiments.reproduce.plan import Claim, Experiment, Run, Scale, Stage
from rl2lib.experiments.reproduce.rows import Measured, Point, Row, Verdict
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.imitation import Imitation, label_ties
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ID = "imitation"
IMITATED, CLONED = "RL² network, DAgger", "RL² network, behaviour cloning"
HALF, QUARTER = f"{IMITATED}, half as long", f"{IMITATED}, a quarter as long"
LEVEL = 0.02
"""The largest distance from the index, of its lead over random play, that counts as its level; set before training."""

Who = Literal["teacher", "student"]


class Variant(NamedTuple):
    """A form of table 1's imitation that is trained here.

    Attributes:
        run: its name, before the cell's.
        player: whose trials are learned from.
        shorter: by what the number of iterations is divided.
    """

    run: str
    player: Who
    shorter: int


VARIANTS = {
    CLONED: Variant("cloned", "teacher", 1),
    HALF: Variant("dagger-half", "student", 2),
    QUARTER: Variant("dagger-quarter", "student", 4),
}


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        cell: of table 1.
        test_tasks: of the comparison.
        validation_tasks: of the choice between greedy and sampled actions.
        watched_tasks: trials in which every choice is held against the index.
    """

    cell: str = "n500_k50"
    test_tasks: int = 10_000
    validation_tasks: int = 500
    watched_tasks: int = 500


SIZES: dict[Scale, Size] = {"smoke": Size("n10_k5", 64, 16, 16), "laptop": Size(), "paper": Size()}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the one cell."""
    return (SIZES[scale].cell,)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return table 1's two runs of the cell, and the variants of its imitation."""
    cell = SIZES[scale].cell
    whole = table1.imitation_run(cell, scale)
    variants = [
        replace(whole, owner=ID, name=f"{name}-{cell}", stages=partial(_changed, whole.stages, player, shorter))
        for name, player, shorter in VARIANTS.values()
    ]
    return [table1.gru_run(cell, scale), whole, *variants]


def _changed(
    stages: Callable[[SoftmaxPolicy, int], Iterable[Stage]],
    player: Who,
    shorter: int,
    policy: SoftmaxPolicy,
    seed: int,
) -> Iterator[Stage]:
    """The same stages with another player, for a part of the iterations; the learning rate falls to zero all the same.

    Raises:
        TypeError: if a stage is no imitation.
    """
    for learner, setting, training in stages(policy, seed):
        if not isinstance(learner, Imitation):
            raise TypeError(f"stages: expected imitation, got {type(learner).__name__}")
        changed = Imitation(policy, learner.teacher, replace(learner.config, player=player))
        yield Stage(changed, setting, replace(training, iterations=max(1, training.iterations // shorter)))


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Any) -> Measured:
    """Play everybody on the same tasks, and hold the networks' choices against the index's."""
    num_pulls, num_arms = numbers(cell)
    distribution, env = table1.setting(cell)
    size = SIZES[scale]
    place = 4_000_000
    generators = make_generators(place, "imitation: test", "imitation: validation")
    tasks, validation = (
        distribution.sample(count, generator)
        for count, generator in zip((size.test_tasks, size.validation_tasks), generators.values(), strict=True)
    )
    told = dict(zip(AGENTS, PUBLISHED[cell], strict=True))
    index = IndexWithTies(num_arms, num_pulls)
    players = [
        Player("Random", [Random(num_arms)], published=told["Random"]),
        Player(BEST_KNOWN, [index], published=told["Gittins"]),
    ]
    points = []
    for agent, (run, how) in networks(cell).items():
        policies = acting_best(trained.policies(run), env, validation, seed=place)
        steps = f"{trained.cards(run)[0]['env_steps'] / 1e6:.3g} million steps"
        published = told["RL²"] if agent == RL2 else None
        players.append(Player(agent, policies, how, published, seeds=len(policies), setting=steps))
        trajectory = play(policies[0], env, tasks[: size.watched_tasks], seed=place)
        points += agreement(cell, agent, index, trajectory)
    rows = contest(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=place,
        random="Random",
        reference=BEST_KNOWN,
        published_tasks=PUBLISHED_TASKS,
    )
    found = Measured(rows, points)
    random, best = (found.row(cell, agent).mean for agent in ("Random", BEST_KNOWN))
    for agent, (run, _) in networks(cell).items():
        cards, row = trained.cards(run), found.row(cell, agent)
        low, high = (score(row) + side * reach(row) for side in (-1, 1))
        found.points.append(Point(ID, cell, f"{TESTED}{agent}", cards[0]["env_steps"] / 1e6, score(row), low, high))
        if agent != CLONED:  # there it is the index that plays while the network learns
            curves = [learning_curve(card, num_pulls, num_arms, random, best) for card in cards]
            found.points.extend(curve_points(ID, cell, f"{WHILE_TRAINING}{agent}", curves))
    return found


WHILE_TRAINING, TESTED, AGREES = "while training: ", "tested: ", "agrees: "
"""What a line's name begins with: the score on training tasks, the score on test tasks, the agreement by pull."""


def networks(cell: str) -> dict[str, tuple[str, str]]:
    """Return every network's run, and how it learned."""
    own = "the index's answers on its own trials"
    return {
        RL2: (f"gru-{cell}", "PPO alone"),
        IMITATED: (f"imitation-{cell}", own),
        HALF: (f"{VARIANTS[HALF].run}-{cell}", own),
        QUARTER: (f"{VARIANTS[QUARTER].run}-{cell}", own),
        CLONED: (f"{VARIANTS[CLONED].run}-{cell}", "the index's trials"),
    }


class IndexWithTies(FiniteHorizonGittins):
    """The finite-horizon index, which also tells which arms it holds equal: those not tried yet, for one."""

    def optimal_actions(self, counts: Counts) -> Tensor:
        """Return [B, K] bool, the arms of the highest index, for the state in which it has just chosen."""
        values = self.indices(counts.successes, counts.failures, self.num_pulls - counts.steps + 1)
        return values == values.amax(dim=1, keepdim=True)


def agreement(cell: str, agent: str, index: IndexWithTies, trajectory: Trajectory) -> list[Point]:
    """Return how often each part of a trial's pulls are such as the index would choose there, ties accepted.

    Args:
        cell: the cell's name.
        agent: who played.
        index: whom its choices are held against, in the states that they led to.
        trajectory: B trials of T pulls.
    """
    generator = make_generators(0, "index")["index"]  # it draws nothing
    accepted = label_ties(index, trajectory, None, generator)
    agrees = accepted.gather(-1, trajectory.action[..., None]).squeeze(-1).double()  # [B, T]
    points = []
    for pulls in torch.arange(agrees.shape[1]).tensor_split(min(50, agrees.shape[1])):
        share = mean_estimate(agrees[:, pulls].mean(dim=1))
        x = 1 + pulls.double().mean().item()
        points.append(Point(ID, cell, f"{AGREES}{agent}", x, share.mean, share.low, share.high))
    return points


# --------------------------------------------------------------------------------------- what is shown and claimed

DRAWN = {
    RL2: "PPO alone",
    IMITATED: "DAgger",
    HALF: "DAgger, half as long",
    QUARTER: "DAgger, a quarter as long",
    CLONED: "behaviour cloning",
}


def draw(measured: Measured) -> Figure:
    """Draw scores against steps of training, and agreement with the index within a trial."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    (cell,) = measured.cells()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    left.axhline(1.0, color=left.yaxis.label.get_color(), linestyle=":", linewidth=1)
    for (agent, name), marker in zip(DRAWN.items(), MARKERS, strict=False):
        columns = _columns(measured.line(cell, f"{AGREES}{agent}"))
        band(right, *columns, label=name, marker=marker, markersize=3, linewidth=1)
        last = right.get_lines()[-1]
        look = {"color": last.get_color(), "linestyle": last.get_linestyle()}
        if agent in (RL2, IMITATED):
            band(left, *_columns(measured.line(cell, f"{WHILE_TRAINING}{agent}")), linewidth=1, **look)
        x, low, y, high = _columns(measured.line(cell, f"{TESTED}{agent}"))
        spread = [[y[0] - low[0]], [high[0] - y[0]]]
        left.errorbar(x, y, spread, marker=marker, markersize=8, linestyle="none", color=look["color"], zorder=3)
    left.set(xlabel="environment steps of training, millions", ylabel="normalised score\n(0 random, 1 Gittins index)")
    right.set(xlabel="pull of the trial", ylabel="choices that agree with the index", ylim=(0, 1.02))
    right.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    figure.tight_layout()
    return figure


def _columns(line: list[Point]) -> list[list[float]]:
    return [[getattr(point, part) for point in line] for part in ("x", "low", "y", "high")]


def score(row: Row) -> float:
    """Return a row's normalised score."""
    return row.normalised or 0.0


def reach(row: Row) -> float:
    """Return half the 95% interval of a row's normalised score."""
    return 1.96 * (row.normalised_se or 0.0)


def _row(measured: Measured, agent: str) -> Row:
    """Return an agent's row in the one cell there is."""
    return measured.row((measured.cells() or ["the cell"])[0], agent)


def _said(row: Row) -> str:
    return f"{DRAWN[row.agent]} {100 * score(row):.1f}% ± {100 * reach(row):.1f} ({row.setting})"


def _agreed(measured: Measured, agent: str) -> str:
    line = [point.y for cell in measured.cells() for point in measured.line(cell, f"{AGREES}{agent}")]
    return f", agreeing in {sum(line) / len(line):.0%} of its choices" if line else ""


def _falls_short(measured: Measured) -> Verdict:
    """Whether PPO's score is shown to lie further below the index than `LEVEL`."""
    row = _row(measured, RL2)
    short = score(row) + reach(row) < 1 - LEVEL
    return Verdict("matched" if short else "not reached", _said(row) + _agreed(measured, RL2))


def _level_with_index(measured: Measured, agent: str) -> Verdict:
    """Whether a score is shown to lie at most `LEVEL` below the index: a one-sided test at 5%."""
    row = _row(measured, agent)
    level = score(row) - 1.645 * (row.normalised_se or 0.0) > 1 - LEVEL
    return Verdict("matched" if level else "not reached", _said(row) + _agreed(measured, agent))


def _in_order(measured: Measured, agents: tuple[str, ...]) -> Verdict:
    """Whether each agent is ahead of the one before, the intervals apart."""
    rows = [_row(measured, agent) for agent in agents]
    apart = [score(low) + reach(low) < score(high) - reach(high) for low, high in pairwise(rows)]
    return Verdict("matched" if all(apart) else "not reached", "; ".join(map(_said, rows)))


EXPERIMENT = Experiment(
    id=ID,
    title="Is the architecture the limit, or the slow learner? Imitation at 500 pulls of 50 arms",
    source="Duan et al. 2016, section 3.1",
    about=(
        "One network, a plain GRU of table 1's size, learns in different ways; everybody then plays the same tasks, "
        "scored by expected reward. PPO alone uses expected rewards and a baseline that sees the task. Behaviour "
        "cloning is what the paper did: cross-entropy on trials that the index played. DAgger asks the index about "
        "the network's own trials instead; as long as in table 1, half and a quarter as long, so that it can be "
        "compared with PPO after no more steps. The index is the finite-horizon one, the best that is known (the "
        "published number beside it is of the paper's own approximation). Normalised: 0 is random play, 1 the index. "
        f"At its level means at most {LEVEL:.0%} of its lead below it; the paper says 'the same level of performance' "
        "and gives no number. In the figure, lines on the left are scores while training, with sampled actions, and "
        "markers are scores on test tasks; on the right, a choice agrees if the index holds no other arm higher, in "
        f"the trials that the network itself played (the first seed, {SIZES['laptop'].watched_tasks} tasks)."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Left: normalised scores against steps of training for PPO, DAgger of three lengths and behaviour cloning. "
        "Right: how often each agrees with the Gittins index, pull by pull of a trial."
    ),
    claims=(
        Claim("RL² by PPO alone is behind the index (a noticeable gap).", _falls_short),
        Claim(
            "The same network, trained on the index's trajectories, plays at its level.",
            partial(_level_with_index, agent=CLONED),
        ),
        Claim(
            "The same network, told what the index would do on its own trials, plays at its level.",
            partial(_level_with_index, agent=IMITATED),
        ),
        Claim(
            "After no more steps than PPO had, imitation is ahead: the slow learner is the limit.",
            partial(_in_order, agents=(RL2, HALF)),
        ),
        Claim(
            "Imitation still gains with every doubling of its length: steps are missing, not capacity.",
            partial(_in_order, agents=(QUARTER, HALF, IMITATED)),
        ),
        Claim(
            "The network learns more from its own trials than from the index's.",
            partial(_in_order, agents=(CLONED, IMITATED)),
        ),
    ),
)
