"""Wang et al. 2016, section 3.1.3 (figure 3): eleven arms, five pulls, and one arm that is worth its price in words.

The target pays 5, nine others 1, and the eleventh arm a tenth of the target's number: .55 + 4 · 5 = 20.55 is optimal.
A network that reads the reward as a number, and one that reads it as one-hot, as the paper's did; each by PPO alone,
with its usual entropy bonus and with one fifty times as large; and the first again after a short imitation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from rl2lib.agents.bandit import Random
from rl2lib.agents.eleven_arms import (
    INFORMATIVE_ARM,
    NUM_ARMS,
    PAYOUTS,
    EveryArmOnce,
    OneHotBaseline,
    OneHotPolicy,
    PaysForInformation,
    TargetThompson,
)
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import mean_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, scores
from rl2lib.evaluation.rows import Measured, Point, Row, columns
from rl2lib.experiments.bandit_lessons import (
    ELEVEN_ARMS_PPO,
    WARM_START,
    BanditLessonsConfig,
)
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv, InformativeBandits
from rl2lib.training.imitation import Imitation
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "eleven-arms"
RETURN, PAYS = "trial-return", "pays"
CELLS = (RETURN, PAYS)
SETTING = Setting(InformativeBandits(), InformativeBanditEnv())
RL2, WARM, OPTIMAL, TS, UCB, RANDOM = "RL²", "RL² + imitation", "Optimal", "Thompson", "UCB1", "Random"
LARGE = 0.5  # the entropy bonus at the start of training, in the place of .01


class Form(NamedTuple):
    """One way of training.

    Attributes:
        run: its name.
        agent: and the variant, what it is called in the table.
        variant: how it reads the reward, and how it was trained.
        one_hot: how it reads the reward.
        entropy_bonus: of PPO, at the start; it falls to zero.
        imitates: whether a short imitation comes first.
    """

    run: str
    agent: str
    variant: str
    one_hot: bool
    entropy_bonus: float
    imitates: bool = False

    @property
    def line(self) -> str:
        """Its learning curve's name."""
        return f"learning: {self.agent} ({self.variant})"


USUAL = 0.01
FORMS = (
    Form("number", RL2, "reward as a number", False, USUAL),
    Form("number-entropy", RL2, "reward as a number, large entropy bonus", False, LARGE),
    Form("one-hot", RL2, "reward as one-hot", True, USUAL),
    Form("one-hot-entropy", RL2, "reward as one-hot, large entropy bonus", True, LARGE),
    Form("imitation", WARM, "reward as a number", False, USUAL, imitates=True),
)
NUMBER, NUMBER_ENTROPY, ONE_HOT, PAPERS, IMITATED = FORMS


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        hidden_size: of the GRU.
        iterations: of PPO.
        trials: of an iteration.
        imitation: iterations of it, before.
        test_tasks: of a comparison.
        validation_tasks: of the choice between greedy and sampled actions.
    """

    hidden_size: int
    iterations: int
    trials: int
    imitation: int
    test_tasks: int = 10_000
    validation_tasks: int = 1_000


LESSON = BanditLessonsConfig()  # notebook 05's settings
LAPTOP = Size(
    LESSON.small_hidden_size, LESSON.eleven_arms.iterations, LESSON.eleven_arms.trials, LESSON.warm_start.iterations
)
SIZES: dict[Scale, Size] = {
    "smoke": Size(4, 2, 8, 1, 64, 16),
    "laptop": LAPTOP,
    "paper": replace(LAPTOP, hidden_size=48, iterations=3 * LAPTOP.iterations),
}


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return every form once."""
    return [Run(ID, form.run, CELLS, partial(_policy, form, scale), partial(_stages, form, scale)) for form in FORMS]


def _policy(form: Form, scale: Scale, seed: int) -> SoftmaxPolicy:
    return _network((RecurrentPolicy, OneHotPolicy), form, scale, make_generator(seed, "weights"))


def _network(classes: tuple[type[nn.Module], type[nn.Module]], form: Form, scale: Scale, generator: Any) -> Any:
    shape = (len(PAYOUTS),) if form.one_hot else SETTING.env.observation_shape
    return classes[form.one_hot](shape, NUM_ARMS, SIZES[scale].hidden_size, generator=generator)


def _stages(form: Form, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    if form.imitates:
        learner = Imitation(policy, PaysForInformation(), WARM_START)
        yield Stage(learner, SETTING, TrainingConfig(size.imitation, size.trials, seed, checkpoint_every=500))
    generator = make_generator(seed, "baseline")
    baseline = _network((RecurrentBaseline, OneHotBaseline), form, scale, generator)
    config = replace(ELEVEN_ARMS_PPO, entropy_bonus=form.entropy_bonus)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=200)
    yield Stage(PPO(policy, baseline, config), SETTING, training)


