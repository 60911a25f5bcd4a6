"""The chapter's coding exercise: a hidden goal in a 5 × 5 grid, REINFORCE on three goals, a test on held-out ones.

Agents, settings and learners are those of notebook 06 (`experiments.goal_gridworld`). Four trainings, each of the
recurrent policy and of its twin without a state; and to tell whether a new goal is found, four agents which between
them hold out every cell once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.forgetful import Wiped
from rl2lib.agents.grid_search import GridSearch, best_stops, sweep
from rl2lib.evaluation.choice import acting_best
from rl2lib.evaluation.curves import Episodes, episodes
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments.goal_gridworld import ALL_CELLS, SIZE
from rl2lib.experiments.papers.goal_gridworld_runs import (
    ALL,
    FOLD_CELLS,
    GROUPS,
    HELD_OUT,
    ID,
    KINDS,
    RECURRENT,
    SIZES,
    THREE,
    TWIN,
    cells,
    runs,
)
from rl2lib.experiments.plan import Claim, Experiment, Scale, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, GridTasks
from rl2lib.tasks.sampling import make_generators

if TYPE_CHECKING:
    from matplotlib.figure import Figure


OPTIMAL, NO_MEMORY, ORACLE, SWEEP = "Optimal search", "Search without memory", "Told the goal", "Search of all cells"
WIPED = "wiped between episodes"
MET_ALL, BEFORE = "trained on all cells", "for its training goals"
LEVEL = 0.05  # of trial return: the largest difference that would not matter; about 2% of the optimum
REACHED = 0.98  # normalised: at the optimum

# --------------------------------------------------------------------------------------- who plays


def even_tasks(goals: Sequence[int], at_least: int, generator: torch.Generator) -> GridTasks:
    """Return grids with every goal equally often, one after the other, at least so many in all."""
    copies = -(-at_least // len(goals))
    tasks = GoalGrids(SIZE).sample(copies * len(goals), generator)
    return tasks._replace(goal=torch.tensor(goals).repeat(copies))


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same goals."""
    name = cell.removesuffix(HELD_OUT)
    group, size, env = GROUPS[name], SIZES[scale], GridEnv(SIZE)
    is_fold = name in FOLD_CELLS
    new = is_fold or name != cell
    goals = tuple(goal for goal in ALL_CELLS if (goal in group.goals) != new)
    seed = 1 + tuple(GROUPS).index(name) + 100 * new
    generators = make_generators(seed, "goal gridworld: test", "goal gridworld: validation")
    tasks = even_tasks(goals, size.test_tasks, generators["goal gridworld: test"])
    # the way of acting is chosen on training goals: a held-out one must not help in any choice
    validation = GoalGrids(SIZE, group.goals).sample(size.validation_tasks, generators["goal gridworld: validation"])

    players = [Player("Random", [Random(4)]), Player(ORACLE, [GridSearch(SIZE, goals, told=True)])]
    if not is_fold:
        stops = best_stops(SIZE, group.goals)
        players.append(Player(OPTIMAL, [GridSearch(SIZE, stops)], BEFORE if new else ""))
    if new:
        players.append(Player(SWEEP, [GridSearch(SIZE, sweep(SIZE))]))
    else:
        players.append(Player(NO_MEMORY, [GridSearch(SIZE, stops, remembers=False)]))
    for agent, kind in KINDS.items():
        if not (is_fold and agent == TWIN):
            acting = acting_best(trained.policies(f"{name}-{kind}"), env, validation, seed=seed)
            players.append(Player(agent, acting, group.learner, seeds=len(acting)))
            if not new:
                wiped: list[Any] = [Wiped(policy) for policy in acting]
                players.append(Player(agent, wiped, WIPED, seeds=len(acting)))
    if is_fold:
        acting = acting_best(trained.policies(f"{ALL}-recurrent"), env, validation, seed=seed)
        players.append(Player(RECURRENT, acting, MET_ALL, seeds=len(acting)))
    reference = ORACLE if new else OPTIMAL
    ceiling = None if new else optimum(group.goals)
    rows = compare(
        ID, cell, players, env, tasks, seed=seed, random="Random", reference=reference, ceiling=ceiling, chunk=3_000
    ).rows
    played = {
        player.name: [episodes(play(policy, env, tasks, seed=seed)) for policy in player.policies] for player in players
    }
    return Measured(rows, _points(cell, group.learner, played, tasks, new=new))


