"""Table 2's comparison where planning matters: chains, and random MDPs whose transitions are all but deterministic.

On the flat MDPs of Duan et al. 2016 a rule that looks at rewards alone is ahead of every planner. Here it is not:
what pays has to be walked to. RL² plays with a memory per state-action that sees no transitions, with a planning
head (by reinforcement alone, and after imitation of the best planner), and with messages along the transitions that
the trial has seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from rl2lib.agents.chain_optimal import ChainOptimal
from rl2lib.agents.linear_baseline import NUM_MDP_FEATURES, LinearBaseline, mdp_features
from rl2lib.agents.optimism import BEB
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.pair_messages import PairMessagesPolicy
from rl2lib.agents.planning import PlanningPolicy
from rl2lib.agents.posterior import Prior
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.mdp_players import BLIND, ORACLE, RANDOM, baseline_players, bounds
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.tabular import ChainMDPs, TabularEnv, TabularTasks
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule
from rl2lib.types import expect_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "table2-planning"
CELLS = ("chain_n10", "sparse_n10", "chain_n25", "sparse_n25")
TASKS = {
    "chain": partial(make_task, "chain-mdps", num_states=5, num_actions=2),
    "sparse": partial(make_task, "random-mdps", num_states=10, num_actions=2, concentration=0.03),
}
PRIORS = {"chain": Prior(0.03, 2.0, 1 / 8), "sparse": Prior(0.03, 1.0)}
"""What the planners are told. The sparse MDPs are drawn from theirs; no such prior says what a chain is, and theirs
has the mean (2) and variance (8) of a chain's mean rewards, and transitions that are nearly deterministic."""

RL2, RL2_PAIRS = "RL²", "RL², memory per state-action"
RL2_PLANNING, RL2_MESSAGES = "Planner with a learned bonus", "RL², messages along transitions"
PPO_ALONE, IMITATED = "PPO", "imitation, then PPO"
NETWORKS = {"messages": RL2_MESSAGES, "planning": RL2_PLANNING, "pairs": RL2_PAIRS, "gru": RL2}
"""By run, who learns by PPO alone."""
TRAINED = {run: (agent, PPO_ALONE) for run, agent in NETWORKS.items()} | {"imitated": (RL2_PLANNING, IMITATED)}
TEACHER_SCALINGS = {"chain": 1.6e-3, "sparse": 1e-4}
"""Of BEB, which plans again at every step: the best planner that is known, its scaling chosen on other MDPs."""
COLD = 0.1
"""The softmax's temperature where the planner imitates, and the reinforcement that follows.

At 1, where reinforcement alone starts, sampled actions are so noisy that PPO learns bonuses for a noisy planner: of an
imitated one it lowers the greedy score.
"""
OPTIMAL, BEST_PLANNER = "Optimum of chains", "best planner"
PLANNING_IMITATED = f"{RL2_PLANNING}, imitation first"
FIRST = 10  # episodes of the trials that longer ones start from


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        test_tasks: of a comparison.
        validation_tasks: of the baselines' searches.
        trials: of an iteration.
        memory: hidden units of one state-action's memory.
        gru: hidden units of the plain policy.
        iterations: by network, on trials of ten episodes.
        longer: by network, on trials of the cell's length, where it is longer.
        imitate: iterations of imitation.
        refine: iterations of PPO after imitation.
    """

    test_tasks: int
    validation_tasks: int
    trials: int
    memory: int
    gru: int
    iterations: dict[str, int]
    longer: dict[str, int]
    imitate: int
    refine: int


def _all(count: int) -> dict[str, int]:
    return dict.fromkeys(NETWORKS, count)


SIZES: dict[Scale, Size] = {
    "smoke": Size(16, 8, 4, 4, 8, _all(1), _all(1), 1, 1),
    "laptop": Size(
        2_000,
        200,
        128,
        24,
        64,
        {"messages": 60, "planning": 40, "pairs": 40, "gru": 60},
        {"messages": 12, "planning": 12, "pairs": 12, "gru": 12},
        20,
        20,
    ),
    "paper": Size(10_000, 1_000, 512, 32, 256, _all(400) | {"gru": 20_000}, _all(200) | {"gru": 10_000}, 100, 100),
}
RATES = {"messages": 1e-2, "planning": 5e-2, "pairs": 1e-2, "gru": 3e-3}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return CELLS[:1] if scale == "smoke" else CELLS


def parts(cell: str) -> tuple[str, int]:
    """Return what a cell's MDPs are, and the episodes of a trial."""
    kind, _, episodes = cell.partition("_n")
    return kind, int(episodes)


