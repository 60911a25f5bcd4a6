"""Exact optima of the two environments that belief states were looked for in: dependent bandits and the corridor.

There an agent that keeps its belief over tasks, by Bayes' rule, needs nothing else to act optimally; Alver &
Precup 2021 (section 4) hold that this is what a trained recurrent state comes to be. The policies here keep that
belief and are what a recurrent one is compared with, together with what an agent would earn that is told the task.
"""

from __future__ import annotations

from statistics import fmean

import torch
from torch import Tensor

from rl2lib.agents.bandit import CountingAgent, Counts
from rl2lib.tasks.bandit import DependentBandits
from rl2lib.tasks.episodes import expect_counts
from rl2lib.tasks.pomdp import CorridorBelief
from rl2lib.types import RuleAgent, StepInput, TellsTies

TIE = 1e-9
"""Probabilities this close are taken for equal."""


class DependentBanditOptimal(CountingAgent, TellsTies[Counts]):
    """Plays two arms of means p and 1 - p optimally, p being drawn from known values.

    A success of arm 0 and a failure of arm 1 have the same probability, p: the belief depends only on how many
    pulls spoke *for p*, and every pull teaches the same, whichever arm it is. So the recursion

        V(t, h) = max(m, 1 - m) + m V(t + 1, h + 1) + (1 - m) V(t + 1, h),   m = E[p | h of t pulls spoke for p]

    gives both arms the same future. Nothing has to be explored: the optimum pulls the arm that looks better.

    Args:
        distribution: what p is drawn from; values that occur twice are twice as likely.
        num_pulls: n, the length of a trial.
        device: where its counts live.

    Attributes:
        value: the expected sum of rewards over a trial; 9.5 for ten pulls of `TWO_POINT`.
        informed_value: the same for an agent that is told p (`bandit.Oracle`): the best arm's mean, n times.
    """

    def __init__(self, distribution: DependentBandits, num_pulls: int, device: torch.device | str = "cpu") -> None:
        super().__init__(2, device)
        expect_counts(num_pulls=num_pulls)
        self.num_pulls = num_pulls
        self._values: Tensor | None = None
        best_mean = 0.75  # of U[0, 1]: the expected maximum of p and 1 - p
        if distribution.values is not None:
            self._values = torch.tensor(distribution.values, dtype=torch.float64)
            best_mean = self._values.maximum(1 - self._values).mean().item()
        self.informed_value = num_pulls * best_mean
        self.value, means = self._solve()
        self._means = means.to(self.device)

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the optimal arm, arm 0 on a tie."""
        return self.optimal_actions(counts).int().argmax(dim=1)

    def optimal_actions(self, counts: Counts) -> Tensor:
        """Return [B, 2] bool, which arms are optimal now: both on a tie.

        Raises:
            ValueError: if the trial is longer than `num_pulls`, or rewards are none of 0 and 1.
        """
        pulls, for_p = _pulls_for_p(counts)
        if int(most := pulls.max()) >= self.num_pulls:
            raise ValueError(f"counts: expected at most {self.num_pulls - 1} pulls before the last one, got {most}")
        mean = self._means[pulls, for_p]
        return torch.stack([mean > 0.5 - TIE, mean < 0.5 + TIE], dim=1)

    def belief(self, counts: Counts) -> Tensor:
        """Return the probability of each of the distribution's values, [B, M] float64 (eq. 1 of Alver & Precup 2021).

        Raises:
            ValueError: if p is drawn from U[0, 1], or no value explains the counts.
        """
        if self._values is None:
            raise ValueError("belief: p is drawn from U[0, 1] and has no list of values; its posterior is a Beta")
        pulls, for_p = _pulls_for_p(counts)
        belief = _belief(self._values.to(self.device), pulls, for_p)
        if bool((belief.sum(dim=1) == 0).any()):
            raise ValueError(f"counts: expected what one of the values {self._values.tolist()} can pay, got others")
        return belief

    def _solve(self) -> tuple[float, Tensor]:
        """The value of a trial, and the mean m of every t (row) and h (column): [n, n] float64."""
        means = torch.zeros(self.num_pulls, self.num_pulls, dtype=torch.float64)
        worth = torch.zeros(self.num_pulls + 1, dtype=torch.float64)
        for pulled in range(self.num_pulls - 1, -1, -1):
            for_p = torch.arange(pulled + 1)
            if self._values is None:
                mean = (for_p.double() + 1) / (pulled + 2)
            else:
                mean = _belief(self._values, torch.full_like(for_p, pulled), for_p) @ self._values
            worth = mean.maximum(1 - mean) + mean * worth[1:] + (1 - mean) * worth[:-1]
            means[pulled, : pulled + 1] = mean
        return worth.item(), means


def _pulls_for_p(counts: Counts) -> tuple[Tensor, Tensor]:
    """How many pulls [B] there were, and how many spoke for p: arm 0 succeeding or arm 1 failing."""
    whole = counts.successes.round(), counts.failures.round()
    if not (torch.equal(whole[0], counts.successes) and torch.equal(whole[1], counts.failures)):
        raise ValueError("counts: expected sums of rewards of 0 or 1, got others")
    return counts.pulls.sum(dim=1).long(), (counts.successes[:, 0] + counts.failures[:, 1]).long()


def _belief(values: Tensor, pulls: Tensor, for_p: Tensor) -> Tensor:
    """The posterior over values [M] after these many pulls [...]: [..., M]; zeros where no value explains them."""
    successes, failures = for_p.double()[..., None], (pulls - for_p).double()[..., None]
    log_likelihood = torch.xlogy(successes, values) + torch.xlogy(failures, 1 - values)
    return log_likelihood.softmax(dim=-1).nan_to_num(0.0)


class CorridorOptimal(RuleAgent[CorridorBelief]):
    """Finds the corridor's hidden goal in as few steps as can be expected, and walks straight to it afterwards.

    Not knowing the side it walks to the nearer end, left from the middle; what is paid there, or not, tells the
    side for good. That takes d or 3d steps in the first episode and d in every later one: 3d over two episodes,
    on average. A discount below 1 makes this optimal and a detour not; without one all who arrive in time earn the
    same.

    Args:
        half_length: d, the steps from the start to an end.
        horizon: the steps after which an episode times out; None: 10 d, as in `CorridorEnv`.
        episodes_per_trial: n.
        goal_reward: paid at the goal, above 0.
        device: where its belief lives.

    Attributes:
        value: the expected sum of rewards over a trial.
        expected_steps: how long each of the n episodes takes on average.

    Raises:
        ValueError: if a count is below 1 or the reward is not above 0.
    """

    def __init__(
        self,
        half_length: int = 5,
        horizon: int | None = None,
        episodes_per_trial: int = 2,
        *,
        goal_reward: float = 10.0,
        device: torch.device | str = "cpu",
    ) -> None:
        horizon = 10 * half_length if horizon is None else horizon
        expect_counts(half_length=half_length, horizon=horizon, episodes_per_trial=episodes_per_trial)
        if not 0 < goal_reward < float("inf"):
            raise ValueError(f"goal_reward: expected a number above 0, got {goal_reward}")
        self.half_length = half_length
        self.goal_reward = goal_reward
        self.device = torch.device(device)
        direct, detour = self._first_episode()
        walks = [(direct, detour)] + [(half_length, half_length)] * (episodes_per_trial - 1)
        self.expected_steps = tuple(fmean(min(steps, horizon) for steps in walk) for walk in walks)
        self.value = goal_reward * sum(fmean(steps <= horizon for steps in walk) for walk in walks)

    def _first_episode(self) -> tuple[int, int]:
        """The steps of the first episode, for either side of the goal."""
        return self.half_length, 3 * self.half_length

    def initial_state(self, batch_size: int, tasks: Tensor | None = None) -> CorridorBelief:
        """Return a trial's start: either side is as likely."""
        return CorridorBelief.first(batch_size, self.half_length, self.device)

    def act(
        self, state: CorridorBelief, inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, CorridorBelief]:
        """Learn from the step the input tells of, then walk: actions [B], 0 left and 1 right."""
        state = state.observe(inputs, self.half_length)
        rightwards = (state.right > 0.5) | ((state.right == 0.5) & (state.cell > self.half_length))
        return rightwards.long(), state.acted()


class CorridorOracle(CorridorOptimal, sees_task=True):
    """Is told the goal's side and walks straight to it, d steps an episode: the informed maximum.

    Args and attributes are those of `CorridorOptimal`.
    """

    def _first_episode(self) -> tuple[int, int]:
        return self.half_length, self.half_length

    def initial_state(self, batch_size: int, tasks: Tensor | None = None) -> CorridorBelief:
        """Return certainty about the goal's sides, tasks [B] int64.

        Raises:
            ValueError: if it is not told them.
        """
        if tasks is None:
            raise ValueError("tasks: the oracle must be told the goals' sides [B], got None")
        return super().initial_state(batch_size)._replace(right=tasks.to(self.device, torch.float32))