# --------------------------------------------------------------------------------------- who plays


def optimum(num_pulls: int) -> float:
    """Return what paying first earns on average: 20.55 in five pulls."""
    return sum(PAYOUTS[:NUM_CANDIDATES]) / NUM_CANDIDATES + PAYOUTS[-1] * (num_pulls - 1)


def pays(trajectory: Trajectory) -> Tensor:
    """Return [B], 1 where the informative arm was pulled at all."""
    return (trajectory.action == INFORMATIVE_ARM).any(dim=1).float()


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody; a cell is what the same trials are scored by."""
    size = SIZES[scale]
    distribution, env = SETTING
    tasks, validation = draw_tasks(distribution, size, "eleven arms", seed=11)
    players = [
        Player(OPTIMAL, [PaysForInformation()]),
        Player(TS, [TargetThompson()], "true prior"),
        Player(UCB, [EveryArmOnce()]),
        Player(RANDOM, [Random(NUM_ARMS)]),
    ]
    for form in FORMS:
        policies = acting_best(trained.policies(form.run), env, validation, seed=11)
        players.append(Player(form.agent, policies, form.variant, seeds=len(policies)))
    if cell == PAYS:
        return Measured(compare(ID, cell, players, env, tasks, seed=11, score=pays).rows)
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=11,
        random=RANDOM,
        reference=OPTIMAL,
        ceiling=optimum(SETTING.env.num_pulls),  # type: ignore[attr-defined]
    ).rows
    points = [point for form in FORMS for point in _learning(form, size, trained.cards(form.run))]
    return Measured(rows, points + [point for player in players for point in _by_pull(player, env, tasks)])


def _learning(form: Form, size: Size, cards: list[dict[str, Any]]) -> list[Point]:
    """Mean trial return while PPO learns, by trials so far: the mean over seeds, and their range."""
    num_pulls = SETTING.env.num_pulls  # type: ignore[attr-defined]
    histories = torch.tensor([card["history"]["trial_return"] for card in cards], dtype=torch.float64)
    steps = torch.tensor(cards[0]["history"]["env_steps"])
    # while it imitates, its teacher plays
    own = steps > (size.imitation * size.trials * num_pulls if form.imitates else 0)
    places = own.nonzero().flatten()
    few = max(1, len(places) // 50)
    points = []
    for at in places[few - 1 :: few].tolist():
        values = histories[:, max(at - few + 1, 0) : at + 1].mean(dim=1)
        trials = steps[at].item() / num_pulls
        middle, low, high = values.mean().item(), values.min().item(), values.max().item()
        points.append(Point(ID, RETURN, form.line, trials, middle, low, high))
    return points


def by_pull(name: str) -> str:
    """Return the line of an agent's reward at each pull."""
    return f"by pull: {name}"


def _by_pull(player: Player, env: Any, tasks: Tensor) -> list[Point]:
    """Reward at every pull, of the median seed."""
    played = [scores(policy, env, tasks, seed=11, score=lambda trial: trial.reward) for policy in player.policies]
    played.sort(key=lambda values: values.double().sum().item())
    curve = mean_curve(median_of(played))
    parts = (curve.x, curve.mean, curve.low, curve.high)
    places = zip(*(part.tolist() for part in parts), strict=True)
    return [Point(ID, RETURN, by_pull(player.name), *place) for place in places]


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw training, by trials, and what everybody earns pull by pull."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.6), layout="constrained", width_ratios=(1.25, 1))
    for form in FORMS:
        line = measured.line(RETURN, form.line)
        trials, *heights = columns(line)
        band(left, [x / 1000 for x in trials], *heights, label=_named(form))
        marker = MARKERS[FORMS.index(form)]
        pulls = measured.line(RETURN, by_pull(f"{form.agent} ({form.variant})"))
        right.plot([p.x for p in pulls], [p.y for p in pulls], marker=marker, markersize=5)
    for agent, variant, marker in ((TS, "true prior", MARKERS[5]), (OPTIMAL, "", MARKERS[6])):
        name = f"{agent} ({variant})" if variant else agent
        pulls = measured.line(RETURN, by_pull(name))
        (line,) = right.plot([p.x for p in pulls], [p.y for p in pulls], marker=marker, markersize=5, label=name)
        for row in (row for row in measured.cell(RETURN) if row.agent == agent):
            left.axhline(row.mean, color=line.get_color(), linestyle=line.get_linestyle(), linewidth=1)
    left.set(xlabel="thousand trials of training", ylabel="trial return")
    left.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    right.set(xlabel="pull", ylabel="reward", xticks=range(1, 6))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _named(form: Form) -> str:
    return f"{form.agent}, {form.variant}"