def setting(cell: str) -> Setting:
    """Return a cell's MDPs and environment."""
    kind, episodes = parts(cell)
    return TASKS[kind](episodes_per_trial=episodes)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: in every cell four policies by PPO, and one that imitates first."""
    planned = []
    for cell in cells(scale):
        for name in TRAINED:
            stages = _imitated_stages if name == "imitated" else partial(_stages, name)
            policy = partial(_policy, name, cell, scale)
            planned.append(Run(ID, f"{name}-{cell}", (cell,), policy, partial(stages, cell, scale)))
    return planned


def _policy(network: str, cell: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    generator = make_generator(seed, "weights")
    size, kind, episodes = SIZES[scale], *parts(cell)
    env = expect_kind("env", setting(cell).env, TabularEnv)
    sizes = env.num_states, env.num_actions, env.horizon, episodes
    if network == "messages":
        return PairMessagesPolicy(*sizes, size.memory, generator=generator)
    if network in ("planning", "imitated"):
        temperature = COLD if network == "imitated" else 1.0
        return PlanningPolicy(*sizes, prior=PRIORS[kind], update="step", temperature=temperature, generator=generator)
    if network == "pairs":
        return PairMemoryPolicy(*sizes, size.memory, generator=generator)
    return RecurrentPolicy((env.num_states,), env.num_actions, size.gru, generator=generator)


def _stages(network: str, cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Short trials first, where the policy can be told of another length: they are cheap, and teach nearly all."""
    size, kind, episodes = SIZES[scale], *parts(cell)
    short = policy.for_trials(FIRST) if isinstance(policy, PairMemoryPolicy) else policy
    rate = RATES[network]
    yield _stage(short, f"{kind}_n{FIRST}", rate, 0.01, size.iterations[network], size.trials, seed)
    if episodes != FIRST:
        yield _stage(policy, cell, rate / 3, 0.003, size.longer[network], size.trials, seed + 1000)


def _imitated_stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Imitate the best known planner; then go beyond it by PPO with small steps."""
    size, kind, where = SIZES[scale], parts(cell)[0], setting(cell)
    env = expect_kind("env", where.env, TabularEnv)
    shape = env.num_states, env.num_actions, env.horizon
    teacher = BEB(*shape, TEACHER_SCALINGS[kind], PRIORS[kind], update="step")
    config = ImitationConfig(epochs=2, minibatch_trials=16, learning_rate=Schedule(3e-3, 3e-4))
    training = TrainingConfig(size.imitate, max(2, size.trials // 2), seed, checkpoint_every=20)
    yield Stage(Imitation(policy, teacher, config), where, training)
    yield _stage(policy, cell, 3e-3, 0.001, size.refine, size.trials, seed + 1000)


def _stage(
    policy: SoftmaxPolicy, cell: str, rate: float, entropy: float, iterations: int, trials: int, seed: int
) -> Stage:
    where = setting(cell)
    horizon, episodes = expect_kind("env", where.env, TabularEnv).horizon, parts(cell)[1]
    baseline = LinearBaseline(partial(mdp_features, horizon=horizon), NUM_MDP_FEATURES, horizon * episodes)
    config = PPOConfig(
        discount=1.0,
        trace=0.95,
        learning_rate=rate,
        entropy_bonus=entropy,
        minibatch_trials=128 if episodes == FIRST else 64,
        expected_rewards=True,
    )
    return Stage(PPO(policy, baseline, config), where, TrainingConfig(iterations, trials, seed, checkpoint_every=20))


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same MDPs."""
    kind, episodes = parts(cell)
    distribution, played_in = setting(cell)
    env = expect_kind("env", played_in, TabularEnv)
    size, place = SIZES[scale], 100 * list(TASKS).index(kind) + episodes
    tasks, validation = draw_tasks(distribution, size, "table 2, planning", seed=place)
    players = bounds(env)
    for player in baseline_players(env, validation, place, scale=scale, prior=PRIORS[kind]):
        # a chain is drawn from no prior of this form; theirs has its moments
        told = player.variant.replace("true", "matched") if kind == "chain" else player.variant
        players.append(replace(player, variant=told))
    if isinstance(distribution, ChainMDPs):
        players.append(Player(OPTIMAL, [ChainOptimal(distribution, env.horizon, episodes)]))
    for run, (agent, how) in TRAINED.items():
        policies = acting_best(trained.policies(f"{run}-{cell}"), env, validation, seed=place)
        players.append(Player(agent, policies, how, seeds=len(policies)))
    reference, chunk = OPTIMAL if kind == "chain" else ORACLE, 20_000 // episodes
    rows = compare(
        ID, cell, players, env, tasks, seed=place, random=RANDOM, reference=reference, apart=(OPTIMAL,), chunk=chunk
    ).rows
    return Measured(rows, _by_episode(cell, players, rows, env, tasks, place))


