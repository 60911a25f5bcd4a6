"""Who plays table 1: every baseline of the paper, tuned on other tasks, what is known beyond, and what was trained."""

from __future__ import annotations

from typing import Any

from rl2lib.agents import bandit
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import DISCOUNTS, Approximation, FiniteHorizonGittins, Gittins
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.table1.published import (
    EPSILON_GREEDY,
    GITTINS,
    GREEDY,
    OTS,
    PUBLISHED,
    PUBLISHED_TASKS,
    RANDOM,
    RL2,
    TS,
    UCB1,
)
from rl2lib.experiments.papers.table1.trained import (
    CELLS,
    ID,
    PULLS,
    ROUNDS,
    SIZES,
    equivariant_name,
    gru_name,
    imitation_name,
    setting,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.types import Policy

RL2_IMITATION, RL2_EQUIVARIANT = "RL² network, imitation", "RL², arm-equivariant"
BEST_KNOWN, OPTIMAL, ORACLE = "Finite-horizon Gittins", "Bayes-optimal", "Oracle, told the task"


def measure(name: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks."""
    cell = CELLS[name]
    num_pulls, num_arms = cell
    distribution, env = setting(cell)
    size = SIZES[scale]
    place = 1_000 * PULLS.index(num_pulls) + num_arms
    tasks, validation = draw_tasks(distribution, size, "table 1", seed=place)

    def tuned(agent: str, candidates: dict[str, Policy[Any]]) -> Player:
        chosen, policy = best_of(candidates.items(), env, validation, seed=place)
        return Player(agent, [policy], published=PUBLISHED[cell, agent], setting=chosen)

    def networks(agent: str, run: str, variant: str) -> Player:
        policies = [_for_cell(policy, num_arms) for policy in trained.policies(run)]
        acting = acting_best(policies, env, validation, seed=place)
        return Player(agent, acting, variant, PUBLISHED.get((cell, agent)), seeds=len(policies))

    gittins = {
        kind: best_of(candidates.items(), env, validation, seed=place)
        for kind, candidates in _gittins(num_arms, num_pulls).items()
    }
    winner, _ = best_of(((kind, policy) for kind, (_, policy) in gittins.items()), env, validation, seed=place)
    players = [
        Player(RANDOM, [bandit.Random(num_arms)], published=PUBLISHED[cell, RANDOM]),
        *(
            Player(GITTINS, [policy], kind, PUBLISHED[cell, GITTINS] if kind == winner else None, setting=chosen)
            for kind, (chosen, policy) in gittins.items()
        ),
        Player(TS, [bandit.Thompson(num_arms)], published=PUBLISHED[cell, TS]),
        tuned(OTS, {f"N = {count}": bandit.OptimisticThompson(num_arms, count) for count in OTS_SAMPLES[scale]}),
        tuned(UCB1, {f"c = {width:g}": bandit.UCB1(num_arms, width) for width in bandit.WIDTHS}),
        tuned(EPSILON_GREEDY, {f"ε = {share:g}": bandit.EpsilonGreedy(num_arms, share) for share in bandit.EPSILONS}),
        Player(GREEDY, [bandit.Greedy(num_arms)], published=PUBLISHED[cell, GREEDY]),
        Player(BEST_KNOWN, [FiniteHorizonGittins(num_arms, num_pulls)]),
        Player(ORACLE, [bandit.Oracle()]),
        networks(RL2, gru_name(cell), "plain GRU"),
        networks(RL2_IMITATION, imitation_name(cell), "plain GRU"),
        networks(RL2_EQUIVARIANT, equivariant_name(num_pulls), _how(num_pulls)),
    ]
    optimal = BayesOptimal(num_arms, num_pulls) if num_pulls == 10 else None
    if optimal is not None:
        players.append(Player(OPTIMAL, [optimal]))
    rows = compare(
        ID,
        name,
        players,
        env,
        tasks,
        seed=place,
        random=RANDOM,
        reference=OPTIMAL if optimal is not None else BEST_KNOWN,
        ceiling=optimal.value if optimal is not None else None,
        published_tasks=PUBLISHED_TASKS,
    ).rows
    return Measured(rows)


OTS_SAMPLES: dict[Scale, tuple[int, ...]] = {
    "smoke": (1, 5),
    "laptop": (1, 2, 3, 5, 7, 10, 14, 20),
    "paper": bandit.NUM_SAMPLES,
}
"""How many posterior samples are tried; the paper's search is 1..20."""


def _gittins(num_arms: int, num_pulls: int) -> dict[str, dict[str, Policy[Any]]]:
    """Return the three approximations, each at every discount."""
    searched: dict[str, dict[str, Policy[Any]]] = {"stopping": {"": Gittins(num_arms, num_pulls, "stopping")}}
    kinds: tuple[Approximation, ...] = ("whittle", "calibration")
    for kind in kinds:
        searched[kind] = {f"γ = {discount}": Gittins(num_arms, num_pulls, kind, discount) for discount in DISCOUNTS}
    return searched


def _how(num_pulls: int) -> str:
    kinds = dict.fromkeys(part.how for part in ROUNDS[num_pulls])
    return ", then ".join({"imitate": "imitation", "reinforce": "PPO"}[how] for how in kinds)


def _for_cell(policy: SoftmaxPolicy, num_arms: int) -> SoftmaxPolicy:
    return policy.for_actions(num_arms) if isinstance(policy, PairMemoryPolicy) else policy
