"""Two loops: what survives an episode, and what survives a trial? (notebook 03).

An agent of notebook 06 looks for hidden goals in two trials of three episodes each. The loop that plays them decides
how long its state lives. The same two trials can be played again with a state that is reset at every episode, or never;
what that costs is measured on other tasks, by three agents that differ in the seed of their training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.curves import episodes
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.experiments.papers.goal_gridworld.trained import SIZE
from rl2lib.lab.explorables.base import Choice, Control, Explorable, Slider
from rl2lib.lab.explorables.patrol import HORIZON, NUM_EPISODES, moved
from rl2lib.tasks.gridworld import MOVES, GoalGrids, GridEnv, GridTasks
from rl2lib.types import StepInput, Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRIAL, EPISODE, NEVER = "between trials (RL²)", "at every episode", "never"
IN_WORDS = {TRIAL: "reset between trials (RL²)", EPISODE: "reset at every episode", NEVER: "never reset"}
KEPT, RESET, REDRAWN = "kept", "reset", "redrawn"
THINGS = ("position", "last action, reward, flag", "hidden state", "goal", "weights")
NUM_TRIALS, NUM_MEASURED, MEASURED_SEED = 2, 400, 1000


class Lifetime:
    """A trained policy whose state lives as long as it is told, and which keeps a record of it.

    Args:
        policy: its actions are drawn.
        resets: when the state is reset, a key of `IN_WORDS`.

    Attributes:
        left_over: [B, H], the state in which the last trial ended; None before the first one.
        before: [B, H] for each step of the last trial, the state in which its input found the agent.
        after: [B, H] for each step, the state in which it left the agent.
    """

    def __init__(self, policy: SoftmaxPolicy, resets: str) -> None:
        self.policy, self.resets = policy, resets
        self.left_over: Tensor | None = None
        self.before: list[Tensor] = []
        self.after: list[Tensor] = []

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return a fresh state, or what the last trial left over where nothing ever resets it."""
        fresh: Tensor = self.policy.initial_state(batch_size)
        return self.left_over if self.resets == NEVER and self.left_over is not None else fresh

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Act; where every episode resets the state, from a fresh one after an end, with the inputs as they are."""
        if self.resets == EPISODE:
            state = torch.where(inputs.prev_end[:, None] == 1, 0.0, state)
        self.before.append(state)
        actions, state = self.policy.act(state, inputs, generator)
        self.after.append(state)
        return actions, state

    def play_trial(self, tasks: GridTasks, seed: int) -> Trajectory:
        """Play one trial on each task."""
        self.before, self.after = [], []
        trial = play(self, GridEnv(SIZE, HORIZON, NUM_EPISODES), tasks, seed=seed)
        # trials that are over are stepped on until the longest is; what happens to their state there does not count
        lengths, rows = trial.mask.sum(dim=1), torch.arange(len(trial.mask))
        self.left_over = torch.stack(self.after, dim=1)[rows, lengths - 1]
        return trial


def sample_tasks(num_pairs: int, seed: int) -> list[GridTasks]:
    """Return the tasks of all first trials and of all second ones, each goal drawn evenly from the 24 cells."""
    tasks = GoalGrids(SIZE).sample(NUM_TRIALS * num_pairs, torch.Generator().manual_seed(seed))
    return [GridTasks(*(field[trial::NUM_TRIALS] for field in tasks)) for trial in range(NUM_TRIALS)]


@lru_cache(maxsize=1)
def agents() -> tuple[SoftmaxPolicy, ...]:
    """Return the agents that were trained on all 24 goals, one a seed."""
    return tuple(bundled.load_or_train("goals").policies("goal-gridworld/24_goals_ppo-recurrent"))


class Lived(NamedTuple):
    """One episode, as it is drawn.

    Attributes:
        trial: 1 or 2.
        number: 1, 2 or 3.
        goal: the cell.
        cells: from the start to where it ended.
        found: whether that was the goal.
        total: its return.
        states: [steps][H], the state before each step.
        left: [H], the state after the last one.
        fed: action, reward and flag in its first input.
        last: action, reward and flag of its last step.
    """

    trial: int
    number: int
    goal: int
    cells: tuple[int, ...]
    found: bool
    total: float
    states: tuple[tuple[float, ...], ...]
    left: tuple[float, ...]
    fed: tuple[int, float, int]
    last: tuple[int, float, int]


@lru_cache(maxsize=128)
def replay(pair: int, resets: str) -> tuple[tuple[Lived, ...], float]:
    """Play a pair of tasks with the first agent; return its six episodes, and the largest change of any weight."""
    agent, lived = agents()[0], []
    weights = parameters_to_vector(agent.parameters()).detach().clone()
    player = Lifetime(agent, resets)
    for number, tasks in enumerate(sample_tasks(1, pair), 1):
        trial = player.play_trial(tasks, seed=10 * pair + number)  # the luck of a trial, whatever came before it
        observation, action, reward, end, timed_out = (values[0] for values in trial[:5])
        inputs = trial.step_inputs()
        begins = [0, *(end.nonzero().flatten() + 1).tolist()]
        for episode, (begin, stop) in enumerate(pairwise(begins), 1):
            cells, last = observation[begin:stop].argmax(dim=-1).tolist(), stop - 1
            lived.append(
                Lived(
                    trial=number,
                    number=episode,
                    goal=int(tasks.goal[0]),
                    # the observation after an end is the next episode's first, so the last cell is worked out here
                    cells=(*cells, moved(cells[-1], int(action[last]))),
                    found=not bool(timed_out[last]),
                    total=float(reward[begin:stop].sum()),
                    states=tuple(tuple(state[0].tolist()) for state in player.before[begin:stop]),
                    left=tuple(player.after[last][0].tolist()),
                    fed=(
                        int(inputs.prev_action[0, begin]),
                        float(inputs.prev_reward[0, begin]),
                        int(inputs.prev_end[0, begin]),
                    ),
                    last=(int(action[last]), float(reward[last]), int(end[last])),
                )
            )
    change = float((parameters_to_vector(agent.parameters()).detach() - weights).abs().max())
    return tuple(lived), change


@lru_cache(maxsize=1)
def measured() -> dict[str, list[list[float]]]:
    """Return, for each time of reset, each agent's mean return of the six episodes, on the same tasks for all."""
    pairs = sample_tasks(NUM_MEASURED, MEASURED_SEED)

    def by_episode(player: Lifetime) -> list[float]:
        trials = [player.play_trial(tasks, seed=MEASURED_SEED + number) for number, tasks in enumerate(pairs)]
        return [mean for trial in trials for mean in episodes(trial).returns.mean(dim=0).tolist()]

    return {resets: [by_episode(Lifetime(agent, resets)) for agent in agents()] for resets in IN_WORDS}