def _by_episode(
    cell: str, players: list[Player], rows: list[Row], env: TabularEnv, tasks: TabularTasks, seed: int
) -> list[Point]:
    """The reward of every episode of the trial, of those who are drawn: means over tasks, and the range over seeds."""
    planner = best_planner(rows)
    blind = max((row for row in rows if row.agent == BLIND), key=lambda row: row.mean)
    drawn = {(row.agent, row.variant): row.agent for row in rows if row.seeds or row.agent in (OPTIMAL, ORACLE)}
    drawn[RL2_PLANNING, IMITATED] = PLANNING_IMITATED
    drawn |= {(planner.agent, planner.variant): BEST_PLANNER, (blind.agent, blind.variant): BLIND}
    points = []
    for player in players:
        if (line := drawn.get((player.agent, player.variant))) is None:
            continue
        few = TabularTasks(*(part[:500] for part in tasks))
        curves = [return_curve(play(policy, env, few, seed=seed), expected=True).mean for policy in player.policies]
        for episode, values in enumerate(zip(*(curve.tolist() for curve in curves), strict=True), start=1):
            mean = sum(values) / len(values)
            points.append(Point(ID, cell, line, episode, mean, min(values), max(values)))
    return points


def best_planner(rows: list[Row]) -> Row:
    """Return the best row that was not trained and looks at transitions, and was told neither task nor family."""
    others = (RANDOM, ORACLE, OPTIMAL, BLIND)
    return max((row for row in rows if not row.seeds and row.agent not in others), key=lambda row: row.mean)


# --------------------------------------------------------------------------------------- what is shown and claimed

DRAWN = (RL2_MESSAGES, RL2_PLANNING, PLANNING_IMITATED, RL2_PAIRS, RL2, BEST_PLANNER, BLIND)
TITLES = {"chain": "chains", "sparse": "nearly deterministic MDPs"}


