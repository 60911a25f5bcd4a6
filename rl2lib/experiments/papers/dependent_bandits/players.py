"""Who plays two arms beside the trained agents, and what is noted of it."""

from __future__ import annotations

from torch import Tensor

from rl2lib.agents.bandit import UCB1, WIDTHS, Greedy, Random, Thompson
from rl2lib.agents.belief_optimal import DependentBanditOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.curves import mean_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, scores
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments.papers.dependent_bandits.trained import BLIND, CELLS, ID, SIZES, setting, trained_on
from rl2lib.experiments.papers.regret import least_regret, regret_by_pull
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.bandit import UNIFORM, BanditEnv, DependentBandits
from rl2lib.tasks.views import RegretEnv

RL2, GITTINS, TS, UCB, TUNED, GREEDY = "RL²", "Finite-horizon Gittins", "Thompson", "UCB1", "UCB1, tuned", "Greedy"
OPTIMAL, RANDOM = "Optimal for tied arms", "Random"
CLASSIC = (GITTINS, TUNED, UCB, TS, GREEDY)


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