class Fate(NamedTuple):
    """What a boundary did to one thing: what it was before, what it is after, and that in a word."""

    what: str
    before: str
    after: str
    verdict: str


def fates(lived: Sequence[Lived], index: int, change: float) -> list[Fate]:
    """Return what became of everything when episode `index`, from 0, began: read off the record."""
    new = lived[index]
    weights = f"{sum(values.numel() for values in agents()[0].parameters()):,} numbers"
    fed = _signals(new.fed) if new.fed[2] else "0, 0, 0: placeholders"
    after = (_place(new.cells[0]), fed, _length(new.states[0]), _place(new.goal), weights)
    if index == 0:
        before, verdicts = ("",) * 5, ("fresh", "fresh", "fresh", "drawn", "trained")
    else:
        old = lived[index - 1]
        before = (_place(old.cells[-1]), _signals(old.last), _length(old.left), _place(old.goal), weights)
        verdicts = (
            RESET,
            KEPT if new.fed == old.last else RESET,
            KEPT if new.states[0] == old.left else RESET,
            KEPT if new.trial == old.trial else REDRAWN,
            KEPT if change == 0 else "changed",
        )
    return [Fate(*words) for words in zip(THINGS, before, after, verdicts, strict=True)]


def _place(cell: int) -> str:
    return f"row {cell // SIZE}, column {cell % SIZE}"