def optimum(goals: Sequence[int]) -> float:
    """Return the exact best expected trial return on equally likely goals: the best search, played once on each."""
    agent = GridSearch(SIZE, best_stops(SIZE, goals))
    trials = play(agent, GridEnv(SIZE), even_tasks(goals, 1, torch.Generator()), seed=0)
    return trials.trial_return().double().mean().item()


def _points(cell: str, learner: str, played: dict[str, list[Episodes]], tasks: GridTasks, *, new: bool) -> list[Point]:
    """Return, episode by episode, return and steps with their range over seeds; and what the claims rest on.

    That is by seed, each with its paired interval over tasks: how far an agent's later episodes are above its first,
    and how far the recurrent agent is above its twin; and of held-out goals how often each one is found.
    """
    points = []
    for name, seeds in played.items():
        for what in ("returns", "steps"):
            means = torch.stack([getattr(one, what).double().mean(dim=0) for one in seeds])
            for number, values in enumerate(means.unbind(dim=1)):
                ends = values.mean().item(), values.min().item(), values.max().item()
                points.append(Point(ID, cell, f"{name}: {what}", number + 1, *ends))
        rises = [paired_difference(one.returns[:, 1:].mean(dim=1), one.returns[:, 0]) for one in seeds]
        points += [Point(ID, cell, f"{name}: rise", i, r.mean, r.low, r.high) for i, r in enumerate(rises)]
        if new:
            found = torch.stack([(~one.timed_out).double().mean(dim=1) for one in seeds]).mean(dim=0)
            for goal in tasks.goal.unique().tolist():
                points.append(Point(ID, cell, f"{name}: found", goal, found[tasks.goal == goal].mean().item()))
    one, other = (played.get(f"{agent} ({learner})", []) for agent in (RECURRENT, TWIN))
    for number, (recurrent, twin) in enumerate(zip(one, other, strict=False)):
        ahead = paired_difference(recurrent.returns.sum(dim=1), twin.returns.sum(dim=1))
        points.append(Point(ID, cell, "recurrent over twin", number, ahead.mean, ahead.low, ahead.high))
    return points


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw return and steps by episode, a column a training; dashed on goals that were held out."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    there = [name for name in (*THREE, ALL) if name in measured.cells()]
    figure, grid = plt.subplots(
        2, len(there), figsize=(3.2 * len(there), 6), squeeze=False, sharex=True, sharey="row", layout="constrained"
    )
    for column, name in enumerate(there):
        group = GROUPS[name]
        held_out = [cell for cell in (FOLD_CELLS if name == ALL else (name + HELD_OUT,)) if cell in measured.cells()]
        for axes, what in zip(grid[:, column], ("returns", "steps"), strict=True):
            for number, agent in enumerate(KINDS):
                for cells_of, dashes, told in (([name], "-", "training goals"), (held_out, "--", "held-out goals")):
                    lines = [measured.line(cell, f"{agent} ({group.learner}): {what}") for cell in cells_of]
                    if lines and lines[0]:
                        x = [point.x for point in lines[0]]
                        low, middle, high = (_across(lines, part) for part in ("low", "y", "high"))
                        look: dict[str, Any] = {"color": f"C{number}", "linestyle": dashes, "marker": MARKERS[number]}
                        # the twin below and thicker, so that both are seen where they lie on each other
                        look |= {"linewidth": 1.2 + 1.4 * number, "markersize": 4 + 3 * number, "zorder": 3 - number}
                        band(axes, x, low, middle, high, label=f"{agent}, {told}", **look)
            for agent, cells_of, pattern, label in (
                (OPTIMAL, [name], ":", f"{OPTIMAL}, training goals"),
                ("Random", [name], "-.", "Random, training goals"),
                ("Random", held_out, (0, (5, 2, 1, 2, 1, 2)), "Random, held-out goals"),
            ):
                if lines := [measured.line(cell, f"{agent}: {what}") for cell in cells_of]:
                    x, grey = [point.x for point in lines[0]], axes.yaxis.label.get_color()
                    axes.plot(x, _across(lines, "y"), color=grey, linestyle=pattern, label=label)
        goals = "all 24 cells" if name == ALL else f"{len(group.goals)} goals"
        grid[0, column].set_title(f"{goals}, {group.learner}, {SIZES['laptop'].trials(group):,} trials", fontsize=10)
        grid[1, column].set(xlabel="episode of the trial", xticks=(1, 2, 3))
    grid[0, 0].set_ylabel("return of the episode")
    grid[1, 0].set_ylabel("steps of the episode")
    handles = {text: line for axes in grid[0] for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3)
    return figure


