"""Ten arms, a hundred pulls, ten thousand trials of training: what is missing, structure or a teacher?

Duan et al. 2016 (section 5) ask for architectures with the problem's structure. A plain GRU and a policy with one
memory per arm learn from as many trials, by the same slow learner; and the plain GRU again from a teacher.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from rl2lib.agents.bandit import UCB1, Greedy, Random, Thompson
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Point, columns
from rl2lib.experiments.history import trials_played
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "ten-arms"
CELL = "n100_k10"
NUM_ARMS, NUM_PULLS = 10, 100
SETTING = Setting(IndependentBandits(NUM_ARMS), BanditEnv(NUM_ARMS, NUM_PULLS))
PLAIN, IMITATION, EQUIVARIANT = "plain", "imitation", "equivariant"
AGENTS = {
    PLAIN: "RL²",
    IMITATION: "RL² network, imitation",
    EQUIVARIANT: "RL², one memory per arm",
}
"""By run: what it is called in the table."""
GITTINS = "Finite-horizon Gittins"
LEARNER = PPOConfig(discount=1.0, trace=0.95, learning_rate=5e-3, expected_rewards=True)
IMITATES = ImitationConfig(epochs=2, minibatch_trials=64, learning_rate=5e-3)


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        hidden_size: of the plain GRU.
        arm_memory: hidden units of one arm's memory.
        iterations: of PPO.
        imitation: iterations of imitation.
        trials: of an iteration.
        test_tasks: of the comparison.
        validation_tasks: of the choice between greedy and sampled actions.
    """

    hidden_size: int = 64
    arm_memory: int = 32
    iterations: int = 40
    imitation: int = 50
    trials: int = 256
    test_tasks: int = 10_000
    validation_tasks: int = 1_000


SIZES: dict[Scale, Size] = {
    "smoke": Size(8, 8, 2, 2, 4, 16, 8),
    "laptop": Size(),
    "paper": Size(trials=1024),
}


def runs(scale: Scale) -> list[Run]:
    """Return the three ways of training."""
    return [Run(ID, way, (CELL,), partial(_policy, way, scale), partial(_stages, way, scale)) for way in AGENTS]


def _policy(way: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    size, generator = SIZES[scale], make_generator(seed, "weights")
    if way == EQUIVARIANT:
        return PairMemoryPolicy(1, NUM_ARMS, 1, NUM_PULLS, size.arm_memory, generator=generator)
    return RecurrentPolicy((1,), NUM_ARMS, size.hidden_size, generator=generator)


def _stages(way: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    if way == IMITATION:
        training = TrainingConfig(size.imitation, size.trials, seed, checkpoint_every=10)
        yield Stage(Imitation(policy, _teacher(), IMITATES), SETTING, training)
    else:
        baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, NUM_PULLS)
        training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=10)
        yield Stage(PPO(policy, baseline, LEARNER), SETTING, training)


@cache  # its tables take a second, and every stage asks
def _teacher() -> FiniteHorizonGittins:
    return FiniteHorizonGittins(NUM_ARMS, NUM_PULLS)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on the same bandits; the figure has the two learning curves of PPO."""
    distribution, env = SETTING
    tasks, validation = draw_tasks(distribution, SIZES[scale], "ten arms", seed=10)
    players = [
        Player("Random", [Random(NUM_ARMS)]),
        Player("Greedy", [Greedy(NUM_ARMS)]),
        Player("Thompson", [Thompson(NUM_ARMS)]),
        Player("UCB1", [UCB1(NUM_ARMS)]),
        Player(GITTINS, [_teacher()]),
    ]
    for way, agent in AGENTS.items():
        policies = acting_best(trained.policies(way), env, validation, seed=10)
        players.append(Player(agent, policies, seeds=len(policies)))
    rows = compare(ID, cell, players, env, tasks, seed=10, random="Random", reference=GITTINS, apart=(GITTINS,)).rows
    points = []
    for way in (PLAIN, EQUIVARIANT):
        cards = trained.cards(way)
        for x, *values in zip(
            trials_played(cards[0]), *(card["history"]["trial_return"] for card in cards), strict=True
        ):
            points.append(Point(ID, cell, way, x, sum(values) / len(values), min(values), max(values)))
    return Measured(rows, points)


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw both learning curves of PPO beside the index and greedy play."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import band

    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for way in (EQUIVARIANT, PLAIN):
        band(axes, *columns(measured.line(CELL, way)), label=AGENTS[way])
    for name, dashes in ((GITTINS, ":"), ("Greedy", (0, (6, 3)))):
        axes.axhline(measured.row(CELL, name).mean, color=axes.yaxis.label.get_color(), linestyle=dashes, label=name)
    axes.set(xlabel="trials of training", ylabel="trial return, sampled actions")
    axes.legend(loc="center right")
    return figure


def _structure_is_ahead(measured: Measured) -> Verdict:
    plain, structured = (measured.row(CELL, AGENTS[way]) for way in (PLAIN, EQUIVARIANT))
    ahead = min(structured.every_seed, default=0) > max(plain.every_seed, default=0)
    evidence = f"{structured.score.format(2)} and {plain.score.format(2)}, every seed apart: {ahead}"
    return Verdict("matched" if structured.score.low > plain.score.high and ahead else "not reached", evidence)


def _reaches_the_index(measured: Measured) -> Verdict:
    share = measured.row(CELL, AGENTS[EQUIVARIANT]).share
    return Verdict("matched" if share.low >= 0.98 else "not reached", f"normalised {share.percent()}")


def _teacher_is_not_enough(measured: Measured) -> Verdict:
    taught = measured.row(CELL, AGENTS[IMITATION])
    behind = taught.share.high < measured.row(CELL, AGENTS[EQUIVARIANT]).share.low
    return Verdict("matched" if behind else "not reached", f"normalised {taught.share.percent()}")


EXPERIMENT = Experiment(
    id=ID,
    title="Ten arms from ten thousand trials: structure, or a teacher",
    source="Duan et al. 2016, section 5: architectures with the problem's structure; notebook 05",
    about=(
        "Ten arms, 100 pulls. A plain GRU of 64 units and a policy with one memory of 32 units per arm, the same "
        "weights for all, learn by the same PPO from the same number of trials; the plain GRU once more by imitation "
        "of the finite-horizon Gittins index, from a quarter more. Few trials on purpose: table1 has the same networks "
        "trained for longer. Expected rewards, and a linear critic that sees the task."
    ),
    cells=lambda scale: (CELL,),
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Trial return over training: with one memory per arm it rises to the index's, the plain GRU's stays far below.",
    claims=(
        Claim(
            "From as many trials the policy with one memory per arm earns more than the plain GRU.", _structure_is_ahead
        ),
        Claim("It comes to 98% of the index.", _reaches_the_index),
        Claim(
            "A teacher does not make up for it: the plain GRU that imitates the index is behind.",
            _teacher_is_not_enough,
        ),
    ),
)
