"""Wang et al. 2016, section 3.2.3: a goal that is searched for once and then returned to, from elsewhere each time.

Their maze is seen through pixels; this one is four rooms of a grid. What is measured is theirs: how many steps the
goal takes in the first episode of a trial, and how many later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.forgetful import Wiped
from rl2lib.agents.grid import GridOracle, GridSearcher, distances
from rl2lib.agents.grid_baseline import GridBaseline
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import Episodes, episodes
from rl2lib.evaluation.evaluate import Player, compare, num_tasks, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import Estimate
from rl2lib.experiments.papers.over_seeds import over_tasks_and_seeds
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.nested import in_chunks
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.gridworld import GridEnv, free_cells
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import Policy, Trajectory, expect_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "one-shot-navigation"
PUBLISHED_STEPS = (100, 30)
"""Wang et al. 2016: about so many to the first goal of a trial, and to each later one, in a maze of their own."""
NUM_EPISODES = 5
RL2, WIPED = "RL²", "RL², state wiped between episodes"
RANDOM, SEARCHER, ORACLE = "Random walk", "Nearest unvisited cell, knows the rooms", "Told the goal"
FIRST, LATER = "episode 1", f"episodes 2-{NUM_EPISODES}"
CHUNK = 500  # trials played at once; a random walk's are a thousand steps of a hundred numbers each


@dataclass(frozen=True)
class Course:
    """One cell: a grid, and how long an agent learns there.

    Attributes:
        size: the grid's side.
        horizon: of an episode when everybody is measured.
        hidden_size: H of the LSTM.
        training_horizon: of an episode in training, shorter: an agent that has lost its way learns little more.
        training_episodes: of a trial in training.
        iterations: of PPO.
        trials: an iteration.
    """

    size: int
    horizon: int
    hidden_size: int
    training_horizon: int
    training_episodes: int
    iterations: int
    trials: int = 128


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        courses: the cells.
        test_tasks: of a comparison.
        validation_tasks: of the choice between greedy and sampled actions.
    """

    courses: tuple[Course, ...]
    test_tasks: int = 2_000
    validation_tasks: int = 500


