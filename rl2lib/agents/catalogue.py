"""Every agent that needs no training under a short id, as tasks are in `rl2lib.tasks.catalogue`.

agent = make_agent("ucb1", num_arms=10, c=0.2)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rl2lib.agents import bandit, bayes_optimal, belief_optimal, gittins, harlow, optimism, tabular, two_step
from rl2lib.tasks.by_id import make_by_id
from rl2lib.types import Agent

AGENTS: dict[str, Callable[..., Agent[Any]]] = {
    "random": bandit.Random,
    "greedy": bandit.Greedy,
    "epsilon-greedy": bandit.EpsilonGreedy,
    "ucb1": bandit.UCB1,
    "thompson": bandit.Thompson,
    "optimistic-thompson": bandit.OptimisticThompson,
    "gittins": gittins.Gittins,
    "finite-horizon-gittins": gittins.FiniteHorizonGittins,
    "bayes-optimal": bayes_optimal.BayesOptimal,
    "bandit-oracle": bandit.Oracle,
    "dependent-bandit-optimal": belief_optimal.DependentBanditOptimal,
    "corridor-optimal": belief_optimal.CorridorOptimal,
    "corridor-oracle": belief_optimal.CorridorOracle,
    "two-step-optimal": two_step.TwoStepOptimal,
    "two-step-model-free": two_step.TwoStepModelFree,
    "harlow-optimal": harlow.HarlowOptimal,
    "mdp-greedy": tabular.Greedy,
    "mdp-epsilon-greedy": tabular.EpsilonGreedy,
    "psrl": tabular.PSRL,
    "opsrl": tabular.OPSRL,
    "beb": optimism.BEB,
    "ucrl2": optimism.UCRL2,
    "transition-blind": optimism.TransitionBlind,
    "mdp-oracle": tabular.Oracle,
}
"""Bandit agents, then those of the other tasks, then of tabular MDPs."""


def make_agent(agent_id: str, **options: Any) -> Agent[Any]:
    """Return the agent of an id.

    Args:
        agent_id: one of `AGENTS`.
        options: of its class, e.g. `num_arms=10`.

    Raises:
        ValueError: if there is no such agent (the nearest is suggested) or an option's value makes no sense.
        TypeError: if the agent has no such option, or one that it needs is missing.
    """
    return make_by_id("agent", AGENTS, agent_id, options)
