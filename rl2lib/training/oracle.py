"""The exact gradient of a tiny bandit, to hold any estimator against.

With 2 arms and 2 pulls a trial can go only sixteen ways. Listing them all gives the expected return as a
function of the weights, so autograd gives its true gradient; and an estimator's expectation and spread are sums
over the same list, without sampling. Every gradient bug that a noisy training curve hides shows here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training.losses import action_log_probs
from rl2lib.training.returns import discounted_returns
from rl2lib.types import Trajectory

Loss = Callable[[Trajectory], Tensor]


@dataclass(frozen=True)
class GradientMoments:
    """An estimator's gradient over all trials, each weighted by its probability.

    Attributes:
        mean: by parameter name, the expectation.
        variance: the sum over all parameters of the estimates' variance, for a batch of one trial.
    """

    mean: dict[str, Tensor]
    variance: float


class ExactOracle:
    """Every trial of a few small bandits: what can happen, and how likely the environment makes it.

    Args:
        tasks: [M, K], the bandits' means; each is drawn with probability 1/M.
        num_pulls: n; the list has M (2K)^n trials.

    Attributes:
        trajectory: all trials, [M (2K)^n, n].
        tasks: the task of each of them, [M (2K)^n, K].
        environment_prob: [M (2K)^n], of the task and of the rewards given the actions.
    """

    def __init__(self, tasks: Tensor, num_pulls: int) -> None:
        num_tasks, num_arms = tasks.shape
        one_pull = list(itertools.product(range(num_arms), (0.0, 1.0)))
        trials = torch.tensor(list(itertools.product(one_pull, repeat=num_pulls)))  # [(2K)^n, n, 2]
        action = trials[..., 0].long().repeat(num_tasks, 1)
        reward = trials[..., 1].repeat(num_tasks, 1)
        self.tasks = tasks.repeat_interleave(len(trials), dim=0)
        mean = self.tasks.gather(1, action)
        self.environment_prob = torch.where(reward == 1, mean, 1 - mean).prod(dim=1) / num_tasks
        every = torch.ones_like(reward, dtype=torch.bool)
        last = torch.zeros_like(every)
        last[:, -1] = True
        self.trajectory = Trajectory(
            observation=torch.zeros(*reward.shape, 1),
            action=action,
            reward=reward,
            episode_end=every,
            timed_out=~every,
            trial_end=last,
            mask=every,
            expected_reward=mean,
        )

    def probabilities(self, policy: SoftmaxPolicy) -> Tensor:
        """Return each trial's probability under a policy, differentiable in its weights; they sum to 1."""
        logits, _ = policy.unroll(self.trajectory.step_inputs())
        return self.environment_prob * action_log_probs(logits, self.trajectory.action).sum(dim=1).exp()

    def expected_return(self, policy: SoftmaxPolicy, discount: float = 1.0) -> Tensor:
        """Return the expected discounted return of a trial, differentiable in the weights."""
        returns = discounted_returns(self.trajectory.reward, self.trajectory.mask, discount)
        return (self.probabilities(policy) * returns[:, 0]).sum()

    def true_gradient(self, policy: SoftmaxPolicy, discount: float = 1.0) -> dict[str, Tensor]:
        """Return the gradient of the expected return, by parameter name."""
        return _gradient(self.expected_return(policy, discount), policy)

    def scores(self, policy: SoftmaxPolicy) -> Tensor:
        """Return ∇ log π(a_t | history) of every step, [M (2K)^n, n, P], the P weights flattened in their order.

        REINFORCE's estimate from one trial is the sum over its steps of score times advantage: whoever changes
        the advantages only, a baseline say, needs no second backward pass.
        """
        logits, _ = policy.unroll(self.trajectory.step_inputs())
        log_probs = action_log_probs(logits, self.trajectory.action)
        flat = [
            torch.cat([value.flatten() for value in _gradient(log_prob, policy).values()])
            for log_prob in log_probs.flatten()
        ]
        return torch.stack(flat).reshape(*log_probs.shape, -1)

    def moments(self, policy: SoftmaxPolicy, loss: Loss) -> GradientMoments:
        """Return expectation and variance of an estimator's ascent direction, -∇ loss.

        Args:
            policy: whose weights are differentiated.
            loss: from one trial, a trajectory [1, n], to a scalar. For an unbiased estimator the
                expectation equals `true_gradient`.
        """
        weights = self.probabilities(policy).detach().double()
        estimates = []
        for row in range(len(weights)):
            gradient = _gradient(-loss(self.trajectory.select(torch.tensor([row]))), policy)
            estimates.append(torch.cat([value.flatten() for value in gradient.values()]).double())
        stacked = torch.stack(estimates)
        mean = weights @ stacked
        variance = (weights @ (stacked - mean).square()).sum().item()
        parts = mean.float().split([parameter.numel() for parameter in policy.parameters()])
        named = {
            name: part.reshape(parameter.shape)
            for (name, parameter), part in zip(policy.named_parameters(), parts, strict=True)
        }
        return GradientMoments(named, variance)


def _gradient(objective: Tensor, module: nn.Module) -> dict[str, Tensor]:
    names = [name for name, _ in module.named_parameters()]
    parameters = list(module.parameters())
    gradients = torch.autograd.grad(objective, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    return dict(zip(names, gradients, strict=True))