def _across(lines: list[list[Point]], part: str) -> list[float]:
    """Mean over cells, point by point."""
    return [sum(getattr(point, part) for point in points) / len(points) for points in zip(*lines, strict=True)]


def _by_seed(measured: Measured, cell: str, line: str) -> list[Point]:
    found = measured.line(cell, line)
    if not found:
        raise KeyError(f"{line} in {cell}")
    return found


def _trained(cell: str, agent: str = RECURRENT) -> str:
    """The name of a cell's own agent."""
    return f"{agent} ({GROUPS[cell.removesuffix(HELD_OUT)].learner})"


def _told(points: Sequence[Point]) -> str:
    return ", ".join(f"{p.y:+.3f} [{p.low:+.3f}, {p.high:+.3f}]" for p in points)


def _rises(measured: Measured, cell: str, agent: str, *, wanted: bool) -> Verdict:
    """Whether later episodes are shown to earn more than the first, with every seed; if unwanted, to earn no more."""
    found = _by_seed(measured, cell, f"{_trained(cell, agent)}: rise")
    shown = all(point.low > 0 for point in found) if wanted else all(point.high < LEVEL for point in found)
    wiped = ", ".join(f"{p.y:+.3f}" for p in _by_seed(measured, cell, f"{agent} ({WIPED}): rise"))
    evidence = f"by seed {_told(found)}; wiped between episodes {wiped}"
    return Verdict("matched" if shown else "not reached", evidence)


def _ahead(measured: Measured, cell: str) -> Verdict:
    found = _by_seed(measured, cell, "recurrent over twin")
    return Verdict("matched" if all(point.low > 0 for point in found) else "not reached", f"by seed {_told(found)}")


def _level(measured: Measured, cell: str) -> Verdict:
    found = _by_seed(measured, cell, "recurrent over twin")
    level = all(point.low > -LEVEL and point.high < LEVEL for point in found)
    return Verdict("matched" if level else "not reached", f"by seed {_told(found)}, bound ±{LEVEL:g}")


def _reaches(measured: Measured, there: Sequence[str]) -> Verdict:
    """Whether the recurrent agent's normalised score, of the median seed, is at 98%."""
    rows = [measured.row(cell, RECURRENT, GROUPS[cell].learner) for cell in there]
    evidence = "; ".join(
        f"{row.cell}: {row.mean:.3f} of {row.ceiling:.3f}, normalised {row.share.percent()}, "
        f"seeds {', '.join(f'{mean:.2f}' for mean in row.every_seed)}"
        for row in rows
    )
    return Verdict(at_least((row.share for row in rows), REACHED), evidence)


def _generalises(measured: Measured, there: Sequence[str]) -> Verdict:
    """Whether held-out goals are found more often than a random walk finds them; the interval is over goals."""
    ours, random = (
        torch.tensor(
            [point.y for cell in there for point in _by_seed(measured, cell, f"{name or _trained(cell)}: found")],
            dtype=torch.float64,
        )
        for name in ("", "Random")
    )
    ahead = paired_difference(ours, random)
    evidence = (
        f"{len(ours)} held-out goals, found in {100 * ours.mean():.0f}% of the episodes, by a random walk in "
        f"{100 * random.mean():.0f}%: difference {ahead.mean:+.2f} in [{ahead.low:+.2f}, {ahead.high:+.2f}]; "
        f"{int((ours > 0.9).sum())} goals found in over 90%, {int((ours < 0.1).sum())} in under 10%"
    )
    best = [p.y for cell in there for p in measured.line(cell, f"{OPTIMAL} ({BEFORE}): found")]
    if best:
        evidence += f"; the optimal search for its training goals never finds {best.count(0.0)}"
    return Verdict("matched" if ahead.low > 0 else "not reached" if ahead.high < 0 else "open", evidence)


