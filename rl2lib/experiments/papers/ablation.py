"""What RL² needs: the same agent without one of its inputs, with less memory, or paid for the last episode alone.

Duan et al. 2016 (section 2.2) feed the policy its previous action, reward and flag, keep its state over the episodes
of a trial and maximise the reward of all of them; they do not say what each is worth. Two cells: five arms and ten
pulls, where what an agent can reach without memory is known exactly, and small MDPs, where episodes have a length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from msgspec.structs import replace
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal, bayes_optimal_value
from rl2lib.agents.forgetful import ForgetfulPolicy, ForgetsAfter
from rl2lib.agents.linear_baseline import (
    NUM_BANDIT_FEATURES,
    NUM_MDP_FEATURES,
    LinearBaseline,
    bandit_features,
    mdp_features,
)
from rl2lib.agents.masked import Hidden, MaskedPolicy
from rl2lib.agents.optimism import TransitionBlind
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.tabular import Oracle
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, play, scores
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.over_seeds import over_tasks_and_seeds
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.views import LastEpisodeOnly
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TrialEnv

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "ablation"
BANDIT, MDP = "n10_k5", "mdp_n4"
CELLS = (BANDIT, MDP)
NUM_ARMS, NUM_PULLS = 5, 10
MDP_SIZE: dict[str, int] = {"num_states": 3, "num_actions": 2, "horizon": 3, "episodes_per_trial": 4}

RL2, WHOLE = "RL²", "whole"
HIDES: dict[str, Hidden] = {"no previous action": "action", "no previous reward": "reward", "no flag": "flag"}
FORGETS, FORGETS_ONCE, LAST_ALONE = "reset every episode", "reset at half-time", "paid for the last episode"
ABLATIONS = (*HIDES, FORGETS, FORGETS_ONCE, LAST_ALONE)
NEGLIGIBLE = 0.02
"""Of what the whole agent earns beyond random play: a smaller loss counts as none."""


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        test_tasks: of a comparison.
        validation_tasks: of the choice between greedy and sampled actions.
        hidden_size: H of the GRU.
        iterations: of PPO, for every run.
        trials: an iteration.
        seeds: of every run: a loss is told from none by its interval over them.
    """

    test_tasks: int = 10_000
    validation_tasks: int = 1_000
    hidden_size: int = 64
    iterations: int = 80
    trials: int = 512
    seeds: int = 10


