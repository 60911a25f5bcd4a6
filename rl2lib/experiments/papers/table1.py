"""Duan et al. 2016, table 1: bandits with independent arms, total reward after n pulls of k arms.

RL² is the plain recurrent policy, by reinforcement learning alone. Beside it the same network by imitation alone (of
the optimum at n=10, of the finite-horizon Gittins index elsewhere), and a policy with one memory for every arm, whose
one set of weights for each n plays any number of arms. Around them every baseline of the paper, tuned on other tasks.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from rl2lib.agents.bandit import UCB1, EpsilonGreedy, Greedy, OptimisticThompson, Oracle, Random, Thompson
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import DISCOUNTS, Approximation, FiniteHorizonGittins, Gittins
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.table1_runs import CELLS, ID, PULLS, ROUNDS, SIZES, cells, numbers, runs, setting
from rl2lib.experiments.plan import Claim, Experiment, Scale, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.types import Policy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


AGENTS = ("Random", "Gittins", "TS", "OTS", "UCB1", "ε-greedy", "Greedy", "RL²", "SNAIL")
PUBLISHED: dict[str, tuple[float, ...]] = {
    "n10_k5": (5.0, 6.6, 5.7, 6.5, 6.7, 6.6, 6.6, 6.7, 6.6),
    "n10_k10": (5.0, 6.6, 5.5, 6.2, 6.7, 6.6, 6.6, 6.7, 6.7),
    "n10_k50": (5.1, 6.5, 5.2, 5.5, 6.6, 6.5, 6.5, 6.8, 6.7),
    "n100_k5": (49.9, 78.3, 74.7, 77.9, 78.0, 75.4, 74.8, 78.7, 79.1),
    "n100_k10": (49.9, 82.8, 76.7, 81.4, 82.4, 77.4, 77.1, 83.5, 83.5),
    "n100_k50": (49.8, 85.2, 64.5, 67.7, 84.3, 78.3, 78.0, 84.9, 85.1),
    "n500_k5": (249.8, 405.8, 402.0, 406.7, 405.8, 388.2, 380.6, 401.6, 408.1),
    "n500_k10": (249.0, 437.8, 429.5, 438.9, 437.1, 408.0, 395.0, 432.5, 432.4),
    "n500_k50": (249.6, 463.7, 427.2, 437.6, 457.6, 413.6, 402.8, 438.9, 442.6),
}
"""By cell, in the order of `AGENTS`; the last one is from Mishra et al. 2018."""
SNAIL_HALF_INTERVAL = (0.1, 0.1, 0.1, 1.0, 0.8, 0.6, 4.9, 3.5, 2.5)
PUBLISHED_TASKS = 1_000  # what the paper's means are over

RL2, RL2_IMITATION, RL2_EQUIVARIANT = "RL²", "RL² network, imitation", "RL², arm-equivariant"
BEST_KNOWN, OPTIMAL, ORACLE = "Finite-horizon Gittins", "Bayes-optimal", "Oracle, told the task"
LEVEL = 0.99
"""Of the way from random play to the best known, that counts as there."""


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks."""
    num_pulls, num_arms = numbers(cell)
    distribution, env = setting(cell)
    size = SIZES[scale]
    place = 1_000 * PULLS.index(num_pulls) + num_arms
    tasks, validation = draw_tasks(distribution, size, "table 1", seed=place)
    published = dict(zip(AGENTS, PUBLISHED[cell], strict=True))

    def tuned(agent: str, candidates: dict[str, Policy[Any]]) -> Player:
        chosen, policy = best_of(candidates.items(), env, validation, seed=place)
        return Player(agent, [policy], published=published[agent], setting=chosen)

    def networks(agent: str, run: str, variant: str, published_as: str | None = None) -> Player:
        policies = [_for_cell(policy, num_arms) for policy in trained.policies(run)]
        acting = acting_best(policies, env, validation, seed=place)
        told = published[published_as] if published_as else None
        return Player(agent, acting, variant, told, seeds=len(policies))

    gittins = {
        kind: best_of(candidates.items(), env, validation, seed=place)
        for kind, candidates in _gittins(num_arms, num_pulls).items()
    }
    winner, _ = best_of(((kind, policy) for kind, (_, policy) in gittins.items()), env, validation, seed=place)
    players = [
        Player("Random", [Random(num_arms)], published=published["Random"]),
        *(
            Player("Gittins", [policy], kind, published["Gittins"] if kind == winner else None, setting=chosen)
            for kind, (chosen, policy) in gittins.items()
        ),
        Player("TS", [Thompson(num_arms)], published=published["TS"]),
        tuned("OTS", {f"N = {count}": OptimisticThompson(num_arms, count) for count in OTS_SAMPLES[scale]}),
        tuned("UCB1", {f"c = {step / 10:g}": UCB1(num_arms, step / 10) for step in range(11)}),
        tuned("ε-greedy", {f"ε = {step / 10:g}": EpsilonGreedy(num_arms, step / 10) for step in range(11)}),
        Player("Greedy", [Greedy(num_arms)], published=published["Greedy"]),
        Player(BEST_KNOWN, [FiniteHorizonGittins(num_arms, num_pulls)]),
        Player(ORACLE, [Oracle()]),
        networks(RL2, f"gru-{cell}", "plain GRU", "RL²"),
        networks(RL2_IMITATION, f"imitation-{cell}", "plain GRU"),
        networks(RL2_EQUIVARIANT, f"equivariant-n{num_pulls}", _how(num_pulls)),
    ]
    optimal = BayesOptimal(num_arms, num_pulls) if num_pulls == 10 else None
    if optimal is not None:
        players.append(Player(OPTIMAL, [optimal]))
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=place,
        random="Random",
        reference=OPTIMAL if optimal is not None else BEST_KNOWN,
        ceiling=optimal.value if optimal is not None else None,
        published_tasks=PUBLISHED_TASKS,
    ).rows
    return Measured(rows)