def draw(measured: Measured) -> Figure:
    """Draw the reward of every episode of the trial, a panel a cell."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS

    there = measured.cells()
    figure, grid = plt.subplots(
        -(-len(there) // 2), 2, figsize=(9, 0.8 + 2.8 * -(-len(there) // 2)), squeeze=False, layout="constrained"
    )
    for axes, cell in zip(grid.flat, there, strict=False):
        kind, episodes = parts(cell)
        for line, marker in zip(DRAWN, MARKERS, strict=False):
            points = measured.line(cell, line)
            x, y, low, high = ([getattr(point, name) for point in points] for name in ("x", "y", "low", "high"))
            (curve,) = axes.plot(x, y, label=line, marker=marker, markersize=4, markevery=max(1, episodes // 10))
            axes.fill_between(x, low, high, color=curve.get_color(), alpha=0.2, linewidth=0)
        for name, style in ((OPTIMAL, ":"), (ORACLE, (0, (6, 3)))):
            if points := measured.line(cell, name):
                ink = axes.yaxis.label.get_color()
                axes.plot([p.x for p in points], [p.y for p in points], color=ink, linestyle=style, label=name)
        axes.set(title=f"{TITLES[kind]}, {episodes} episodes", xlabel="episode", ylabel="reward of the episode")
    for axes in grid.flat[len(there) :]:
        axes.axis("off")
    lines = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=3)
    return figure


def ahead(ours: Row, theirs: Row) -> tuple[float, float]:
    """Return how far a row is ahead of another of its cell, and half the 95% interval: paired where one is the best.

    Otherwise the two means are taken for independent, which makes the interval too wide: they met the same tasks.
    """
    if ours.behind == 0:
        return theirs.behind or 0.0, 1.96 * (theirs.behind_se or 0.0)
    if theirs.behind == 0:
        return -(ours.behind or 0.0), 1.96 * (ours.behind_se or 0.0)
    return ours.mean - theirs.mean, 1.96 * math.hypot(ours.se, theirs.se)


def _known(rows: list[Row]) -> Row:
    """The best of all that were not trained and were told neither the task nor that it is a chain."""
    return max((best_planner(rows), _blind(rows)), key=lambda row: row.mean)


def _blind(rows: list[Row]) -> Row:
    return max((row for row in rows if row.agent == BLIND), key=lambda row: row.mean)


def _by_cell(measured: Measured, gap: Callable[[str], tuple[float, float]], *, level_counts: bool) -> Verdict:
    """Whether a gap is shown to be above 0 in every cell; or, where level counts, to be below it in none."""
    gaps = {cell: gap(cell) for cell in measured.cells()}
    words = "; ".join(f"{cell} {difference:+.1f} ± {half:.1f}" for cell, (difference, half) in gaps.items())
    above = all(difference > half for difference, half in gaps.values())
    level = all(difference >= -half for difference, half in gaps.values())
    if level_counts:
        return Verdict("surpassed" if above else "matched" if level else "not reached", words)
    return Verdict("matched" if above else "not reached", words)


def planning_pays(measured: Measured) -> Verdict:
    """Whether the best planner is ahead of the transition-blind rule everywhere."""
    return _by_cell(
        measured,
        lambda cell: ahead(best_planner(measured.cell(cell)), _blind(measured.cell(cell))),
        level_counts=False,
    )


def above_known(measured: Measured) -> Verdict:
    """Whether the best trained row is above, or not below, the best known baseline."""
    best = {
        cell: max((row for row in measured.cell(cell) if row.seeds), key=lambda row: row.mean)
        for cell in measured.cells()
    }
    verdict = _by_cell(measured, lambda cell: ahead(best[cell], _known(measured.cell(cell))), level_counts=True)
    names = "; ".join(f"{cell} {row.agent} ({row.variant})" for cell, row in best.items())
    return verdict._replace(evidence=f"{verdict.evidence}. By: {names}")


def messages_known(measured: Measured) -> Verdict:
    """Whether messages are above, or not below, the best known baseline."""
    return _by_cell(
        measured,
        lambda cell: ahead(measured.row(cell, RL2_MESSAGES), _known(measured.cell(cell))),
        level_counts=True,
    )


def messages_pay(measured: Measured) -> Verdict:
    """Whether messages are ahead of the memory that sees no transitions, everywhere."""
    return _by_cell(
        measured,
        lambda cell: ahead(measured.row(cell, RL2_MESSAGES), measured.row(cell, RL2_PAIRS)),
        level_counts=False,
    )


def near_optimum(measured: Measured) -> Verdict:
    """Whether messages come to 95% of the way from random play to the optimum of chains."""
    found = [measured.row(cell, RL2_MESSAGES) for cell in measured.cells() if parts(cell)[0] == "chain"]
    if not found:
        raise KeyError("a chain")
    words = "; ".join(f"{row.cell} {row.share.format(3)}" for row in found)
    return Verdict(at_least((row.share for row in found), 0.95), words)


EXPERIMENT = Experiment(
    id=ID,
    title="Table 2's comparison where planning matters",
    source="After Duan et al. 2016, table 2; chains after Strens 2000",
    about=(
        "Episodes of ten steps. Chains: five states, two actions; one, not the same in each state, leads on and pays "
        "nothing until the end, where it pays 10; the other pays 2 and leads back. Sparse: ten states, two actions, "
        "Dirichlet concentration 0.03, so that an action nearly always leads to the same state. Scored by expected "
        "reward. The baselines stand in table 2's three columns, scalings chosen on other MDPs: the true prior is what "
        "sparse MDPs are drawn from, the matched one has the moments of a chain's rewards, and none of this form can "
        "say what a chain is. 0 is random play; 1 is the optimum for an agent that knows it is in a chain, and for "
        "sparse MDPs the oracle, which nobody can reach. All trained rows learned by PPO from expected rewards, with a "
        "baseline that sees the task. The messages policy counts the transitions it has seen and sends learned worths "
        "back along them. The planner with a learned bonus is no recurrent network: it keeps the exact posterior under "
        "the baselines' prior and plans at every step, as BEB does; the bonus and a temperature are all that is "
        "learned. One of its two forms imitates the best planner first, at a low temperature of the softmax. "
        "The figure's curves are of the first 500 MDPs."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Reward of each episode of a trial on chains and nearly deterministic MDPs, for RL² in three forms, a planner "
    "with a learned bonus in two, the best baseline, the transition-blind rule, and the optimum.",
    claims=(
        Claim("Planning matters here: the best planner is ahead of the transition-blind rule.", planning_pays),
        Claim("The best trained row is not below the best known baseline in any cell.", above_known),
        Claim(
            "Messages alone, a policy without a prior or a planner's equations, are not below it in any cell.",
            messages_known,
            reason="on sparse MDPs the baseline is told the prior that they are drawn from",
        ),
        Claim("Messages along transitions beat a memory that sees none.", messages_pay),
        Claim(
            "On chains, which it was trained on, RL² with messages comes to 95% of the way from random play to the "
            "optimum.",
            near_optimum,
        ),
    ),
)