SIZES: dict[Scale, Size] = {
    "smoke": Size(64, 16, 8, 1, 16, seeds=1),
    "laptop": Size(),
    "paper": Size(hidden_size=256, iterations=500, trials=1024),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: the bandit, then the MDPs."""
    return CELLS


def setting(cell: str) -> Setting:
    """Return a cell's tasks and environment."""
    if cell == BANDIT:
        return make_task("independent-bandits", num_arms=NUM_ARMS, num_pulls=NUM_PULLS)
    return make_task("random-mdps", **MDP_SIZE)


def num_episodes(cell: str) -> int:
    """Return the episodes of a cell's trial."""
    return NUM_PULLS if cell == BANDIT else MDP_SIZE["episodes_per_trial"]


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return the whole agent and every ablation of it, in each cell."""
    return [
        Run(
            ID,
            run_name(cell, what),
            (cell,),
            partial(_policy, cell, what, scale),
            partial(_stages, cell, what, scale),
            SIZES[scale].seeds,
        )
        for cell in cells(scale)
        for what in (WHOLE, *ABLATIONS)
    ]


def run_name(cell: str, what: str) -> str:
    """Return the name of a run."""
    return f"{cell}-{what.replace(' ', '-')}"


def _policy(cell: str, what: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    env = setting(cell).env
    shape = env.observation_shape, env.num_actions, SIZES[scale].hidden_size
    generator = make_generator(seed, "weights")
    if what in HIDES:
        return MaskedPolicy(*shape, hides=(HIDES[what],), generator=generator)
    if what == FORGETS:
        return ForgetfulPolicy(*shape, forgets="episodes", generator=generator)
    if what == FORGETS_ONCE:
        return ForgetsAfter(*shape, episodes=num_episodes(cell) // 2, generator=generator)
    return RecurrentPolicy(*shape, generator=generator)


def _stages(cell: str, what: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size, (distribution, env) = SIZES[scale], setting(cell)
    if cell == BANDIT:
        baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, NUM_PULLS)
    else:
        horizon = MDP_SIZE["horizon"]
        features = partial(mdp_features, horizon=horizon)
        baseline = LinearBaseline(features, NUM_MDP_FEATURES, horizon * num_episodes(cell))
    paid: TrialEnv[Any] = LastEpisodeOnly(env, num_episodes(cell)) if what == LAST_ALONE else env
    config = PPOConfig(discount=1.0, trace=0.95, learning_rate=1e-2, expected_rewards=True)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=100)
    yield Stage(PPO(policy, baseline, config), Setting(distribution, paid), training)


# --------------------------------------------------------------------------------------- what is measured


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks, and say what every ablation costs."""
    distribution, env = setting(cell)
    size, place = SIZES[scale], 1 + CELLS.index(cell)
    tasks, validation = draw_tasks(distribution, size, "ablation", seed=place)
    acting = {
        what: acting_best(trained.policies(run_name(cell, what)), env, validation, seed=place)
        for what in (WHOLE, *ABLATIONS)
    }
    players = [
        Player("Random", [Random(env.num_actions)]),
        *(Player(RL2, policies, what, seeds=len(policies)) for what, policies in acting.items()),
    ]
    if cell == BANDIT:
        players.append(Player("Bayes-optimal", [BayesOptimal(NUM_ARMS, NUM_PULLS)]))
    else:
        shape = MDP_SIZE["num_states"], MDP_SIZE["num_actions"], MDP_SIZE["horizon"]
        rules = [(f"c = {step / 4:g}", TransitionBlind(*shape, step / 4)) for step in range(7)]
        chosen, rule = best_of(rules, env, validation, seed=place)
        players += [
            Player("Transition-blind rule", [rule], "true prior", setting=chosen),
            Player("Oracle, told the task", [Oracle(MDP_SIZE["horizon"])]),
        ]
    reference = "Bayes-optimal" if cell == BANDIT else "Oracle, told the task"
    rows = compare(ID, cell, players, env, tasks, seed=place, random="Random", reference=reference).rows
    rows = [replace(row, ceiling=own_optimum(cell, row), ceiling_is=_known(cell, row)) for row in rows]
    played = {what: [scores(one, env, tasks, seed=place) for one in policies] for what, policies in acting.items()}
    points = [cost(cell, what, played[WHOLE], played[what]) for what in ABLATIONS]
    for what, policies in acting.items():
        points += _by_episode(cell, what, policies, env, tasks, place)
    return Measured(rows, points)


def own_optimum(cell: str, row: Row) -> float | None:
    """Return the most that an agent of a row's kind can expect, exactly; None where it is not known."""
    if cell != BANDIT or row.agent == "Random":
        return None
    if row.variant in ("no previous reward", FORGETS):
        return NUM_PULLS * 0.5  # nothing tells one arm from another
    if row.variant == FORGETS_ONCE:
        return 2 * bayes_optimal_value(NUM_ARMS, NUM_PULLS // 2)
    return bayes_optimal_value(NUM_ARMS, NUM_PULLS)


def _known(cell: str, row: Row) -> str:
    return "" if own_optimum(cell, row) is None else "exact"


def cost(cell: str, what: str, whole: list[Tensor], without: list[Tensor]) -> Point:
    """Return what an ablation costs in trial return, paired over tasks, with a 95% interval.

    The interval holds the noise of the tasks and, where there are several seeds, of the seeds.

    Args:
        cell: the cell's name.
        what: the ablation.
        whole: scores [N] of the whole agent, one tensor a seed.
        without: the same of the other.
    """
    lost = over_tasks_and_seeds([one.double() - other.double() for one, other in zip(whole, without, strict=True)])
    return Point(ID, cell, f"cost: {what}", 0.0, lost.mean, lost.low, lost.high)


def _by_episode(
    cell: str, what: str, policies: list[SoftmaxPolicy], env: TrialEnv[Any], tasks: Any, place: int
) -> list[Point]:
    """Expected reward of every episode, the mean over seeds and their range."""
    curves = [return_curve(play(policy, env, tasks, seed=place), expected=True).mean for policy in policies]
    means = torch.stack(curves)
    points = zip(*(line.tolist() for line in (means.mean(dim=0), means.amin(dim=0), means.amax(dim=0))), strict=True)
    return [Point(ID, cell, f"reward: {what}", number, *point) for number, point in enumerate(points, start=1)]


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw what every ablation costs, and the reward of every episode."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, (left, *right) = plt.subplots(
        1, 1 + len(there), figsize=(4.2 * (1 + len(there)), 3.8), layout="constrained"
    )
    for number, (cell, marker) in enumerate(zip(there, MARKERS, strict=False)):
        gain = abs(_gain(measured, cell))  # untrained, as at smoke scale, it may lie below random play
        costs = [measured.line(cell, f"cost: {what}")[0] for what in ABLATIONS]
        left.errorbar(
            [100 * point.y / gain for point in costs],
            [place + 0.15 * (number - 0.5) for place in range(len(ABLATIONS))],
            xerr=[100 * (point.high - point.y) / gain for point in costs],
            label=TITLES[cell],
            marker=marker,
            markersize=5,
            linestyle="none",
        )
    left.axvline(0, color=left.yaxis.label.get_color(), linewidth=1)
    left.set_yticks(range(len(ABLATIONS)), ABLATIONS)
    left.invert_yaxis()
    left.set(xlabel="cost, % of the gain over random")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    for cell, axes in zip(there, right, strict=True):
        for what in (WHOLE, *ABLATIONS):
            line = measured.line(cell, f"reward: {what}")
            x, low, middle, high = zip(*((point.x, point.low, point.y, point.high) for point in line), strict=True)
            band(axes, x, low, middle, high, label=what)
        axes.set(title=TITLES[cell], xlabel="episode of the trial")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right[0].set_ylabel("expected reward of the episode")
    right[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


TITLES = {BANDIT: "bandit, n=10, k=5", MDP: "small MDPs, 4 episodes"}


def _gain(measured: Measured, cell: str) -> float:
    """What the whole agent earns beyond random play."""
    return measured.row(cell, RL2, WHOLE).mean - measured.row(cell, "Random").mean


def needed(measured: Measured, cell: str, what: str) -> tuple[bool | None, str]:
    """Return whether the agent needs what an ablation takes away, None where that stays open, and the numbers.

    It does where the paired interval of the loss lies above zero, and it does not where it ends below a negligible
    one.
    """
    point, gain = measured.line(cell, f"cost: {what}")[0], _gain(measured, cell)
    negligible = NEGLIGIBLE * max(gain, 0.0)
    if point.high < negligible:
        answer, word = False, "not needed"
    elif point.low > 0:
        answer, word = True, "needed"
    else:
        answer, word = None, "open"
    share = f"{100 * point.y / gain:.1f}% of the gain over random play" if gain > 0 else "no gain over random play"
    numbers = f"{word}: costs {point.y:.3f} ({point.low:.3f} to {point.high:.3f}), {share}"
    return answer, f"{numbers}; negligible would be {negligible:.3f}"


def _judge_need(cell: str, what: str, expected: bool, measured: Measured) -> Verdict:
    if cell not in measured.cells():
        raise KeyError(cell)
    answer, evidence = needed(measured, cell, what)
    if what == LAST_ALONE:
        last, whole = (measured.line(cell, f"reward: {one}")[-1].y for one in (LAST_ALONE, WHOLE))
        evidence += f"; its last episode earns {last:.3f}, the whole agent's {whole:.3f}"
    return Verdict("open" if answer is None else "matched" if answer is expected else "not reached", evidence)


def _within_their_optimum(measured: Measured) -> Verdict:
    found = [row for row in measured.cell(BANDIT) if row.seeds and row.ceiling is not None]
    if not found:
        raise KeyError(BANDIT)
    above = [row for row in found if row.score.low > (row.ceiling or 0.0)]
    words = [f"{row.variant} {row.score.format(3)} of {row.ceiling:.3f}" for row in found]
    return Verdict("not reached" if above else "matched", "; ".join(words))


NEEDED: dict[str, tuple[str, bool, bool]] = {
    "no previous action": ("The previous action", True, True),
    "no previous reward": ("The previous reward", True, True),
    "no flag": ("The flag", False, False),
    FORGETS: ("A state that survives the episode", True, True),
    FORGETS_ONCE: ("A state that survives all episodes, not half of them,", True, True),
    LAST_ALONE: ("Pay for all episodes, not for the last alone,", True, True),
}
"""What an ablation takes away, and whether it is expected to be needed in each cell."""

EXPERIMENT = Experiment(
    id=ID,
    title="Ablation: what RL² needs",
    source="Inputs, memory and objective of Duan et al. 2016, section 2.2; the paper has no ablation",
    about=(
        "The plain GRU of table 1's cell n=10, k=5, and of small random MDPs (3 states, 2 actions, 4 episodes of 3 "
        "steps), each time trained anew without one of the things that make it RL²: the previous action, the previous "
        "reward, the flag; a state that survives every episode, or one that is wiped once, at half-time; and pay for "
        "all episodes instead of the last. All are trained alike: clipped PPO, expected rewards in the advantages, "
        "a linear baseline that sees the task and everything the policy may not. What is taken away counts as needed "
        "where the paired 95% interval of the loss (over tasks, and over seeds) lies above zero, and as not needed "
        f"where it ends below {100 * NEGLIGIBLE:g}% of what the whole agent earns beyond random play. A ceiling is "
        "the exact optimum of an agent that lacks the same thing; without the previous action that is the whole "
        "agent's, since a policy without chance knows what it did. The last variant is scored on all episodes like "
        "the others."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="What every ablation costs in a bandit and in random MDPs, and the reward of each episode of a trial.",
    claims=(
        *(
            Claim(
                f"{thing} is {'' if expected[number] else 'not '}needed ({TITLES[cell]}).",
                partial(_judge_need, cell, what, expected[number]),
            )
            for number, cell in enumerate(CELLS)
            for what, (thing, *expected) in NEEDED.items()
        ),
        Claim("No ablated agent is above the exact optimum of its kind (n=10, k=5).", _within_their_optimum),
    ),
)
