"""Every task as a registered Gymnasium environment: `import rl2lib.gym`, then `gymnasium.make("rl2/corridor-v0")`.

One Gymnasium episode is one *trial*, so that an agent which resets its state at an episode's start, as all do, lives
exactly as long as ours. What is observed is the flat step input (o_t, a_{t-1}, r_{t-1}, d_{t-1}): a policy that is
to learn from a trial must be fed its rewards. Every reset draws a new task from `np_random`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rl2lib.extras import needs_extra
from rl2lib.tasks.catalogue import make_task, task_ids
from rl2lib.tasks.features import flat_step_input
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Step, StepInput

with needs_extra("gym", "rl2lib.gym"):
    import gymnasium
    from gymnasium import spaces
    from gymnasium.error import InvalidAction, ResetNeeded
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

NAMESPACE = "rl2"

Observation = NDArray[np.float32]


class GymTrial(gymnasium.Env[Observation, np.int64]):
    """One trial an episode: `terminated` at the trial's end, never `truncated`, a new task at every reset.

    `info` tells, for scoring and never for a policy: "episode_end" and "timed_out" of the episode inside the trial
    and, where the environment knows it, "expected_reward".

    Args:
        task_id: one of `rl2lib.tasks.catalogue.task_ids()`.
        render_mode: None; there is nothing to see.
        options: the task's, e.g. `num_arms=10`.

    Raises:
        ValueError: if there is no such task (the nearest is suggested), or a render mode is asked for.
        TypeError: if the task has no such option.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(self, task_id: str, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None:
            raise ValueError(f"render_mode: expected None, got {render_mode!r}; these tasks draw no pictures")
        self.distribution, self.env = make_task(task_id, **options)
        num_actions = self.env.num_actions
        num_observed = int(np.prod(self.env.observation_shape))
        bounds = np.ones(num_observed + num_actions + 2, dtype=np.float32)
        bounds[:num_observed] = bounds[-2] = np.inf
        low = np.where(np.isinf(bounds), -bounds, 0).astype(np.float32)
        self.observation_space = spaces.Box(low, bounds, dtype=np.float32)
        self.action_space = spaces.Discrete(num_actions)
        self._running = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a task from `np_random` and start a trial on it; `options` are not used."""
        super().reset(seed=seed)
        stream = int(self.np_random.integers(2**63))
        generators = make_generators(stream, "tasks", "env")
        tasks = self.distribution.sample(1, generators["tasks"])
        observation = self.env.reset(tasks, generators["env"])
        self._running = True
        return self._flat(StepInput.first(observation)), {}

    @torch.no_grad()
    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take an action of the trial.

        Raises:
            ResetNeeded: if no trial is running.
            InvalidAction: if the action is none of 0..A-1.
        """
        if not self._running:
            raise ResetNeeded("step: no trial is running, it has ended or was never started; call reset() first")
        if not self.action_space.contains(action):
            raise InvalidAction(f"action: expected an integer 0..{self.env.num_actions - 1}, got {action!r}")
        actions = torch.tensor([int(action)])
        step: Step = self.env.step(actions)
        ended = bool(step.trial_end)
        self._running = not ended
        info: dict[str, Any] = {"episode_end": bool(step.episode_end), "timed_out": bool(step.timed_out)}
        if step.expected_reward is not None:
            info["expected_reward"] = float(step.expected_reward)
        inputs = StepInput(step.observation, actions, step.reward, step.episode_end.to(torch.float32))
        return self._flat(inputs), float(step.reward), ended, False, info

    def _flat(self, inputs: StepInput) -> Observation:
        flat: Observation = flat_step_input(inputs, self.env.num_actions)[0].numpy()
        return flat


def make_vector(task_id: str, num_envs: int = 1, **options: Any) -> SyncVectorEnv[Observation, Any]:
    """Return `num_envs` trials in lockstep; one that ends starts the next in the same step (SAME_STEP autoreset).

    What `gymnasium.make_vec` calls. The observation after a trial's end is then the next trial's first, and the last
    one's is in `info["final_obs"]`.

    Args:
        task_id: one of `rl2lib.tasks.catalogue.task_ids()`.
        num_envs: how many.
        options: the task's.
    """

    def make() -> GymTrial:
        return GymTrial(task_id, **options)

    return SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)


def gym_id(task_id: str) -> str:
    """Return the Gymnasium id of a task, e.g. "rl2/corridor-v0"."""
    return f"{NAMESPACE}/{task_id}-v0"


def register_all() -> None:
    """Register every task with Gymnasium, once; importing this module does."""
    for task_id in task_ids():
        if gym_id(task_id) not in gymnasium.registry:
            gymnasium.register(
                gym_id(task_id),
                entry_point="rl2lib.gym:GymTrial",
                vector_entry_point="rl2lib.gym:make_vector",
                kwargs={"task_id": task_id},
            )


register_all()
