"""The other side: sb3-contrib's RecurrentPPO, fed our batched bandits without a Python loop over environments.

One of their episodes is one of our trials, the observation is the flat step input of `rl2lib.gym`, and every reset
draws new tasks. Their library would otherwise wrap each trial in an environment of its own, and be measured for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from benchmarks.ours import Sizes
from rl2lib.gym import GymTrial
from rl2lib.tasks.features import flat_step_input
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import ActsBy, Agent, StepInput

State = tuple[NDArray[np.float32], ...] | None


class BatchedTrials(VecEnv):
    """A task's batched environment as sb3's `VecEnv`, for tasks whose trials all last equally long.

    `seed` fixes the streams of tasks and luck from the next `reset` on: the same seed gives the same bandits as
    `rl2lib.training.loop.train` draws.

    Args:
        task_id: one of `rl2lib.tasks.catalogue.task_ids()`.
        num_envs: trials side by side.
        seed: of tasks and luck.
        options: the task's.
    """

    def __init__(self, task_id: str, num_envs: int, seed: int = 0, **options: Any) -> None:
        one = GymTrial(task_id, **options)
        self.distribution, self.env = one.distribution, one.env
        self.render_mode = None
        super().__init__(num_envs, one.observation_space, one.action_space)
        self._no_infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        self.seed(seed)

    def reset(self) -> NDArray[np.float32]:
        """Start a trial on new tasks; return observations [B, D]."""
        if (seed := self._seeds[0]) is not None:
            self._generators = make_generators(seed, "tasks", "env")
            self._reset_seeds()
        tasks = self.distribution.sample(self.num_envs, self._generators["tasks"])
        return self._flat(StepInput.first(self.env.reset(tasks, self._generators["env"])))

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions [B] until `step_wait`."""
        self._actions = torch.as_tensor(actions, dtype=torch.int64)

    @torch.no_grad()
    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Take the actions; a trial's end is followed by the next one's first observation, as sb3 has it.

        Raises:
            NotImplementedError: if some trials have ended and others have not.
        """
        step = self.env.step(self._actions)
        ended = step.trial_end.numpy()
        last = self._flat(StepInput(step.observation, self._actions, step.reward, step.episode_end.to(torch.float32)))
        if not ended.any():
            return last, step.reward.numpy(), ended, self._no_infos
        if not ended.all():
            raise NotImplementedError("trials of different lengths: use gymnasium.make_vec")
        return self.reset(), step.reward.numpy(), ended, [{"terminal_observation": row} for row in last]

    def close(self) -> None:
        """Nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for every trial."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: trials share one environment."""
        raise NotImplementedError("set_attr: the trials share one environment")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse: trials share one environment."""
        raise NotImplementedError("env_method: the trials share one environment")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Say that nothing is wrapped."""
        return [False] * len(list(self._get_indices(indices)))

    def _flat(self, inputs: StepInput) -> NDArray[np.float32]:
        flat: NDArray[np.float32] = flat_step_input(inputs, self.env.num_actions).numpy()
        return flat


def recurrent_ppo(sizes: Sizes, *, seed: int = 0, shared: bool = False, **settings: Any) -> RecurrentPPO:
    """Return sb3-contrib's learner on bandits of these sizes, minibatches in the steps of whole trials.

    Its networks are an LSTM and a linear layer, as ours are a GRU and one: the two further layers that
    MlpLstmPolicy has by default are left out, in its favour.

    Args:
        sizes: what is trained.
        seed: of everything.
        shared: one LSTM, from which its critic reads without training it; default: a critic LSTM of its own.
        settings: other than `RecurrentPPO`'s defaults.
    """
    env = BatchedTrials("independent-bandits", sizes.trials, seed, num_arms=sizes.num_arms, num_pulls=sizes.num_pulls)
    network = {"lstm_hidden_size": sizes.hidden_size, "net_arch": []}
    if shared:
        network |= {"shared_lstm": True, "enable_critic_lstm": False}
    batch_size = sizes.minibatch_trials * sizes.num_pulls
    fixed = {"n_steps": sizes.num_pulls, "n_epochs": sizes.epochs, "batch_size": batch_size, "device": "cpu"}
    return RecurrentPPO("MlpLstmPolicy", env, seed=seed, policy_kwargs=network, **{**fixed, **settings})


def iterate(model: RecurrentPPO, sizes: Sizes, seed: int) -> None:
    """Train for one iteration on the bandits that the seed draws."""
    model.env.seed(seed)
    model.learn(sizes.steps, log_interval=None)


class Player(Agent[State]):
    """Their greedy policy as one of ours, to be scored on the same tasks in the same loop."""

    sees_task = False
    mode: ActsBy = "greedy"

    def __init__(self, model: RecurrentPPO) -> None:
        self.model = model

    def initial_state(self, batch_size: int, tasks: object = None) -> State:
        """Return None, a trial's start."""
        return None

    def act(self, state: State, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, State]:
        """Return the likeliest actions [B] and the next state."""
        observation = flat_step_input(inputs, int(self.model.action_space.n)).numpy()
        starts = np.full(len(observation), state is None)
        actions, state = self.model.policy.predict(observation, state, starts, deterministic=True)
        return torch.as_tensor(actions, dtype=torch.int64), state


class Between(BaseCallback):
    """Calls `look` between iterations and stops when it says so."""

    def __init__(self, look: Callable[[], bool]) -> None:
        super().__init__()
        self.look, self.enough = look, False

    def _on_rollout_start(self) -> None:
        self.enough = self.enough or self.look()

    def _on_step(self) -> bool:
        return not self.enough
