"""Alver & Precup 2021, figure 2: RL² beside RL¹, which is told the task after the first episode and carries nothing.

The agents, their settings and the environments as they see them are those of notebook 07 (`experiments.rl1_vs_rl2`);
here they are played on the same tasks as the exact optimum and as who is told the task from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Oracle, Random
from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle, DependentBanditOptimal
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.told import Told
from rl2lib.evaluation.curves import Curve, episodes, mean_curve
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point, Row, columns
from rl2lib.evaluation.statistics import equivalence_test, mean_estimate, normal_estimate
from rl2lib.experiments import rl1_vs_rl2 as notebook
from rl2lib.experiments.papers.rl1_vs_rl2_runs import (
    A2C_VARIANT,
    CELLS,
    HALF_LENGTH,
    ID,
    PPO_VARIANT,
    SIZES,
    Plan,
    cells,
    config_of,
    place_of,
    plans,
    policy_of,
    runs,
    stages_of,
)
from rl2lib.experiments.plan import Claim, Experiment, Scale, Trained
from rl2lib.experiments.rl1_vs_rl2 import BANDIT, RL1, RL2, Cell
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.bandit import TWO_POINT
from rl2lib.types import Policy, Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PUBLISHED = {"bandit": 9.5}
PUBLISHED_STEPS = 15.5  # of a corridor of unknown size: beside rows of ours it would say nothing
"""Of both agents alike (section 4). The corridor's size was not published, hence two readings of its one number."""
PUBLISHED_TRIALS = 20 * 100  # what the paper's means are over: runs times test rollouts
COUNTED = {"corridor_d5": 1, "corridor_d10": 2}
"""By what the steps of a trial, two episodes, are divided: the sum of both in one reading, the mean in the other."""
BOUNDS = {"bandit": 0.1, "corridor_d5": 0.5, "corridor_d10": 0.25}
"""The differences that would not matter, as notebook 07 chose them before the runs: a tenth of a reward in ten pulls,
half a step in two episodes."""
NEAR = 0.02  # "at the optimum": within two percent of it
OPTIMAL, ORACLE = "Optimal", "Told the task"
GREEDY_VARIANT = f"{PPO_VARIANT}, likeliest actions"

# --------------------------------------------------------------------------------------- who plays