def _all_met(measured: Measured) -> Verdict:
    """Whether agents that met every cell in training find each fold's goals."""
    there = [cell for cell in FOLD_CELLS if cell in measured.cells()]
    found = [p.y for cell in there for p in _by_seed(measured, cell, f"{RECURRENT} ({MET_ALL}): found")]
    if not found:
        raise KeyError("a fold")
    evidence = (
        f"found in {100 * sum(found) / len(found):.1f}% of the episodes, the worst goal in {100 * min(found):.0f}%"
    )
    return Verdict("matched" if min(found) > 0.95 else "not reached", evidence)


SHORT, LONG, MOST = (SIZES["laptop"].trials(GROUPS[name]) for name in THREE)
EXPERIMENT = Experiment(
    id=ID,
    title="A hidden goal in a 5 × 5 grid",
    source="The explainer's coding exercise",
    about=(
        "A goal is hidden in a 5 × 5 grid; a trial is three episodes of at most 30 steps from the same corner, a step "
        "costs 0.04, the goal pays 1. 3_goals: it lies in one of the three other corners; "
        f"{SHORT:,} (short) or {LONG:,} (long) trials of REINFORCE, or {MOST:,} of PPO; "
        "held out: the 21 cells where it never was. 24_goals: any cell but the start. 18_goals_a to d: trained on 18 "
        "cells, tested on the six others; between them the four hold out every cell once. The recurrent policy is a "
        "GRU of 32 units; its twin has a layer in the GRU's place and no state, and sees the same: cell, previous "
        "action, reward, flag. Wiped: the state and those inputs are blanked at each episode's start. Every goal is "
        "tested equally often. Sampled or greedy is chosen on training goals. The baseline is recurrent for both and "
        "sees what the policy sees. The optimum is exact: the best route through the goals, then the shortest way; on "
        "held-out goals the ceiling is who is told the goal. Figure: bands are the range over seeds; dashed in the "
        "last column are the agents that were trained on 18 cells, the mean of the four."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Return and steps by episode of the recurrent policy and its twin, on training goals and on held-out ones. "
        "With 24 possible goals the recurrent one searches once and then walks straight; the twin searches again. "
        "Held-out goals are found late or not at all."
    ),
    claims=(
        Claim(
            "24 goals: the recurrent agent's later episodes earn more than its first.",
            partial(_rises, cell=ALL, agent=RECURRENT, wanted=True),
        ),
        Claim(
            "24 goals: the twin's do not.",
            partial(_rises, cell=ALL, agent=TWIN, wanted=False),
            "an episode's first input still shows the action that entered the goal; without it (wiped) every episode "
            "is like the first",
        ),
        Claim("24 goals: the recurrent agent earns more than its twin.", partial(_ahead, cell=ALL)),
        Claim(
            "PPO brings the recurrent agent to 98% of the optimum, on 3 goals and on 24.",
            partial(_reaches, there=(THREE[2], ALL)),
        ),
        Claim(
            "3 goals: the chapter's thousand trials of REINFORCE bring it there.",
            partial(_reaches, there=THREE[:1]),
            "the budget and the learner: the same network gets there with more trials, of PPO",
        ),
        Claim(f"3 goals: so do {LONG:,} trials of REINFORCE.", partial(_reaches, there=THREE[1:2])),
        Claim("3 goals, a thousand trials: the recurrent agent is ahead of its twin.", partial(_ahead, cell=THREE[0])),
        Claim(
            "3 goals do not tell them apart: trained to the optimum by PPO, the twin is level.",
            partial(_level, cell=THREE[2]),
        ),
        Claim(
            "Trained on 3 goals, it finds held-out ones more often than a random walk.",
            partial(_generalises, there=(THREE[2] + HELD_OUT,)),
        ),
        Claim(
            "Trained on 18 of the 24 cells, it finds the six others more often than a random walk.",
            partial(_generalises, there=FOLD_CELLS),
        ),
        Claim("Trained on all 24 cells, it finds those same goals.", _all_met),
    ),
)
