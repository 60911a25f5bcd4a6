"""The only agent-environment loop: training, evaluation, baselines and figures all come through here."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.types import Policy, Step, StepInput, Trajectory, TrialEnv, as_agent, expect_shape


@torch.no_grad()
def rollout(
    policy: Policy[Any],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    policy_generator: torch.Generator,
    env_generator: torch.Generator,
) -> Trajectory:
    """Play one trial on every task, side by side.

    The policy's state is made once, before the first step, and lives until the last: it survives episodes and
    not trials. Two generators, so that an agent's own draws never shift the environment's.

    Args:
        policy: the agent; of the library's own, those that see the task are handed it.
        env: the environment, reset here.
        tasks: B tasks, as the environment takes them.
        policy_generator: the agent's randomness.
        env_generator: the environment's randomness.

    Returns:
        B whole trials, padded to the longest.

    Raises:
        ValueError: if the policy's actions are not [B] integers in 0..A-1.
    """
    observation = env.reset(tasks, env_generator)
    agent = as_agent(policy)
    state = agent.initial_state(observation.shape[0], tasks if agent.sees_task else None)
    inputs = StepInput.first(observation)
    running = torch.ones_like(inputs.prev_end, dtype=torch.bool)
    observations: list[Tensor] = []
    actions: list[Tensor] = []
    steps: list[Step] = []
    masks: list[Tensor] = []
    while bool(running.any()):
        action, state = agent.act(state, inputs, policy_generator)
        _check_actions(action, observation.shape[0], env.num_actions)
        step = env.step(action)
        observations.append(inputs.observation)
        actions.append(action)
        steps.append(step)
        masks.append(running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.to(torch.float32))
    mask = torch.stack(masks, dim=1)

    def padded(values: list[Tensor]) -> Tensor:
        stacked = torch.stack(values, dim=1)
        extra_axes = [1] * (stacked.ndim - 2)
        return torch.where(mask.reshape(*mask.shape, *extra_axes), stacked, torch.zeros_like(stacked))

    expected = [step.expected_reward for step in steps if step.expected_reward is not None]
    return Trajectory(
        observation=padded(observations),
        action=padded(actions),
        reward=padded([step.reward for step in steps]),
        episode_end=padded([step.episode_end for step in steps]),
        timed_out=padded([step.timed_out for step in steps]),
        trial_end=padded([step.trial_end for step in steps]),
        mask=mask,
        expected_reward=padded(expected) if expected else None,
    )


def _check_actions(actions: Tensor, batch_size: int, num_actions: int) -> None:
    if actions.dtype != torch.int64:
        raise ValueError(f"actions: expected int64, got {actions.dtype}; an argmax or a draw of an index is int64")
    expect_shape("actions", actions, "[B]", (batch_size,))
    low, high = (int(bound) for bound in actions.aminmax())
    if low < 0 or high >= num_actions:
        raise ValueError(f"actions: expected 0..{num_actions - 1}, got values from {low} to {high}")