def steps(trajectory: Trajectory, counted: int) -> Tensor:
    """Return the steps [B] of each trial, divided by `counted`."""
    return trajectory.mask.sum(dim=1).double() / counted


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on both of its tasks, equally often."""
    place, config, size = place_of(cell), config_of(cell, scale), SIZES[scale]
    _, env, _ = notebook.build(Cell(place, RL2, 1), config)
    tasks = notebook.both_tasks(place, size.bandit_tasks if place == BANDIT else size.corridor_tasks)
    optimal: Policy[Any]
    oracle: Policy[Any]
    if place == BANDIT:
        bandit = DependentBanditOptimal(TWO_POINT, config.num_pulls)
        optimal, oracle, ceiling = bandit, Oracle(), bandit.value
    else:
        corridor = CorridorOptimal(config.half_length)
        optimal, oracle = corridor, CorridorOracle(config.half_length)
        ceiling = sum(corridor.expected_steps) / COUNTED[cell]
    there = plans(cell, scale)
    policies = {plan: [_in_plain_env(plan, policy) for policy in trained.policies(plan.name)] for plan in there}
    players = [Player("Random", [Random(2)]), Player(OPTIMAL, [optimal]), Player(ORACLE, [oracle])]
    for plan, several in policies.items():
        players.append(Player(plan.agent, several, plan.variant, PUBLISHED.get(cell), seeds=len(several)))
        if plan.variant == PPO_VARIANT:
            greedy = [_in_plain_env(plan, policy, greedy=True) for policy in trained.policies(plan.name)]
            players.append(Player(plan.agent, greedy, GREEDY_VARIANT, seeds=len(greedy)))
    ids = {"seed": 1 + CELLS.index(cell), "published_tasks": PUBLISHED_TRIALS, "ceiling": ceiling}
    if place == BANDIT:
        rows = compare(ID, cell, players, env, tasks, random="Random", reference=OPTIMAL, **ids).rows  # type: ignore[arg-type]
    else:
        score = partial(steps, counted=COUNTED[cell])
        rows = compare(ID, cell, players, env, tasks, score=score, better="lower", **ids).rows  # type: ignore[arg-type]
    random = next(row.mean for row in rows if row.agent == "Random")
    points: list[Point] = []
    for name, curve in (
        *((_line(plan), _by_episode(several, cell, env, tasks)) for plan, several in policies.items()),
        *((name, _by_episode([agent], cell, env, tasks)) for name, agent in ((OPTIMAL, optimal), (ORACLE, oracle))),
    ):
        lines = zip(*(part.tolist() for part in (curve.x, curve.mean, curve.low, curve.high)), strict=True)
        points += [Point(ID, cell, f"{name}: by episode", *line) for line in lines]
    for plan in there:
        metric = "trial_return" if place == BANDIT else "steps"
        learned = torch.tensor([card["history"][metric] for card in trained.cards(plan.name)])
        stage = next(stages_of(plan, scale, policy_of(plan, scale, 0), 0))
        trials = stage.training.iterations * stage.training.trials_per_iteration
        points += _learning(plan, learned / COUNTED.get(cell, 1), trials, random, ceiling)
    return Measured(rows, points)


def _in_plain_env(plan: Plan, policy: SoftmaxPolicy, *, greedy: bool = False) -> Any:
    acting = policy.acting("greedy" if greedy else "sampled")
    return Told(acting) if plan.agent == RL1 else acting


def _line(plan: Plan) -> str:
    return plan.agent if plan.variant == PPO_VARIANT else f"{plan.agent}, A2C"


def _by_episode(policies: Sequence[Policy[Any]], cell: str, env: Any, tasks: Tensor) -> Curve:
    """Reward of every pull, or steps of every episode; the interval is over runs."""
    means = []
    for number, policy in enumerate(policies):
        played = episodes(play(policy, env, tasks, seed=100 + number))
        means.append((played.returns if cell == "bandit" else played.steps.double()).mean(dim=0))
    return mean_curve(torch.stack(means))


def _learning(plan: Plan, learned: Tensor, trials: int, random: float, optimum: float) -> list[Point]:
    """The curve [runs, L] with the middle 80% of the runs, and when each run had come nine tenths of the way."""
    pieces = [piece.mean(dim=1) for piece in learned.tensor_split(min(60, learned.shape[1]), dim=1)]
    points = []
    for number, values in enumerate(pieces):
        low, high = values.quantile(0.1).item(), values.quantile(0.9).item()
        x = trials * (number + 1) / len(pieces)
        points.append(Point(ID, plan.cell, f"{_line(plan)}: learning", x, values.mean().item(), low, high))
    for run, when in enumerate(trials_to(learned, trials, random, optimum)):
        points.append(Point(ID, plan.cell, f"{_line(plan)}: trials to 90%", run, when))
    return points


def trials_to(learned: Tensor, trials: int, random: float, optimum: float, share: float = 0.9) -> list[float]:
    """Return after how many trials each curve [runs, L] had come a share of the way from random to the optimum.

    Means over three neighbours, against the luck of one batch; infinity for a run that never comes there.
    """
    length = learned.shape[1]
    smooth = learned.unfold(1, min(3, length), 1).mean(dim=-1)
    there = (smooth - random) / (optimum - random) >= share
    last = length - smooth.shape[1] + 1 + there.int().argmax(dim=1)  # of the first three whose mean is there
    return torch.where(there.any(dim=1), trials * last / length, torch.inf).tolist()


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw learning curves above, and what happens from episode to episode of a trial below."""
    import matplotlib.pyplot as plt

    there = measured.cells()
    figure, grid = plt.subplots(2, len(there), figsize=(3.7 * len(there), 6), squeeze=False, layout="constrained")
    for column, cell in enumerate(there):
        learning, by_episode = grid[:, column]
        best, told = (measured.row(cell, name).mean for name in (OPTIMAL, ORACLE))
        _draw_lines(learning, measured, cell, "learning")
        grey = learning.yaxis.label.get_color()
        learning.axhline(best, color=grey, linestyle=":", label="optimum")
        learning.axhline(told, color=grey, linestyle=(0, (6, 3)), label="told the task from the start")
        _draw_lines(by_episode, measured, cell, "by episode", marked=True)
        for name, dashes in ((OPTIMAL, ":"), (ORACLE, (0, (6, 3)))):
            line = measured.line(cell, f"{name}: by episode")
            by_episode.plot([p.x for p in line], [p.y for p in line], color=grey, linestyle=dashes)
        unit = {"bandit": "reward of ten pulls", "corridor_d5": "steps, both episodes"}
        learning.set(title=TITLES[cell], xlabel="training trials", ylabel=unit.get(cell, "steps, mean of an episode"))
        bandit = cell == "bandit"
        by_episode.set(xlabel="pull" if bandit else "episode", ylabel="reward" if bandit else "steps")
        by_episode.set_xticks([p.x for p in measured.line(cell, f"{OPTIMAL}: by episode")])
        if not bandit:
            learning.set_ylim(bottom=0)
            by_episode.set_ylim(bottom=0)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=3)
    return figure


