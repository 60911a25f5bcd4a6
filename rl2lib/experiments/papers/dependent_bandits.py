"""Wang et al. 2016, sections 3.1.1 and 3.1.2: agents trained on one kind of two-armed bandit, tested on every kind.

Independent arms, and four distributions with means p and 1 - p. On those four one rule is optimal, the same for all:
pull the arm that more pulls spoke for. What an agent lacks abroad is therefore never another rule. Regret is the sum
of best mean less the pulled arm's mean, over 100 pulls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from torch import Tensor

from rl2lib.agents.bandit import UCB1, WIDTHS, Greedy, Random, Thompson
from rl2lib.agents.belief_optimal import DependentBanditOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.masked import MaskedPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.curves import mean_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, scores
from rl2lib.evaluation.rows import Measured, Point, columns
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments.bandit_lessons import TWO_ARMS
from rl2lib.experiments.papers.regret import least_regret, regret_by_pull
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict, Word
from rl2lib.tasks.bandit import EASY, UNIFORM, BanditEnv, DependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.views import RegretEnv
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ID = "dependent-bandits"
CELLS = tuple(TWO_ARMS)
TIED = tuple(name for name in CELLS if isinstance(TWO_ARMS[name], DependentBandits))
RL2, GITTINS, TS, UCB, TUNED, GREEDY = "RL²", "Finite-horizon Gittins", "Thompson", "UCB1", "UCB1, tuned", "Greedy"
OPTIMAL, RANDOM = "Optimal for tied arms", "Random"
CLASSIC = (GITTINS, TUNED, UCB, TS, GREEDY)
BLIND = "easy, without rewards"
"""What was withheld from one more agent, as a control: "performance was at chance"."""

LEARNER = PPOConfig(discount=1.0, trace=0.95, minibatch_trials=128, learning_rate=2e-3, expected_rewards=True)


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        num_pulls: of a trial.
        hidden_size: of the GRU.
        iterations: of PPO.
        trials: of an iteration.
        test_tasks: of a comparison.
        validation_tasks: of UCB1's search and of the choice between greedy and sampled actions.
    """

    num_pulls: int = 100
    hidden_size: int = 48
    iterations: int = 120
    trials: int = 512
    test_tasks: int = 20_000
    validation_tasks: int = 4_000


SIZES: dict[Scale, Size] = {
    "smoke": Size(12, 4, 1, 16, 64, 16),
    "laptop": Size(),
    "paper": Size(iterations=500),
}


def setting(cell: str, scale: Scale) -> Setting:
    """Return a cell's tasks and environment."""
    return Setting(TWO_ARMS[cell], BanditEnv(2, SIZES[scale].num_pulls))


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return one agent a distribution, which all cells need, and the one that sees no rewards."""
    planned = [Run(ID, f"gru-{cell}", CELLS, partial(_gru, scale), partial(_reinforced, cell, scale)) for cell in CELLS]
    blind = Run(ID, "gru-easy-blind", ("easy",), partial(_blind, scale), partial(_reinforced, "easy", scale))
    return [*planned, blind]


def _gru(scale: Scale, seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy((1,), 2, SIZES[scale].hidden_size, generator=make_generator(seed, "weights"))


def _blind(scale: Scale, seed: int) -> SoftmaxPolicy:
    return MaskedPolicy((1,), 2, SIZES[scale].hidden_size, hides=("reward",), generator=make_generator(seed, "weights"))


def _reinforced(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    # solved for at once: a recurrent critic would first have to learn what is at stake
    baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, size.num_pulls)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=60)
    yield Stage(PPO(policy, baseline, LEARNER), setting(cell, scale), training)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on one distribution."""
    size = SIZES[scale]
    distribution, env = setting(cell, scale)
    place = 2_000 + CELLS.index(cell)
    tasks, validation = draw_tasks(distribution, size, "dependent bandits", seed=place)
    width, tuned = best_of(((f"c = {c:g}", UCB1(2, c)) for c in WIDTHS), env, validation, seed=place)
    tied = distribution if isinstance(distribution, DependentBandits) else UNIFORM
    players = [
        Player(RANDOM, [Random(2)]),
        Player(GREEDY, [Greedy(2)]),
        Player(TS, [Thompson(2)]),
        Player(UCB, [UCB1(2, 1.0)], setting="c = 1"),
        Player(TUNED, [tuned], setting=width),
        Player(GITTINS, [FiniteHorizonGittins(2, size.num_pulls)]),
        Player(OPTIMAL, [DependentBanditOptimal(tied, size.num_pulls)]),
    ]
    for name, run in [(name, f"gru-{name}") for name in CELLS] + [(BLIND, "gru-easy-blind")] * (cell == "easy"):
        policies = acting_best(trained.policies(run), env, validation, seed=place)
        players.append(Player(RL2, policies, trained_on(name), seeds=len(policies)))
    ring = RegretEnv(2, size.num_pulls)
    floor = least_regret(distribution, size.num_pulls)  # type: ignore[arg-type]
    rows = compare(ID, cell, players, ring, tasks, seed=place, ceiling=floor, better="lower").rows
    return Measured(rows, _points(cell, players, ring, tasks, place))