def _signals(signals: tuple[int, float, int]) -> str:
    return f"{MOVES[signals[0]]}, {signals[1]:+.2f}, {signals[2]}"


def _length(state: Sequence[float]) -> str:
    return f"length {sum(value * value for value in state) ** 0.5:.2f}" if any(state) else "all zeros"


class TwoLoops(Explorable):
    """Two clocks, one inside the other, and what each of them resets."""

    title = "Two loops: what survives an episode, what survives a trial?"

    def controls(self) -> dict[str, Control]:
        """When the state is reset, the tasks, and a slider for each clock."""
        return {
            "resets": Choice("the state is reset", tuple(IN_WORDS), TRIAL),
            "pair": Slider("tasks and luck", 1, 20, 1, 1),
            "episode": Slider("episode (1 to 3: trial 1, 4 to 6: trial 2)", 1, NUM_TRIALS * NUM_EPISODES, 1, 2),
            "step": Slider("step of the episode (stops at its end)", 0, HORIZON, 1, HORIZON),
        }

    def state(self, **values: Any) -> dict[str, Any]:
        """Play both trials and stop the clocks; a pure function of the controls."""
        chosen = self.first_values() | values
        resets, pair, index = chosen["resets"], int(chosen["pair"]), int(chosen["episode"]) - 1
        lived, change = replay(pair, resets)
        now, step = lived[index], min(int(chosen["step"]), len(lived[index].states))
        begins = [sum(len(past.states) for past in lived[:number]) for number in range(len(lived) + 1)]
        returns = measured()
        return {
            "resets": resets,
            "lived": lived,
            "index": index,
            "now": now,
            "step": step,
            "path": now.cells[: step + 1],
            "earlier": lived[index - 1].cells if index else (),
            "begins": begins,
            "moment": begins[index] + step,
            "fates": [fates(lived, number, change) for number in range(len(lived))],
            "change": change,
            "returns": {name: returns[name] for name in dict.fromkeys((TRIAL, resets))},
            "totals": {name: sum(map(sum, runs)) / len(runs) for name, runs in returns.items()},
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """The grid and what survived the boundary; below them the time line of both trials, and the returns."""
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(10.4, 6.8))  # places are given, of titles too: finding them takes longer
        _draw_grid(figure.add_axes((0.04, 0.61, 0.24, 0.34)), state)
        _draw_table(figure.add_axes((0.36, 0.56, 0.62, 0.39)), state)
        _draw_states(figure.add_axes((0.18, 0.24, 0.48, 0.21)), state)
        _draw_lives(figure.add_axes((0.18, 0.07, 0.48, 0.15)), state)
        _draw_returns(figure.add_axes((0.72, 0.07, 0.26, 0.37)), state)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say where the clocks stand, what the boundary did, and what the choice costs."""
        now, resets, totals = state["now"], state["resets"], state["totals"]
        become = [
            f"{fate.what} {fate.verdict} ({' to '.join(dict.fromkeys(filter(None, (fate.before, fate.after))))})"
            for fate in state["fates"][state["index"]]
        ]
        end = "finds the goal" if now.found else "times out"
        text = (
            f"Trial {now.trial}, episode {now.number}, step {state['step']} of {len(now.states)}; the episode {end}. "
            f"{_crossed(now)}: {'; '.join(become)}. Mean return of two trials, on {NUM_MEASURED} other pairs of tasks, "
            f"{len(state['returns'][TRIAL])} agents: {totals[TRIAL]:.2f} if the state is {IN_WORDS[TRIAL]}"
        )
        if resets == TRIAL:
            return f"{text}."
        return f"{text}, {totals[resets]:.2f} if {IN_WORDS[resets]}: that costs {totals[TRIAL] - totals[resets]:.2f}."


def _crossed(now: Lived) -> str:
    boundary = "an episode's end" if now.number > 1 else "a trial's end" if now.trial > 1 else "the start of trial 1"
    return f"The last boundary crossed is {boundary}"


def _draw_grid(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    now, edges = state["now"], [edge - 0.5 for edge in range(1, SIZE)]
    axes.vlines(edges, -0.5, SIZE - 0.5, color="#CCCCCC", linewidth=0.8, zorder=0)
    axes.hlines(edges, -0.5, SIZE - 0.5, color="#CCCCCC", linewidth=0.8, zorder=0)
    axes.plot(*_walk(state["earlier"]), color="#999999", linestyle="--", label="the episode before")
    x, y = _walk(state["path"])
    axes.plot(x, y, color=PALETTE[0], linestyle="-", linewidth=2.5, label="this episode")
    axes.plot(x[0], y[0], color="black", linestyle="", marker="s")
    axes.plot(x[-1], y[-1], color=PALETTE[0], linestyle="", marker="o", markersize=9)
    star: dict[str, Any] = {"marker": "*", "markersize": 17, "markeredgecolor": "black", "zorder": 1}
    axes.plot(now.goal % SIZE, now.goal // SIZE, color=PALETTE[1], linestyle="", **star)
    axes.set(xlim=(-0.5, SIZE - 0.5), ylim=(SIZE - 0.5, -0.5), aspect="equal", xticks=range(SIZE), yticks=range(SIZE))
    axes.set_xlabel("column", labelpad=1)
    axes.set_ylabel("row", labelpad=1)
    axes.grid(visible=False)
    axes.spines[["top", "right"]].set_visible(True)
    outcome = "" if state["step"] < len(now.states) else ", found" if now.found else ", time-out"
    clocks = f"trial {now.trial}, episode {now.number}, step {state['step']} of {len(now.states)}{outcome}"
    axes.set_title(clocks, fontsize=10, y=1)
    key = "star: the goal, hidden from it; dashed: the episode before"
    axes.text(2, 5.4, key, fontsize=8, ha="center", va="top")


def _walk(cells: Sequence[int]) -> tuple[list[float], list[float]]:
    """Columns and rows of a walk; it crosses itself, so every pass is drawn a little to the side of the one before."""
    aside = [0.24 * (step / max(len(cells) - 1, 1) - 0.5) for step in range(len(cells))]
    pairs = list(zip(cells, aside, strict=True))
    return [cell % SIZE + shift for cell, shift in pairs], [cell // SIZE + shift for cell, shift in pairs]


def _draw_table(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"{_crossed(state['now'])}. What survived it?", fontsize=10, loc="left", y=1)
    columns = (0.0, 0.31, 0.56, 0.89)
    for x, head in zip(columns[1:3], ("before", "after"), strict=True):
        axes.text(x, 0.93, head, color="#555555", va="center")
    for line, fate in enumerate(state["fates"][state["index"]]):
        y, alive = 0.77 - 0.15 * line, fate.verdict in (KEPT, "trained")
        axes.axhline(y + 0.075, color="#DDDDDD", linewidth=1)
        for x, words, bold in zip(columns, fate, (True, False, False, alive), strict=True):
            axes.text(x, y, words, va="center", weight="bold" if bold else "normal")
        inside = PALETTE[0] if alive else "white"
        axes.plot(0.855, y, color=PALETTE[0], marker="o", markersize=10, markerfacecolor=inside)
    note = f"Largest change of any weight: {state['change']:g}. Training moves them, once a batch of trials."
    axes.text(0, 0.02, note, color="#555555", fontsize=9, va="center")


def _draw_states(axes: Axes, state: Mapping[str, Any]) -> None:
    begins, steps = state["begins"], [row for past in state["lived"] for row in past.states]
    sizes = [[abs(value) for value in unit] for unit in zip(*steps, strict=True)]
    corners = (0, len(steps), len(sizes), 0)
    axes.imshow(sizes, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=corners)
    axes.set(ylabel="hidden units", xticks=(), yticks=())
    axes.grid(visible=False)
    for past, (begin, end) in zip(state["lived"], pairwise(begins), strict=True):
        axes.text((begin + end) / 2, -0.6, str(past.number), ha="center", va="bottom", fontsize=9)
    title = f"the state before each step, {IN_WORDS[state['resets']]} (white: 0, black: 1 or -1)"
    axes.set_title(title, fontsize=10, loc="left", y=1, pad=16)
    _mark_times(axes, state)


def _draw_lives(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    begins = state["begins"]
    for line in range(len(THINGS)):
        # one bar for each life: it ends where a boundary does not keep the thing
        ends = [begins[index] for index, rows in enumerate(state["fates"]) if rows[line].verdict != KEPT and index]
        for life, (begin, end) in enumerate(pairwise([0, *ends, begins[-1]])):
            axes.broken_barh([(begin, end - begin)], (line - 0.3, 0.6), facecolor=PALETTE[4 * (life % 2)])
    axes.set(xlim=(0, begins[-1]), ylim=(len(THINGS) - 0.4, -0.6), xlabel="step, through both trials")
    axes.set_yticks(range(len(THINGS)), THINGS, fontsize=9)
    axes.grid(visible=False)
    axes.plot(state["moment"], -0.9, color=PALETTE[5], marker="v", markersize=9, clip_on=False)
    _mark_times(axes, state)


def _mark_times(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    for number, begin in enumerate(state["begins"][1:-1], 1):
        line, width = ("-", 2.5) if number % NUM_EPISODES == 0 else (":", 1.2)
        axes.axvline(begin, color="black", linestyle=line, linewidth=width)
    axes.axvline(state["moment"], color=PALETTE[5], linestyle="--", linewidth=2)


def _draw_returns(axes: Axes, state: Mapping[str, Any]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    lived, totals = state["lived"], state["totals"]
    places = range(1, len(lived) + 1)
    looks = {TRIAL: (PALETTE[0], "-", "o"), EPISODE: (PALETTE[5], "--", "s"), NEVER: (PALETTE[2], ":", "^")}
    for name, runs in state["returns"].items():
        mean, low, high = (torch.tensor(runs).mean(dim=0), *torch.tensor(runs).aminmax(dim=0))
        look: dict[str, Any] = dict(zip(("color", "linestyle", "marker"), looks[name], strict=True))
        label = f"{IN_WORDS[name]}: {totals[name]:.2f} in all"
        reach = torch.stack([mean - low, high - mean]).tolist()
        axes.errorbar(places, mean.tolist(), yerr=reach, capsize=3, label=label, **look)
    own = [past.total for past in lived]
    axes.plot(places, own, color="black", linestyle="", marker="x", markersize=8, label="the episodes shown")
    axes.vlines(NUM_EPISODES + 0.5, -1.3, 1.05, color="black", linewidth=2.5)
    axes.vlines(state["index"] + 1, -1.3, 1.05, color=PALETTE[5], linestyle="--", linewidth=1.5)
    axes.set(xlabel="episode of trial 1, of trial 2", ylabel="return", ylim=(-1.3, 1.95), yticks=(-1, 0, 1))
    axes.set_xticks(places, [str(past.number) for past in lived])
    cost = f"\nthat costs {totals[TRIAL] - totals[state['resets']]:.2f} of {totals[TRIAL]:.2f}"
    what = f"mean return, {NUM_MEASURED} other pairs of tasks"
    axes.set_title(what + cost * (state["resets"] != TRIAL), fontsize=10, loc="left", y=1)
    axes.legend(fontsize=8, loc="upper left")
