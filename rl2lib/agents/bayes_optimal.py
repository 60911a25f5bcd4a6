"""The exact optimum of short bandit trials, by dynamic programming over what was counted.

After some pulls of independent U[0, 1] arms, all that matters is each arm's (successes, failures), and arms
that look alike are interchangeable: a belief is a *multiset* of the counts of the arms tried so far. Ten pulls
of ten arms meet 2,296 of them before the last reward, and an eleventh arm adds none.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from rl2lib.agents.bandit import CountingAgent, Counts
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import TellsTies

Arm = tuple[int, int]
Belief = tuple[Arm, ...]

UNTRIED: Arm = (0, 0)
MAX_BELIEFS = 2_000_000


class BayesOptimalPlan:
    """The optimal value of every belief that a trial can meet.

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial.

    Attributes:
        value: the expected sum of rewards of an optimal agent over a trial.

    Raises:
        ValueError: if a size is below 1, or if the trial meets more beliefs than memory should hold.
    """

    def __init__(self, num_arms: int, num_pulls: int) -> None:
        expect_counts(num_arms=num_arms, num_pulls=num_pulls)
        self.num_arms, self.num_pulls = num_arms, num_pulls
        self._values: dict[Belief, float] = {}
        self.value = self._solve((), num_pulls)

    def action_values(self, belief: Belief, pulls_left: int) -> dict[Arm, float]:
        """Return, for every distinct kind of arm, the value of pulling one now and playing optimally after."""
        kinds = dict.fromkeys(belief)
        if len(belief) < self.num_arms:
            kinds[UNTRIED] = None
        values = {}
        for arm in kinds:
            successes, failures = arm
            mean = (successes + 1) / (successes + failures + 2)
            win = self._solve(_replace(belief, arm, (successes + 1, failures)), pulls_left - 1)
            lose = self._solve(_replace(belief, arm, (successes, failures + 1)), pulls_left - 1)
            values[arm] = mean * (1 + win) + (1 - mean) * lose
        return values

    def optimal_arms(self) -> dict[Belief, list[Arm]]:
        """Return every belief with the kinds of arm that are optimal there (more than one on a tie)."""
        optimal = {}
        for belief in self._values:
            values = self.action_values(belief, self.num_pulls - sum(map(sum, belief)))
            best = max(values.values())
            optimal[belief] = [arm for arm, value in values.items() if value > best - 1e-9]
        return optimal

    def _solve(self, belief: Belief, pulls_left: int) -> float:
        if pulls_left == 0:
            return 0.0
        value = self._values.get(belief)
        if value is None:
            value = max(self.action_values(belief, pulls_left).values())
            self._values[belief] = value
            if len(self._values) > MAX_BELIEFS:
                raise ValueError(
                    f"num_arms, num_pulls: {self.num_arms} arms and {self.num_pulls} pulls meet more than "
                    f"{MAX_BELIEFS:,} beliefs; the exact optimum is for short trials (20 pulls are fine)"
                )
        return value


def _replace(belief: Belief, arm: Arm, by: Arm) -> Belief:
    """Return the belief with one arm of a kind changed; an untried arm is not listed, so it is only added."""
    arms = list(belief)
    if arm != UNTRIED:
        arms.remove(arm)
    return tuple(sorted([*arms, by]))


def bayes_optimal_value(num_arms: int, num_pulls: int) -> float:
    """Return the expected total reward of the optimal agent on independent U[0, 1] arms.

    Args:
        num_arms: K.
        num_pulls: n; 5 arms and 10 pulls are worth 6.6600, and no agent's true mean lies above.
    """
    return BayesOptimalPlan(num_arms, num_pulls).value


class BayesOptimal(CountingAgent, TellsTies[Counts]):
    """Plays the exact optimum for trials of `num_pulls` pulls of independent U[0, 1] arms.

    The plan is a table from beliefs to arms. To look a whole batch up at once, each kind of arm gets a random
    64-bit number and a belief the wrapping sum of its arms' numbers: one key, the same in any order.
    """

    def __init__(self, num_arms: int, num_pulls: int, device: torch.device | str = "cpu") -> None:
        super().__init__(num_arms, device)
        self.plan = BayesOptimalPlan(num_arms, num_pulls)

    @property
    def value(self) -> float:
        """The expected sum of rewards over a trial."""
        return self.plan.value

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the lowest-numbered optimal arm."""
        return self.optimal_actions(counts).int().argmax(dim=1)

    def optimal_actions(self, counts: Counts) -> Tensor:
        """Return [B, K] bool, which arms are optimal now: more than one on a tie.

        Raises:
            ValueError: if the counts are none that this plan can meet.
        """
        hashes, keys, optimal = self._table
        limit = self.plan.num_pulls
        if int(most := counts.pulls.sum(dim=1).max()) >= limit:
            raise ValueError(f"counts: expected at most {limit - 1} pulls before the last one, got {most:g}")
        successes, failures = counts.successes.long(), counts.failures.long()
        kinds = successes * (limit + 1) + failures
        wanted = hashes[kinds].sum(dim=1)
        row = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        whole = torch.equal(counts.successes, successes.to(counts.successes.dtype))
        if not (whole and bool((keys[row] == wanted).all())):
            raise ValueError("counts: expected sums of rewards of 0 or 1, got others")
        return optimal[row].gather(1, kinds)

    @cached_property
    def _table(self) -> tuple[Tensor, Tensor, Tensor]:
        """The kinds' numbers [N], the beliefs' keys [M], sorted, and which kinds are optimal there [M, N]."""
        base = self.plan.num_pulls + 1
        generator = torch.Generator().manual_seed(0)
        hashes = torch.randint(-(2**62), 2**62, (base**2,), generator=generator)
        hashes[0] = 0  # an untried arm is not listed in a belief
        plan = self.plan.optimal_arms()
        keys = torch.zeros(len(plan), dtype=torch.int64)
        optimal = torch.zeros(len(plan), base**2, dtype=torch.bool)
        for row, (belief, arms) in enumerate(plan.items()):
            keys[row] = hashes[[s * base + f for s, f in belief]].sum()
            optimal[row, [s * base + f for s, f in arms]] = True
        keys, order = keys.sort()
        if bool((keys.diff() == 0).any()):
            raise RuntimeError("two beliefs share a key; change the seed of the hashes")
        return hashes.to(self.device), keys.to(self.device), optimal[order].to(self.device)