TITLES = {"bandit": "two-point bandit", "corridor_d5": "corridor, d = 5", "corridor_d10": "corridor, d = 10"}


def _draw_lines(axes: Axes, measured: Measured, cell: str, kind: str, *, marked: bool = False) -> None:
    from rl2lib.evaluation.figures import MARKERS, band

    for name, marker in zip((RL2, RL1, f"{RL2}, A2C", f"{RL1}, A2C"), MARKERS, strict=False):
        line = measured.line(cell, f"{name}: {kind}")
        if line:
            shape = {"marker": marker, "markersize": 4} if marked else {}
            parts = columns(line)
            band(axes, *parts, label=name, **shape)


def _scores(measured: Measured, cell: str, agent: str, variant: str) -> Tensor:
    values = measured.row(cell, agent, variant).every_seed
    if len(values) < 2:
        raise KeyError("several runs of each agent")
    return torch.tensor(values, dtype=torch.float64)


def _equivalent(measured: Measured, variant: str) -> Verdict:
    """Whether final scores, sampled actions, are shown to differ by less than the bound, in every cell."""
    words, apart, shown = [], 0, True
    for cell in _cells_of(measured, variant):
        ours, control = (_scores(measured, cell, agent, variant) for agent in (RL2, RL1))
        test = equivalence_test(ours, control, BOUNDS[cell], paired=False)
        shown &= test.equivalent
        apart += test.low > test.bound or test.high < -test.bound
        words.append(
            f"{cell}: {ours.mean():.3f} and {control.mean():.3f}, {len(ours)} runs each, difference in "
            f"[{test.low:+.3f}, {test.high:+.3f}] (90%), bound ±{test.bound:g}"
        )
    return Verdict("not reached" if apart else "matched" if shown else "open", "; ".join(words))


def _optimal(measured: Measured, variant: str) -> Verdict:
    """Whether every agent's mean over runs lies, with its interval, within 2% of the exact optimum."""
    words, losses = [], []
    for cell in _cells_of(measured, variant):
        for agent in (RL2, RL1):
            row, runs_of = measured.row(cell, agent, variant), mean_estimate(_scores(measured, cell, agent, variant))
            best = row.ceiling or 0.0
            sign = 1 if row.better == "higher" else -1
            losses.append(normal_estimate(sign * (runs_of.mean - best) / best, runs_of.half / 1.96 / best))
            words.append(f"{cell}, {agent}: {runs_of.format(3)} of {best:g}")
    return Verdict(at_least(losses, -NEAR), "; ".join(words))


def _cells_of(measured: Measured, variant: str) -> list[str]:
    found = [row.cell for row in measured.rows if (row.agent, row.variant) == (RL2, variant)]
    if not found:
        raise KeyError(variant)
    return list(dict.fromkeys(found))


def _alike_in_learning(measured: Measured) -> Verdict:
    """Whether the ratio of training times, a mean of logarithms over runs, is shown to lie between 1/2 and 2."""
    words, apart, shown = [], 0, True
    for cell in measured.cells():
        times = [
            torch.tensor([p.y for p in measured.line(cell, f"{agent}: trials to 90%")], dtype=torch.float64)
            for agent in (RL2, RL1)
        ]
        if min(map(len, times)) < 2:
            raise KeyError("several runs of each agent")
        if not all(bool(time.isfinite().all()) for time in times):
            never = " and ".join(f"{int((~time.isfinite()).sum())} of {len(time)}" for time in times)
            return Verdict("not reached", f"{cell}: {never} runs never came so far")
        test = equivalence_test(times[0].log2(), times[1].log2(), 1.0, paired=False)
        shown &= test.equivalent
        apart += test.low > test.bound or test.high < -test.bound
        medians = " and ".join(f"{time.median():.0f}" for time in times)
        words.append(
            f"{cell}: median {medians} trials, ratio {2**test.difference:.2f} in "
            f"[{2**test.low:.2f}, {2**test.high:.2f}] (90%)"
        )
    return Verdict("not reached" if apart else "matched" if shown else "open", "; ".join(words))