OTS_SAMPLES: dict[Scale, tuple[int, ...]] = {
    "smoke": (1, 5),
    "laptop": (1, 2, 3, 5, 7, 10, 14, 20),
    "paper": tuple(range(1, 21)),
}
"""How many posterior samples are tried; the paper's search is 1..20."""


def _gittins(num_arms: int, num_pulls: int) -> dict[str, dict[str, Policy[Any]]]:
    """Return the three approximations, each at every discount."""
    searched: dict[str, dict[str, Policy[Any]]] = {"stopping": {"": Gittins(num_arms, num_pulls, "stopping")}}
    kinds: tuple[Approximation, ...] = ("whittle", "calibration")
    for kind in kinds:
        searched[kind] = {f"γ = {discount}": Gittins(num_arms, num_pulls, kind, discount) for discount in DISCOUNTS}
    return searched


def _how(num_pulls: int) -> str:
    kinds = dict.fromkeys(how for how, _, _ in ROUNDS[num_pulls])
    return ", then ".join({"imitate": "imitation", "reinforce": "PPO"}[how] for how in kinds)


def _for_cell(policy: SoftmaxPolicy, num_arms: int) -> SoftmaxPolicy:
    return policy.for_actions(num_arms) if isinstance(policy, PairMemoryPolicy) else policy


# --------------------------------------------------------------------------------------- what is shown and claimed

DRAWN = (BEST_KNOWN, "UCB1", "TS", "Greedy", RL2, RL2_IMITATION, RL2_EQUIVARIANT)


