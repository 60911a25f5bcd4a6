"""Wang et al. 2016, section 3.2.1: model-free training, and a policy that plans, in the two-step task.

An LSTM learns by rewards alone. What it does after a rare transition tells whether its own learning, inside the trial,
uses the transitions: beside it play the exact planner, a caching learner, and the best of all who do not look where
they were led. What they earn is one cell, how they stay another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.two_step import TwoStepModelFree, TwoStepOptimal
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare, median_of, play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.evaluation.stay import StayProbabilities, stay_counts, stay_probabilities
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TrialEnv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ID = "two-step"
LENGTHS = (10, 100)  # episodes a trial: 20 steps, as far as the paper's settings were unrolled; and longer trials
RL2, PLANNER, CACHING, BLIND = "RL²", "Model-based, optimal", "Model-free, Q(1)", "Best without transitions"
RANDOM = "Random"
SHOWN = (RL2, PLANNER, CACHING, BLIND)
GIVEN, POOLED = "given the choice", "over all choices"
RATES, TEMPERATURES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9), (5.0, 10.0, 20.0, 50.0)
NOT_THERE = 0.1
"""An interaction of less, a twentieth of the largest possible, is taken for none; stated before measuring."""


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        lengths: which numbers of episodes a trial.
        hidden_size: of the LSTM; the paper's is 48.
        iterations: of PPO, by length.
        trials: of an iteration, by length.
        test_tasks: of a comparison.
        validation_tasks: of the model-free learner's search and of the choice between greedy and sampled actions.
    """

    lengths: tuple[int, ...] = LENGTHS
    hidden_size: int = 48
    iterations: tuple[int, ...] = (60, 120)
    trials: tuple[int, ...] = (512, 128)
    test_tasks: int = 10_000
    validation_tasks: int = 1_000


SIZES: dict[Scale, Size] = {
    "smoke": Size((10,), 4, (1,), (8,), 400, 16),
    "laptop": Size(),
    "paper": Size(iterations=(400, 600), trials=(512, 256)),
}


def numbers(cell: str) -> tuple[int, str]:
    """Return a cell's episodes a trial, and what is measured there: "return" or "stay"."""
    length, what = cell.split("_")
    return int(length[1:]), what


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(f"n{length}_{what}" for length, what in product(SIZES[scale].lengths, ("stay", "return")))


def setting(length: int) -> Setting:
    """Return the tasks, and the environment of trials of this many episodes."""
    return make_task(ID, episodes_per_trial=length)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return one LSTM for each length."""
    return [
        Run(
            ID,
            f"lstm-n{length}",
            (f"n{length}_stay", f"n{length}_return"),
            partial(_lstm, scale),
            partial(_ppo, length, scale),
        )
        for length in SIZES[scale].lengths
    ]


def _lstm(scale: Scale, seed: int) -> SoftmaxPolicy:
    weights = make_generator(seed, "weights")
    return RecurrentPolicy((3,), 2, SIZES[scale].hidden_size, generator=weights, core="lstm")


def _ppo(length: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    place = size.lengths.index(length)
    generator = make_generator(seed, "baseline")
    # it sees what the policy sees, and rewards are those that were drawn: nothing in training knows the task
    baseline = RecurrentBaseline((3,), 2, size.hidden_size, generator=generator, core="lstm")
    config = PPOConfig(
        discount=0.9,
        minibatch_trials=64 if length <= 10 else 32,
        learning_rate=5e-3,
        baseline_learning_rate=5e-3,
        entropy_bonus=0.02,
    )
    training = TrainingConfig(size.iterations[place], size.trials[place], seed, checkpoint_every=60)
    yield Stage(PPO(policy, baseline, config), setting(length), training)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks."""
    length, what = numbers(cell)
    distribution, env = setting(length)
    size = SIZES[scale]
    tasks, validation = draw_tasks(distribution, size, "two-step", seed=length)
    policies = trained.policies(f"lstm-n{length}")
    searched = {f"α = {rate:g}, β = {beta:g}": TwoStepModelFree(rate, beta) for rate in RATES for beta in TEMPERATURES}
    chosen, caching = best_of(searched.items(), env, validation, seed=length)
    planner = TwoStepOptimal(length)
    players = [
        Player(RL2, acting_best(policies, env, validation, seed=length), "LSTM", seeds=len(policies)),
        Player(PLANNER, [planner]),
        Player(CACHING, [caching], setting=chosen),
        Player(BLIND, [TwoStepOptimal(length, sees_second_stage=False)]),
    ]
    if what == "stay":
        return staying(cell, players, env, tasks, seed=length)
    players.append(Player(RANDOM, [Random(2)]))
    ceiling = planner.value
    return Measured(
        compare(ID, cell, players, env, tasks, seed=length, random=RANDOM, reference=PLANNER, ceiling=ceiling).rows
    )