SIZES: dict[Scale, Size] = {
    "smoke": Size((Course(5, 12, 8, 6, 2, 1, 8),), 16, 8),
    "laptop": Size((Course(7, 100, 64, 50, 4, 150), Course(11, 200, 96, 100, 3, 300))),
    "paper": Size((Course(7, 100, 128, 100, 5, 500), Course(11, 200, 256, 200, 5, 1500))),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the grids, the small one first."""
    return tuple(cell_of(course) for course in SIZES[scale].courses)


def cell_of(course: Course) -> str:
    """Return the name of a course's cell."""
    return f"{course.size}x{course.size}"


def course_of(cell: str, scale: Scale) -> Course:
    """Return a cell's course."""
    return next(course for course in SIZES[scale].courses if cell_of(course) == cell)


def setting(course: Course, *, training: bool = False) -> Setting:
    """Return a course's tasks and environment."""
    horizon, trial = (course.training_horizon, course.training_episodes) if training else (course.horizon, NUM_EPISODES)
    return make_task(ID, size=course.size, horizon=horizon, episodes_per_trial=trial)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return the one agent of each cell."""
    return [
        Run(ID, run_name(cell), (cell,), partial(_policy, cell, scale), partial(_stages, cell, scale))
        for cell in cells(scale)
    ]


def run_name(cell: str) -> str:
    """Return the name of a cell's run."""
    return f"lstm-{cell}"


def _policy(cell: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    course = course_of(cell, scale)
    env = setting(course).env
    generator = make_generator(seed, "weights")
    return RecurrentPolicy(env.observation_shape, env.num_actions, course.hidden_size, generator=generator, core="lstm")


def _stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    course = course_of(cell, scale)
    distribution, env = setting(course, training=True)
    baseline = GridBaseline(expect_kind("env", env, GridEnv), generator=make_generator(seed, "baseline"))
    config = PPOConfig(
        discount=0.98,
        trace=0.9,
        epochs=5,
        minibatch_trials=64,
        learning_rate=6e-3,
        baseline_learning_rate=1e-2,
        entropy_bonus=0.04,  # with less it settles early on a search that leaves rooms out
    )
    training = TrainingConfig(course.iterations, course.trials, seed, checkpoint_every=25)
    yield Stage(PPO(policy, baseline, config), Setting(distribution, env), training)


# --------------------------------------------------------------------------------------- what is measured


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks: steps in the first episode, in the later ones, and in each."""
    size, course = SIZES[scale], course_of(cell, scale)
    distribution, env = setting(course)
    grid = expect_kind("env", env, GridEnv)
    tasks, validation = draw_tasks(distribution, size, "navigation", seed=course.size)
    agents = acting_best(trained.policies(run_name(cell)), env, validation, seed=course.size)
    players = [
        Player(RL2, agents, seeds=len(agents)),
        Player(WIPED, [Wiped(agent) for agent in agents], seeds=len(agents)),
        Player(RANDOM, [Random(env.num_actions)]),
        Player(SEARCHER, [GridSearcher(grid)]),
        Player(ORACLE, [GridOracle(grid)]),
    ]
    rows = []
    scored: tuple[tuple[str, Callable[[Trajectory], Tensor], float | None], ...] = (
        (FIRST, first_steps, None),
        (LATER, later_steps, shortest(grid)),
    )
    for variant, score, ceiling in scored:
        named = [replace(player, variant=variant) for player in players]
        rows += compare(
            ID,
            cell,
            named,
            env,
            tasks,
            seed=course.size,
            ceiling=ceiling,
            score=score,
            better="lower",
            chunk=CHUNK,
        ).rows
    points: list[Point] = []
    for player in players:
        every_seed = [_episodes(policy, env, tasks, course.size) for policy in player.policies]
        points += [*_by_episode(cell, player.agent, every_seed), *_saving(cell, player.agent, every_seed)]
    return Measured(rows, points)


def first_steps(trajectory: Trajectory) -> Tensor:
    """Return [B], the steps of the first episode; one that timed out counts with its whole length."""
    return episodes(trajectory).steps[:, 0].double()


def later_steps(trajectory: Trajectory) -> Tensor:
    """Return [B], the mean steps of the later episodes."""
    return episodes(trajectory).steps[:, 1:].double().mean(dim=1)


def shortest(env: GridEnv) -> float:
    """Return the exact mean of the shortest way from a free cell to another: what a known goal takes."""
    free = torch.tensor(free_cells(env.size, env.walls))
    between = distances(env)[free][:, free]
    return between.sum().item() / (len(free) * (len(free) - 1))


def _episodes(policy: Policy[Any], env: Any, tasks: Any, seed: int) -> Episodes:
    pieces = in_chunks(tasks, num_tasks(tasks), CHUNK)
    played = [episodes(play(policy, env, piece, seed=seed + 7919 * i)) for i, piece in enumerate(pieces)]
    return Episodes(*(torch.cat(parts) for parts in zip(*played, strict=True)))


def _by_episode(cell: str, agent: str, every_seed: list[Episodes]) -> list[Point]:
    """Steps and the share of successes in every episode."""
    points = []
    for number in range(NUM_EPISODES):
        steps = over_tasks_and_seeds([played.steps[:, number] for played in every_seed])
        found = over_tasks_and_seeds([~played.timed_out[:, number] for played in every_seed])
        points += [_point(cell, f"steps: {agent}", number + 1, steps)]
        points += [_point(cell, f"found: {agent}", number + 1, found)]
    return points


def _saving(cell: str, agent: str, every_seed: list[Episodes]) -> list[Point]:
    """How many steps shorter a later episode is than the first of its trial."""
    steps = [played.steps.double() for played in every_seed]
    saved = over_tasks_and_seeds([one[:, 0] - one[:, 1:].mean(dim=1) for one in steps])
    return [_point(cell, f"saved: {agent}", 0, saved)]


def _point(cell: str, line: str, x: float, found: Estimate) -> Point:
    return Point(ID, cell, line, x, found.mean, found.low, found.high)


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw steps and successes of every episode of a trial."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, grid = plt.subplots(
        2, len(there), figsize=(4 * len(there) + 3, 5.4), sharex=True, squeeze=False, layout="constrained"
    )
    for cell, (upper, lower) in zip(there, grid.T, strict=True):
        for agent, marker in zip((RL2, WIPED, RANDOM, SEARCHER, ORACLE), MARKERS, strict=False):
            for axes, what, factor in ((upper, "steps", 1), (lower, "found", 100)):
                line = measured.line(cell, f"{what}: {agent}")
                x = [point.x for point in line]
                low, middle, high = ([factor * getattr(point, name) for point in line] for name in ("low", "y", "high"))
                band(axes, x, low, middle, high, label=agent, marker=marker, markersize=5)
        upper.set(title=f"four rooms, {cell}", yscale="log", ylabel="steps to the goal, log scale")
        upper.yaxis.set_major_locator(FixedLocator([3, 5, 10, 20, 50, 100, 200]))
        upper.yaxis.set_major_formatter("{x:.0f}")
        upper.yaxis.set_minor_locator(NullLocator())
        lower.set(xlabel="episode of the trial", ylabel="goal found, %", ylim=(0, 105), xticks=range(1, 6))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure


def _shorter(measured: Measured, cell: str) -> Verdict:
    saved = measured.line(cell, f"saved: {RL2}")
    if not saved:
        raise KeyError(cell)
    first, later = (measured.row(cell, RL2, variant).mean for variant in (FIRST, LATER))
    paper = PUBLISHED_STEPS[1] / PUBLISHED_STEPS[0]
    evidence = (
        f"{first:.1f} steps, then {later:.1f}: {_interval(saved[0])} fewer; ratio {later / first:.2f} (published: "
        f"about {PUBLISHED_STEPS[0]}, then {PUBLISHED_STEPS[1]}, {paper:.2f}, in another maze); success "
        + " / ".join(f"{100 * point.y:.1f}%" for point in measured.line(cell, f"found: {RL2}"))
    )
    return Verdict("matched" if saved[0].low > 0 else "not reached", evidence)


def _by_memory(measured: Measured, cell: str) -> Verdict:
    whole, without = measured.line(cell, f"saved: {RL2}"), measured.line(cell, f"saved: {WIPED}")
    if not whole or not without:
        raise KeyError(cell)
    negligible = 0.1 * whole[0].y
    evidence = f"{_interval(without[0])} fewer with the state wiped, {_interval(whole[0])} with it"
    inside = -negligible < without[0].low and without[0].high < negligible
    return Verdict("matched" if inside else "not reached", evidence)


def _interval(point: Point) -> str:
    return f"{point.y:.1f} ({point.low:.1f} to {point.high:.1f})"


EXPERIMENT = Experiment(
    id=ID,
    title="One-shot navigation",
    source="Wang et al. 2016, section 3.2.3",
    about=(
        "Four rooms with a door between neighbours; the goal is hidden, another in each trial, and every episode of "
        f"a trial starts somewhere else. The paper's maze is seen through pixels and takes about {PUBLISHED_STEPS[0]} "
        f"steps to the first goal and about {PUBLISHED_STEPS[1]} to the later ones: what carries over is that later "
        "episodes are shorter, not the numbers. RL² is one LSTM by clipped PPO on sampled rewards, with a baseline "
        "that sees the goal. It learns on shorter episodes and fewer of them than it is measured on. An episode that "
        "times out counts with its whole length. The ceiling of later episodes is the mean of the shortest way from a "
        "free cell to another, exactly. The wiped agent has the same weights and was not trained to forget; the one "
        "that visits the nearest unvisited cell knows walls and doors, and is the best known rule here, not the "
        "optimum."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Steps to the goal and share of goals found, by episode of the trial, for RL² and four other agents.",
    claims=tuple(
        claim
        for cell in cells("laptop")
        for claim in (
            Claim(f"Later episodes are shorter than the first ({cell}).", partial(_shorter, cell=cell)),
            Claim(
                f"It is the state that makes them so: wiped between episodes, it saves less than a tenth ({cell}).",
                partial(_by_memory, cell=cell),
            ),
        )
    ),
    unit="steps to the goal",
)