def _learns_the_optimum(measured: Measured, form: Form) -> Verdict:
    """Whether an agent pays in 99% of all trials at least and earns 99% of the optimum, by its interval's lower end."""
    earned, paid = (measured.row(cell, form.agent, form.variant) for cell in CELLS)
    reached = earned.score.low >= 0.99 * optimum(5) and paid.score.low >= 0.99
    return Verdict("matched" if reached else "not reached", _evidence(earned, paid))


def _never_pays(measured: Measured) -> Verdict:
    """Whether neither network pays, with the usual bonus and with any seed, in more than 1% of all trials."""
    found = [(form, [measured.row(cell, form.agent, form.variant) for cell in CELLS]) for form in (NUMBER, ONE_HOT)]
    never = all(max(paid.score.high, *paid.every_seed) <= 0.01 for _, (_, paid) in found)
    evidence = "; ".join(f"{form.variant}: {_evidence(*both)}" for form, both in found)
    search = measured.row(RETURN, TS)
    return Verdict("matched" if never else "not reached", f"{evidence}; a search earns {search.mean:.2f}")


def _one_hot_helps(measured: Measured) -> Verdict:
    number, one_hot = (measured.row(PAYS, form.agent, form.variant) for form in (NUMBER_ENTROPY, PAPERS))
    shares = one_hot.score.percent(), number.score.percent()
    evidence = "pays in {} of all trials with one-hot rewards, {} with a number".format(*shares)
    return Verdict("matched" if one_hot.score.low > number.score.high else "not reached", evidence)


def _in_the_papers_order(measured: Measured) -> Verdict:
    rows = [measured.row(RETURN, PAPERS.agent, PAPERS.variant), measured.row(RETURN, TS), measured.row(RETURN, UCB)]
    apart = all(better.score.low > worse.score.high for better, worse in pairwise(rows))
    evidence = ", ".join(f"{row.agent} {row.score.format(2)}" for row in rows)
    return Verdict("matched" if apart else "not reached", evidence)


def _evidence(earned: Row, paid: Row) -> str:
    every = ", ".join(f"{mean:.2f}" for mean in earned.every_seed)
    return f"{earned.score.format(2)} of {optimum(5):g}, pays in {paid.score.percent()} (every seed: {every})"


EXPERIMENT = Experiment(
    id=ID,
    title="Eleven arms: paying for information",
    source="Wang et al. 2016, section 3.1.3 and figure 3",
    about=(
        "Five pulls of eleven arms that always pay the same: the target 5, nine others 1, the informative arm a tenth "
        "of the target's number. The paper gives no table; the optimum is exact. All networks are GRUs trained by PPO "
        "on as many trials, by sampled rewards (which are certain here) and a critic that sees what they see. "
        f"The large entropy bonus is {LARGE:g} in the place of {USUAL:g}, and falls to zero over training. "
        f"Cells are two scores of the same trials: {RETURN}, and {PAYS}, the share of trials in which the informative "
        "arm is pulled at all. Thompson sampling knows the prior, and so never pulls that arm; UCB1 pulls every arm "
        "once before any again, the lowest number first, and so never reaches the informative one, the last. "
        "Imitation is of the optimal agent, for half as many trials; there the curve begins where PPO does."
    ),
    cells=lambda scale: CELLS,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Left: trial return over training for five ways of training; those that learn to pay for information rise to "
        "the optimum's line, the others stay at that of a search. Right: reward pull by pull."
    ),
    claims=(
        Claim(
            "The agent learns the optimal strategy: one pull of the informative arm, at a loss, then the target. (With "
            "the reward as one-hot, as in the paper, and a large entropy bonus; no imitation.)",
            lambda measured: _learns_the_optimum(measured, PAPERS),
        ),
        Claim(
            "It does better than Thompson sampling with the true prior, which searches; UCB1, which pulls every arm "
            "once, does worse than that.",
            _in_the_papers_order,
        ),
        Claim(
            "One-hot rewards facilitate learning: with the large entropy bonus the same training on a number does not "
            "get there in as many trials.",
            _one_hot_helps,
        ),
        Claim(
            "Ours: with PPO's usual entropy bonus neither network ever pays; both settle on the search.", _never_pays
        ),
        Claim(
            "Ours: after a short imitation the usual training keeps the optimal strategy, the reward being a number.",
            lambda measured: _learns_the_optimum(measured, IMITATED),
        ),
    ),
    unit="trial return; share of trials",
)
