"""Who plays the two-step task: what they earn, and how they stay."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.two_step import TwoStepModelFree, TwoStepOptimal
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare, median_of, play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.evaluation.stay import StayProbabilities, stay_counts, stay_probabilities
from rl2lib.experiments.papers.two_step.trained import CELLS, ID, SIZES, run_name, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.types import TrialEnv, as_agent

RL2, PLANNER, CACHING, BLIND = "RL²", "Model-based, optimal", "Model-free, Q(1)", "Best without transitions"
RANDOM = "Random"
GIVEN, POOLED = "given the choice", "over all choices"
RATES, TEMPERATURES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9), (5.0, 10.0, 20.0, 50.0)


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks."""
    length, what = CELLS[cell]
    distribution, env = setting(length)
    size = SIZES[scale]
    tasks, validation = draw_tasks(distribution, size, "two-step", seed=length)
    policies = trained.policies(run_name(length))
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
        actions=as_agent(player.policies[0]).mode,
        mean=median.interaction.mean,
        se=median.interaction.standard_error,
        num_tasks=num_tasks,
        seeds=player.seeds,
        every_seed=tuple(sorted(each.interaction.mean for each in found)) if player.seeds else (),
    )
