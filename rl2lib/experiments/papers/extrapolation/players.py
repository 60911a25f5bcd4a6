"""Who plays where it was not trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rl2lib.agents import bandit
from rl2lib.agents.bandit import WIDTHS, Counts
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import acting_best, best_of
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.extrapolation.trained import CELLS, HOME, ID, SIZES, TRAINED_PULLS
from rl2lib.experiments.papers.table1.players import BEST_KNOWN, RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import GREEDY, RANDOM, RL2, UCB1
from rl2lib.experiments.papers.table1.trained import equivariant_name, gru_name, imitation_name, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.sampling import make_generator
from rl2lib.types import expect_kind

SHORT_SIGHTED = f"{BEST_KNOWN}, {TRAINED_PULLS} pulls ahead"
OWN_CLOCK, NEW_CLOCK = "a memory per arm, clock as trained", "a memory per arm, told the length"


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on the same tasks of one cell, the trained ones as they are."""
    num_pulls, num_arms = CELLS[cell]
    distribution, env = setting(CELLS[cell])
    place = 3_000_000 + 1_000 * num_pulls + num_arms
    tasks = distribution.sample(SIZES[scale].test_tasks, make_generator(place, "beyond: test"))
    home, home_env = setting(HOME)
    generator = make_generator(0, "beyond: validation")
    validation = home.sample(SIZES[scale].validation_tasks, generator)

    def at_home(policies: Sequence[SoftmaxPolicy]) -> list[SoftmaxPolicy]:
        return acting_best(policies, home_env, validation, seed=0)

    memories = at_home([with_arms(policy, 10) for policy in trained.policies(equivariant_name(TRAINED_PULLS))])
    widths = {f"c = {width:g}": width for width in WIDTHS}
    chosen, _ = best_of(
        ((name, bandit.UCB1(10, width)) for name, width in widths.items()), home_env, validation, seed=0
    )
    players = [
        Player(RANDOM, [bandit.Random(num_arms)]),
        Player(GREEDY, [bandit.Greedy(num_arms)]),
        Player(UCB1, [bandit.UCB1(num_arms, widths[chosen])], setting=f"{chosen}, of {HOME.name}"),
        Player(BEST_KNOWN, [FiniteHorizonGittins(num_arms, num_pulls)]),
        Player(RL2_EQUIVARIANT, [with_arms(policy, num_arms) for policy in memories], OWN_CLOCK, seeds=len(memories)),
    ]
    if num_pulls > TRAINED_PULLS:
        players.append(Player(SHORT_SIGHTED, [ShortSighted(num_arms, num_pulls)]))
    if num_pulls != TRAINED_PULLS:
        told = [with_arms(policy, num_arms).for_trials(num_pulls) for policy in memories]
        players.append(Player(RL2_EQUIVARIANT, told, NEW_CLOCK, seeds=len(told)))
    if num_arms == 10:
        for agent, run, how in ((RL2, gru_name, "PPO"), (RL2_IMITATION, imitation_name, "imitation")):
            policies = at_home(trained.policies(run(HOME)))
            players.append(Player(agent, policies, f"plain GRU by {how}, trained on {HOME.name}", seeds=len(policies)))
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=place,
        random=RANDOM,
        reference=BEST_KNOWN,
        chunk=max(100, 1_000_000 // (num_pulls * max(num_arms, 10))),
    ).rows
    return Measured(rows)


class ShortSighted(FiniteHorizonGittins):
    """The index of a trial that is thought to end within `TRAINED_PULLS` pulls: what looking no further costs alone."""

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arm of the highest index."""
        left = min(self.num_pulls - counts.steps, TRAINED_PULLS)
        return self.indices(counts.successes, counts.failures, left).argmax(dim=1)


def with_arms(policy: SoftmaxPolicy, num_arms: int) -> PairMemoryPolicy:
    """Return a policy with a memory per arm, its weights shared, for another number of arms.

    Raises:
        TypeError: if it has no memory per arm.
    """
    return expect_kind("policy", policy, PairMemoryPolicy).for_actions(num_arms)