def trained_on(name: str) -> str:
    """Return the variant of the agent that was trained on a distribution."""
    return f"trained on {name}"


def ahead(trained: str, other: str) -> str:
    """Return the line of how far the agent trained on `trained` is ahead of another: its regret saved, paired."""
    return f"{trained_on(trained)}, ahead of {other}"


def _points(cell: str, players: list[Player], env: BanditEnv, tasks: Tensor, seed: int) -> list[Point]:
    """Regret by pull, of the median seed; after the last pull, how far the trained agents are ahead of others."""
    last, points = {}, []
    every = max(1, env.num_pulls // 50)
    for player in players:
        played = [scores(policy, env, tasks, seed=seed, score=regret_by_pull) for policy in player.policies]
        played.sort(key=lambda values: -values[:, -1].double().mean().item())  # worst first, as the table has it
        values = median_of(played)
        name = player.variant or player.agent
        last[name] = values[:, -1]
        curve = mean_curve(values)
        for at in range(every - 1, env.num_pulls, every):
            middle, low, high = (part[at].item() for part in (curve.mean, curve.low, curve.high))
            points.append(Point(ID, cell, name, at + 1, middle, low, high))
    for name in CELLS:
        for other in (*CLASSIC, *(trained_on(home) for home in CELLS if home != name)):
            saved = paired_difference(last[other], last[trained_on(name)])
            points.append(Point(ID, cell, ahead(name, other), env.num_pulls, saved.mean, saved.low, saved.high))
    return points


# --------------------------------------------------------------------------------------- what is shown

PANELS = (("independent", "independent"), ("uniform", "uniform"), ("medium", "easy"), ("medium", "hard"))
"""Trained on, tested on: the paper's figure 2 a, c, d, e."""
SHOWN = (OPTIMAL, GITTINS, TUNED, TS, UCB)


def draw(measured: Measured) -> Figure:
    """Draw the matrix of regrets as a heat map, and regret by pull where the paper shows it."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(8, 9), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    _heat_map(halves[0].subplots(), measured)
    panels = halves[1].subplots(2, 2, sharex=True)
    for axes, (trained, cell) in zip(panels.flat, PANELS, strict=True):
        _curves(axes, measured, trained, cell)
    for axes in panels[1]:
        axes.set_xlabel("pull")
    halves[1].supylabel("cumulative regret", fontsize="medium")
    halves[1].legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _heat_map(axes: Axes, measured: Measured) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    there = measured.cells()
    kept = [(RL2, trained_on(name)) for name in CELLS] + [(agent, "") for agent in (OPTIMAL, *CLASSIC)]
    regret = [[measured.row(cell, agent, variant).mean for cell in there] for agent, variant in kept]
    floors = [measured.row(cell, OPTIMAL).ceiling or 1.0 for cell in there]
    colours, norm = colormaps["cividis"], LogNorm(1, 8, clip=True)
    ratios = [[max(value, 0.01) / floor for value, floor in zip(line, floors, strict=True)] for line in regret]
    image = axes.imshow(ratios, aspect="auto", cmap=colours, norm=norm)
    for row, line in enumerate(regret):
        for column, value in enumerate(line):
            # the other end of the colour map stands out, whatever the page's ground
            colour = colours(float(norm(ratios[row][column]) < 0.5))
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(there)), there)
    axes.set_yticks(range(len(kept)), [f"{agent}, {variant}" if variant else agent for agent, variant in kept])
    axes.set(xlabel="tested on", title="regret after the last pull; colours: times the least possible")
    axes.grid(False)
    bar = axes.figure.colorbar(image, ax=axes, ticks=[1, 2, 4, 8], format="%g")
    bar.minorticks_off()


def _curves(axes: Axes, measured: Measured, trained: str, cell: str) -> None:
    from rl2lib.evaluation.figures import band

    for name in (trained_on(trained), *SHOWN):
        line = measured.line(cell, name)
        # before the first pull nothing is lost
        x, low, middle, high = ([0.0, *part] for part in columns(line))
        band(axes, x, low, middle, high, label=RL2 if name == trained_on(trained) else name)
    axes.set_title(f"trained on {trained}, tested on {cell}", fontsize="medium")
    axes.margins(x=0)
    axes.set_ylim(bottom=0)


# --------------------------------------------------------------------------------------- what is claimed

STANDARD = (GITTINS, TS, UCB)
"""What the paper compares with."""


def _lead(measured: Measured, cell: str, trained: str, other: str) -> Point:
    """How much less regret an agent has than another, paired over tasks."""
    found = measured.line(cell, ahead(trained, other))
    if not found:
        raise KeyError(f"{cell}: {ahead(trained, other)}")
    return found[0]


def _said(lead: Point) -> str:
    return f"{lead.y:+.2f} ± {(lead.high - lead.low) / 2:.2f}"


def _as_in_the_paper(measured: Measured) -> Verdict:
    """Ahead of Thompson and UCB1 on independent arms, behind Gittins."""
    leads = {other: _lead(measured, "independent", "independent", other) for other in STANDARD}
    evidence = f"less regret (-: more) than {_each(leads)}"
    if min(leads[TS].low, leads[UCB].low) <= 0:
        return Verdict("not reached", evidence)
    return Verdict("matched" if leads[GITTINS].high < 0 else "surpassed", evidence)


def _beats(measured: Measured, pairs: tuple[tuple[str, str], ...]) -> Verdict:
    """Whether agents, (trained on, tested on), have less regret than every standard algorithm."""
    words, ahead_of_all = [], True
    for trained, cell in pairs:
        leads = {other: _lead(measured, cell, trained, other) for other in STANDARD}
        ahead_of_all &= all(lead.low > 0 for lead in leads.values())
        least = min(leads, key=lambda other: leads[other].y)
        words.append(f"on {cell} {_said(leads[least])} less regret than {least}")
    return Verdict("matched" if ahead_of_all else "not reached", "; ".join(words) + " (the best of the three)")


def _beats_tuned(measured: Measured) -> Verdict:
    """Whether in every cell the agent trained there has less regret than UCB1 tuned there; "open" if only not more."""
    leads = {cell: _lead(measured, cell, cell, TUNED) for cell in CELLS}
    word: Word = "not reached" if any(lead.high < 0 for lead in leads.values()) else "open"
    if all(lead.low > 0 for lead in leads.values()):
        word = "matched"
    return Verdict(word, f"less regret (-: more) than {TUNED}, on {_each(leads)}")


def _easier(measured: Measured) -> Verdict:
    """Whether easy, medium and hard, each trained and tested on, come in this order."""
    rows = [measured.row(cell, RL2, trained_on(cell)) for cell in ("easy", "medium", "hard")]
    apart = all(one.score.high < next_.score.low for one, next_ in pairwise(rows))
    evidence = ", ".join(f"{row.cell} {row.score.format(2)}" for row in rows)
    return Verdict("matched" if apart else "not reached", evidence)


def _chance(measured: Measured) -> Verdict:
    """Whether the agent without rewards loses half of what is at stake, within 5% by its interval."""
    row, random = measured.row("easy", RL2, trained_on(BLIND)), measured.row("easy", RANDOM)
    sees = measured.row("easy", RL2, trained_on("easy"))
    pulls = max(point.x for point in measured.line("easy", trained_on("easy")))
    chance = (max(EASY.values or ()) - 0.5) * pulls
    level = abs(row.mean - chance) + row.score.half < 0.05 * chance
    evidence = (
        f"regret {row.score.format(2)}, chance {chance:g}; random play {random.mean:.2f}, with rewards {sees.mean:.2f}"
    )
    return Verdict("matched" if level else "not reached", evidence)


def _priors_show(measured: Measured) -> Verdict:
    """Whether those trained on tied arms lose on independent ones to the one trained there, and it to them at home."""
    abroad = {home: _lead(measured, "independent", "independent", trained_on(home)) for home in TIED}
    at_home = {home: _lead(measured, home, home, trained_on("independent")) for home in TIED}
    both = all(lead.low > 0 for lead in (*abroad.values(), *at_home.values()))
    evidence = f"less regret on independent arms than {_each(abroad)}; at home, less than it has: {_each(at_home)}"
    return Verdict("matched" if both else "not reached", evidence)


def _each(leads: dict[str, Point]) -> str:
    return ", ".join(f"{name} {_said(lead)}" for name, lead in leads.items())


def _easy_prepares_least(measured: Measured) -> Verdict:
    """Whether on hard arms the other agents trained on tied arms are ahead of the one trained on easy ones."""
    leads = {home: _lead(measured, "hard", home, trained_on("easy")) for home in ("medium", "uniform", "hard")}
    found = all(lead.low > 0 for lead in leads.values())
    return Verdict("matched" if found else "not reached", f"on hard, less regret than it has: {_each(leads)}")


def _near_optimal(measured: Measured) -> Verdict:
    """Whether the agents at home, on tied arms, have not more than a quarter above the least possible regret."""
    words, worst = [], 0.0
    for cell in TIED:
        row = measured.row(cell, RL2, trained_on(cell))
        least = row.ceiling or 1.0
        worst = max(worst, (row.score.high) / least)
        words.append(f"{cell} {row.score.format(2)} (least {least:.2f})")
    return Verdict("matched" if worst < 1.25 else "not reached", ", ".join(words))


EXPERIMENT = Experiment(
    id=ID,
    title="Two-armed bandits, independent and tied",
    source="Wang et al. 2016, sections 3.1.1 and 3.1.2, figure 2",
    about=(
        "Cumulative regret after 100 pulls of two arms, of means and not of samples; less is better. Cells are what "
        "is tested on. Tied arms have means p and 1 - p: p is uniform on [0, 1], or one of .1 and .9 (easy), .25 and "
        ".75 (medium), .4 and .6 (hard). One rule is optimal on all tied arms, whatever p is drawn from: pull the arm "
        "that more pulls spoke for. The least possible regret is exact in all cells. RL² is a GRU of 48 units "
        "trained by PPO on one of the five, with expected rewards and a linear critic that sees the task; its row says "
        "which. The paper's is an LSTM trained by A2C on 20,000 trials, which is also told the number of the pull; its "
        "figures show the best five of a hundred settings, and it gives no table. UCB1 has c = 1, the textbook's, and "
        "once more the best c of 11 on validation tasks of the cell. "
        f"{OPTIMAL} knows the cell's distribution; on independent arms it wrongly takes them for tied."
    ),
    cells=lambda scale: CELLS,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Above: a matrix of regrets, five agents by what they were trained on and six algorithms, against five test "
        "distributions. Below: regret by pull of RL² and the algorithms, in four of the pairs."
    ),
    claims=(
        Claim(
            "On independent arms meta-RL outperforms Thompson sampling and UCB1 (c = 1), and does less well than "
            "Gittins.",
            _as_in_the_paper,
        ),
        Claim(
            "On tied arms the agent trained there has less regret than these three. (On easy ones that shows no use of "
            "the tie: greedy play does about as well.)",
            lambda measured: _beats(measured, tuple((name, name) for name in TIED)),
        ),
        Claim(
            "The agent trained on medium arms outperforms them on easy and on hard ones too.",
            lambda measured: _beats(measured, (("medium", "easy"), ("medium", "hard"))),
        ),
        Claim("Ours: the agent trained there outperforms UCB1 with the best c, too.", _beats_tuned),
        Claim("Easy is easier than medium, and medium easier than hard.", _easier),
        Claim("Without rewards as input performance is at chance, even on easy arms.", _chance),
        Claim(
            "Ours: what was trained on shows. On independent arms the agent trained there is ahead of all others, on "
            "tied arms it is behind the one trained on them.",
            _priors_show,
        ),
        Claim(
            "Ours: of the agents trained on tied arms the one trained on easy ones is the worst on hard ones, although "
            "one rule is optimal on all of them.",
            _easy_prepares_least,
        ),
        Claim(
            "Ours: on tied arms the agent trained there is within a quarter of the least possible regret.",
            _near_optimal,
        ),
    ),
    unit="cumulative regret",
)