def _searches_then_knows(measured: Measured) -> Verdict:
    """Whether the first episode is a search, and the later ones together are within 2% of who is told the task."""
    words, apart, shown = [], 0, True
    for cell in measured.cells():
        told = measured.line(cell, f"{ORACLE}: by episode")[1].y
        for agent in (RL2, RL1):
            first, *later = measured.line(cell, f"{agent}: by episode")
            # episodes of one run go together, so that the mean of their intervals' ends is on the safe side
            low, mean, high = (sum(getattr(p, part) for p in later) / len(later) for part in ("low", "y", "high"))
            is_search = not first.low <= told <= first.high and abs(first.y - told) > 5 * NEAR * told
            shown &= is_search and (1 - NEAR) * told <= low <= high <= (1 + NEAR) * told
            apart += not is_search or high < (1 - NEAR) * told or low > (1 + NEAR) * told
            worst = max(later, key=lambda p: abs(p.y - told))
            words.append(
                f"{cell}, {agent}: {first.y:.3g}, then {mean:.4g} [{low:.4g}, {high:.4g}] of {told:g}, "
                f"at worst {worst.y:.3g} in episode {worst.x:g}"
            )
    return Verdict("not reached" if apart else "matched" if shown else "open", "; ".join(words))


def _both_readings(measured: Measured) -> Verdict:
    """Both readings of the one number, each beside ours; the number itself cannot tell them apart."""
    found: list[Row] = [measured.row(cell, agent, PPO_VARIANT) for cell in HALF_LENGTH for agent in (RL2, RL1)]
    readings = ["sum of both episodes" if COUNTED[row.cell] == 1 else "mean of an episode" for row in found]
    evidence = "; ".join(
        f"{row.cell}, {reading}, {row.agent}: {row.score.format(2)}, optimum {row.ceiling:g}"
        for row, reading in zip(found, readings, strict=True)
    )
    # fewer are better: as many or fewer are at the published number
    fewer = (normal_estimate(-row.mean, row.se) for row in found)
    return Verdict(at_least(fewer, -PUBLISHED_STEPS), evidence)


EXPERIMENT = Experiment(
    id=ID,
    title="RL² beside RL¹, which is told the task and carries nothing",
    source="Alver & Precup 2021, figure 2",
    about=(
        "RL¹'s state is wiped between episodes, and from the second episode on it sees which task it is. Bandit: two "
        "arms, one always pays, ten pulls; total reward. Corridor: the goal is at the left or the right end, two "
        "episodes; timesteps to the goal, fewer are better. The size of the corridor was not published. With d steps "
        "from the start to an end, who must find out takes 3d in both episodes together: the published 15.5 fits the "
        "sum of both episodes at d = 5 and the mean of one at d = 10. The optimum is 15 and who is told takes 10 in "
        "both readings; both are trained here, and d = 5 is what the notebooks mean. LSTM of 48 units, discounts and "
        "entropy weights as published, critic an LSTM of its own that sees what the agent sees; PPO in the place of "
        "A2C, which is trained as well at paper scale, with the paper's table. Actions are sampled, as in training; "
        "the variant says where the likeliest one is taken. The curves' bands are the middle 80% of the runs."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Above, learning curves of RL² and RL¹ on the two-point bandit and on two corridors, "
        "beside the optimum. Below, reward by pull and steps by episode, beside the optimum and who is told the task."
    ),
    claims=(
        Claim(
            "RL² and RL¹ end equally well, within a bound stated beforehand.",
            partial(_equivalent, variant=PPO_VARIANT),
        ),
        Claim("Both end within 2% of the exact optimum.", partial(_optimal, variant=PPO_VARIANT)),
        Claim(
            "Their learning curves are alike: neither needs twice the other's trials to come nine tenths of the way "
            "from random play to the optimum.",
            _alike_in_learning,
        ),
        Claim(
            "Both search in the first episode; later ones together are within 2% of who is told the task.",
            _searches_then_knows,
        ),
        Claim(
            f"Final average timesteps to the goal of {PUBLISHED_STEPS:g} or fewer, in either reading (d was chosen to "
            "fit it).",
            _both_readings,
        ),
        Claim("With A2C and the paper's table as well: equal ends.", partial(_equivalent, variant=A2C_VARIANT)),
        Claim("With A2C and the paper's table as well: within 2%.", partial(_optimal, variant=A2C_VARIANT)),
    ),
    unit="total reward (bandit), timesteps (corridor)",
)