def draw(measured: Measured) -> Figure:
    """Draw normalised scores: a panel for each n, a place for each k, a small bar for every seed; below, the top."""
    import matplotlib.pyplot as plt

    there = [n for n in PULLS if any(numbers(cell)[0] == n for cell in measured.cells())]
    size = 3.2 * len(there) + 1.6, 6.0
    figure, grid = plt.subplots(2, len(there), figsize=size, sharex="col", sharey="row", squeeze=False)
    for num_pulls, whole, top in zip(there, *grid, strict=True):
        found = [cell for cell in measured.cells() if numbers(cell)[0] == num_pulls]
        for axes in (whole, top):
            _draw_panel(axes, measured, found)
        top.set_xticks(range(len(found)), [f"k = {numbers(cell)[1]}" for cell in found])
        whole.set_title(f"n = {num_pulls}")
    for axes, label in zip(grid[:, 0], ("normalised score", "the same, from .93"), strict=True):
        axes.set_ylabel(label)
    grid[1, 0].set_ylim(0.93, 1.03)
    grid[0, -1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.tight_layout()
    return figure


def _draw_panel(axes: Axes, measured: Measured, cells_of: list[str]) -> None:
    from rl2lib.evaluation.figures import MARKERS

    axes.axhline(1.0, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
    for index, (agent, marker) in enumerate(zip(DRAWN, MARKERS, strict=False)):
        rows = [next((row for row in measured.cell(cell) if row.agent == agent), None) for cell in cells_of]
        # side by side, since several agents share the top
        places = [place + (index - len(DRAWN) / 2) * 0.09 for place in range(len(cells_of))]
        shown = [(x, row) for x, row in zip(places, rows, strict=True) if row and row.normalised is not None]
        heights = [row.share.mean for _, row in shown]
        errors = [row.share.half for _, row in shown]
        style: dict[str, Any] = {"label": agent, "marker": marker, "markersize": 5, "linestyle": "none"}
        colour = axes.errorbar([x for x, _ in shown], heights, errors, **style)[0].get_color()
        for x, row in shown:
            seeds = [_on_scale(measured, row.cell, mean) for mean in row.every_seed]
            axes.plot([x] * len(seeds), seeds, linestyle="none", marker="_", color=colour, markersize=7)
            if agent == RL2 and row.published is not None:
                told: dict[str, Any] = {"color": axes.yaxis.label.get_color(), "fillstyle": "none", "linestyle": "none"}
                label = "RL², published" if row is shown[0][1] else None
                axes.plot([x], [_on_scale(measured, row.cell, row.published)], marker="o", label=label, **told)


def _on_scale(measured: Measured, cell: str, mean: float) -> float:
    """A return of a cell as a normalised score, by the means of random play and of who scores 1."""
    zero = measured.row(cell, "Random").mean
    one = next(row.mean for row in measured.cell(cell) if row.normalised_mean == 1.0)
    return (mean - zero) / (one - zero)


def _trained(measured: Measured, cell: str, agents: tuple[str, ...]) -> Row:
    """The best of a cell's trained rows, or of those of some agents."""
    rows = [row for row in measured.cell(cell) if row.seeds and (not agents or row.agent in agents)]
    if not rows:
        raise KeyError(f"{cell}: {', '.join(agents) or 'a trained agent'}")
    return max(rows, key=lambda row: row.mean)


def _reaches(measured: Measured, agents: tuple[str, ...] = (), pulls: tuple[int, ...] = PULLS) -> Verdict:
    """Whether in every cell the best of some trained agents is not below min(published RL², `LEVEL`)."""
    words, short = [], 0
    for cell in measured.cells():
        if numbers(cell)[0] not in pulls:
            continue
        best = _trained(measured, cell, agents)
        published = PUBLISHED[cell][AGENTS.index(RL2)] - 0.05  # its rounding
        short += best.score.high < published and best.share.high < LEVEL
        words.append(
            f"{cell} {best.mean:.2f}, {best.share.percent()}" + (f" ({best.agent})" if len(agents) != 1 else "")
        )
    return Verdict("not reached" if short else "matched", "; ".join(words))


def _is_at_level(measured: Measured) -> Verdict:
    """Whether the equivariant policy is shown to be at `LEVEL` in every cell, or shown not to be in one."""
    found = {cell: measured.row(cell, RL2_EQUIVARIANT) for cell in measured.cells()}
    shown = sum(row.share.low >= LEVEL for row in found.values())
    lowest = min(found, key=lambda cell: found[cell].share.mean)
    evidence = f"in {shown} of {len(found)} cells; lowest {found[lowest].share.percent()} in {lowest}"
    return Verdict(at_least((row.share for row in found.values()), LEVEL), evidence)


def _above_snail(measured: Measured) -> Verdict:
    """Whether in no cell the best trained row is below SNAIL's, whose interval its paper prints."""
    words, below = [], 0
    for cell, half in zip(CELLS, SNAIL_HALF_INTERVAL, strict=True):
        if cell not in measured.cells():
            continue
        theirs = PUBLISHED[cell][-1]
        best = _trained(measured, cell, ())
        below += theirs - best.mean > math.hypot(best.score.half, half)
        words.append(f"{cell} {best.mean:.2f} ({theirs:g} ± {half:g})")
    return Verdict("not reached" if below else "matched", "; ".join(words))


def _falls_behind(measured: Measured) -> Verdict:
    """On ten arms, where short and long trials have about as many steps of training."""
    short, long = (measured.row(cell, RL2) for cell in ("n10_k10", "n500_k10"))
    evidence = f"plain GRU {short.share.percent()} at n=10, {long.share.percent()} at n=500 (k=10, about as many steps)"
    return Verdict("matched" if long.share.high < short.share.low else "not reached", evidence)


EXPERIMENT = Experiment(
    id=ID,
    title="Table 1: bandits",
    source="Duan et al. 2016, table 1; SNAIL: Mishra et al. 2018, table 1",
    about=(
        "Total reward of n pulls, scored by expected reward (the mean of the arm pulled). Arms are uniform on [0, 1]. "
        "Every baseline is tuned on tasks of its own; the variant says to what. Gittins is one row an approximation, "
        "the published number beside the best. Normalised: 0 is random play, 1 the exact optimum (n=10) or the "
        "finite-horizon Gittins index, the best that is known (n=100, 500). RL² is the plain GRU; its advantages use "
        "expected rewards and a baseline that sees the task, as the equivariant policy's do. The arm-equivariant "
        "policy is one memory per arm, one set of weights for each n, which learned on 5, 10 and 50 arms in turn. "
        "The network that imitates is told the index's answers and learns from no reward. It learned on whole trials; "
        "on 50 arms `imitation` has short ones first, which are faster by far. In the figure small bars are seeds, and "
        "published scores above 1 the luck and the rounding of the paper's thousand tasks."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Normalised scores of RL² in three forms and of the classic agents in all cells of table 1.",
    claims=(
        Claim(
            f"RL² as in the paper, a plain GRU by reinforcement alone, is not below min(published RL², {LEVEL:.0%} of "
            "the way from random play to the best known).",
            partial(_reaches, agents=(RL2,)),
            reason="see the last line under the tables",
        ),
        Claim("The same at n = 10 alone.", partial(_reaches, agents=(RL2,), pulls=(10,))),
        Claim(
            "The best trained row of a cell, whatever its network and its teacher, is not below that bound.", _reaches
        ),
        Claim(
            f"The arm-equivariant policy comes {LEVEL:.0%} of that way in every cell, one set of weights for each n.",
            _is_at_level,
        ),
        Claim("The best trained row of a cell is not below SNAIL's.", _above_snail),
        Claim("RL² falls behind as trials grow longer (section 3.1).", _falls_behind),
    ),
    reasons={
        RL2: (
            "not told apart are fewer steps (a few million, see the page; the authors took on the order of a hundred "
            "million), fewer hidden units and PPO in TRPO's place; the network itself can more: it reaches more by "
            "imitation of the index"
        ),
    },
)