def staying(cell: str, players: list[Player], env: TrialEnv[Any], tasks: Tensor, *, seed: int) -> Measured:
    """Return every agent's interaction as rows, and its probabilities of staying as points, counted in both ways.

    Of an agent trained with several seeds the rows and points are those of the median one, by its interaction given
    the choice.
    """
    rows, points = [], []
    for player in players:
        counted = [stay_counts(play(policy, env, tasks, seed=seed), tasks) for policy in player.policies]
        counted.sort(key=lambda counts: stay_probabilities(counts, given_choice=True).interaction.mean)
        for variant in (GIVEN, POOLED):
            found = [stay_probabilities(counts, given_choice=variant == GIVEN) for counts in counted]
            median = median_of(found)
            rows.append(_row(cell, player, variant, median, found, len(tasks)))
            points += [
                Point(ID, cell, f"{player.agent}, {variant}", x, stay.mean, stay.low, stay.high)
                for x, stay in enumerate(median.outcomes)
            ]
    return Measured(sorted(rows, key=lambda row: (row.variant, -row.mean)), points)


def _row(
    cell: str, player: Player, variant: str, median: StayProbabilities, found: list[StayProbabilities], num_tasks: int
) -> Row:
    return Row(
        id=ID,
        cell=cell,
        agent=player.agent,
        variant=variant,
        setting=player.setting,
        actions=getattr(player.policies[0], "mode", "own rule"),
        mean=median.interaction.mean,
        se=median.interaction.standard_error,
        num_tasks=num_tasks,
        seeds=player.seeds,
        every_seed=tuple(sorted(each.interaction.mean for each in found)) if player.seeds else (),
    )


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw the four probabilities of staying of every agent, a row of panels for each length of trials."""
    import matplotlib.pyplot as plt

    there = [cell for cell in measured.cells() if cell.endswith("_stay")]
    figure, panels = plt.subplots(
        max(1, len(there)),
        len(SHOWN),
        figsize=(9, 0.8 + 2.3 * max(1, len(there))),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for cell, row in zip(there, panels, strict=False):
        for agent, axes in zip(SHOWN, row, strict=True):
            _bars(axes, *(measured.line(cell, f"{agent}, {variant}") for variant in (GIVEN, POOLED)))
        row[0].set_ylabel(f"{numbers(cell)[0]} episodes a trial\nprobability of staying")
    for agent, axes in zip(SHOWN, panels[0], strict=True):
        axes.set_title(agent, fontsize=10)
        axes.set_ylim(0, 1.05)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i].startswith("the same"))  # bars first, then their marks
    figure.legend([handles[i] for i in order], [labels[i] for i in order], loc="outside lower center", ncols=3)
    return figure


def _bars(axes: Axes, given: list[Point], pooled: list[Point]) -> None:
    """Draw one agent's probabilities, bars given the choice and marks over all choices, in the order of outcomes."""
    ink, ground = axes.yaxis.label.get_color(), axes.get_facecolor()
    for rare, (name, hatch) in enumerate((("common transition", ""), ("rare transition", "///"))):
        points = given[rare::2]
        places = [reward + 0.4 * (rare - 0.5) for reward in range(len(points))]
        heights = [point.y for point in points]
        errors = [[point.y - point.low for point in points], [point.high - point.y for point in points]]
        axes.bar(places, heights, 0.36, color=f"C{rare}", hatch=hatch, edgecolor=ground, label=name)
        axes.errorbar(places, heights, errors, fmt="none", ecolor=ink, elinewidth=1, capsize=2)
        marks = [point.y for point in pooled[rare::2]]
        label = f"the same, {POOLED}" if rare else None
        axes.plot(places, marks, "D", markersize=5, markerfacecolor=ground, markeredgecolor=ink, label=label)
    axes.set_xticks((0, 1), ("rewarded", "unrewarded"))
    axes.grid(visible=False, axis="x")


def _lengths(measured: Measured, what: str) -> list[str]:
    found = [cell for cell in measured.cells() if numbers(cell)[1] == what]
    if not found:
        raise KeyError(f"a cell n.._{what}")
    return found


def _everywhere(found: Mapping[str, Row], holds: Callable[[Row], bool], beside: Callable[[str], str]) -> Verdict:
    """Whether something holds of a row in every cell; the evidence is its intervals, each with a word beside it."""
    words = [f"{cell}: {row.score.format(3)}{beside(cell)}" for cell, row in found.items()]
    return Verdict("matched" if all(holds(row) for row in found.values()) else "not reached", "; ".join(words))


def _present(measured: Measured) -> Verdict:
    """Whether RL²'s interaction, given the choice, lies above zero, in every seed and by the median one's interval."""
    found = {cell: measured.row(cell, RL2, GIVEN) for cell in _lengths(measured, "stay")}
    return _everywhere(
        found,
        lambda row: row.score.low > 0 and min(row.every_seed, default=1.0) > 0,
        lambda cell: f" (the planner {measured.row(cell, PLANNER, GIVEN).mean:.3f})",
    )


def _absent(measured: Measured) -> Verdict:
    """Whether the model-free learner's whole interval lies where an interaction is taken for none."""
    found = {cell: measured.row(cell, CACHING, GIVEN) for cell in _lengths(measured, "stay")}
    return _everywhere(found, lambda row: abs(row.mean) + row.score.half < NOT_THERE, lambda cell: "")


def _pooled(measured: Measured) -> Verdict:
    found = {cell: measured.row(cell, CACHING, POOLED) for cell in _lengths(measured, "stay")}
    return _everywhere(
        found,
        lambda row: row.score.low > 0,
        lambda cell: f" (the planner {measured.row(cell, PLANNER, POOLED).mean:.3f})",
    )


def _earns_more(measured: Measured) -> Verdict:
    """Whether RL²'s interval lies above the exact optimum of all policies that do not look at the second stage."""

    def most(cell: str) -> float:
        return TwoStepOptimal(numbers(cell)[0], sees_second_stage=False).value

    found = {cell: measured.row(cell, RL2) for cell in _lengths(measured, "return")}
    return _everywhere(
        found,
        lambda row: row.score.low > most(row.cell),
        lambda cell: f" (without transitions at most {most(cell):.3f})",
    )


def _optimal(measured: Measured) -> Verdict:
    found = {cell: measured.row(cell, RL2) for cell in _lengths(measured, "return")}
    return _everywhere(found, lambda row: row.share.low >= 0.98, lambda cell: f" ({found[cell].share.percent()})")


EXPERIMENT = Experiment(
    id=ID,
    title="The two-step task",
    source="Wang et al. 2016, section 3.2.1 and figure 5; the task: Daw et al. 2011",
    about=(
        "Two choices lead to two second stages, commonly (.75) to one and rarely (.25) to the other; one second stage "
        "pays with probability .9, the other with .1. Which is drawn once a trial and kept, as in the paper, whose "
        "*episode* is our trial; trials of 10 episodes are the paper's (its settings unroll 20 "
        "steps), those of 100 show what more time "
        "changes. RL² is an LSTM of 48 units trained by PPO (the paper: A2C) on sampled rewards, with a baseline that "
        "sees what the policy sees. The planner knows the transitions and keeps the exact posterior: it is optimal. "
        "Q(1) credits the choice with the reward, its learning rate α and inverse temperature β tuned on other tasks; "
        "the best without transitions does the same by Bayes' rule.\n\n"
        "Cells `stay`: the interaction of reward and transition in the probability of repeating the choice, "
        "(rewarded common - rewarded rare) - (unrewarded common - unrewarded rare). *Given the choice*: after the "
        "better and after the worse choice apart, averaged; outcomes are then as good as randomised, and what follows "
        "them is caused by them. *Over all choices*: as such bars are usually drawn. Cells `return`: expected reward "
        "of a trial, 0.7 an episode for who knows the task."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Probability of repeating the first choice after each outcome. RL² and the planner stay after rewarded common "
        "and unrewarded rare transitions; the model-free learners stay after any reward."
    ),
    claims=(
        Claim(
            "RL², trained without a model, has the interaction of reward and transition of an agent that uses the "
            "transitions. (Planning is one way; inferring which second stage pays is another.)",
            _present,
        ),
        Claim(f"A model-free learner has none, given the choice (less than {NOT_THERE}).", _absent),
        Claim("RL² earns more than any policy that does not look at the transitions.", _earns_more),
        Claim("RL² is within 2% of the exact optimum, from random play.", _optimal),
        Claim(
            "Counted over all choices, a model-free learner has an interaction too (Akam, Costa & Dayan 2015).", _pooled
        ),
    ),
    unit="trial return, and interaction",
)
