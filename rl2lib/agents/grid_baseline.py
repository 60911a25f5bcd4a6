"""A baseline for grids with a hidden goal: it sees the goal, and whether the agent has found it before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.feedforward import Perceptron
from rl2lib.agents.grid import distances
from rl2lib.tasks.gridworld import GridEnv, GridTasks
from rl2lib.types import StepInput

NUM_GRID_FEATURES = 7


class GridBaseline(Baseline):
    """A perceptron on what the return still to come hangs on, the way to the goal above all.

    With it an advantage tells at once whether a step led nearer to the goal, also before the goal is known; what
    the policy, which cannot know, did by luck evens out over tasks.

    Args:
        env: the grid; the goal's reward must outweigh a step's.
        hidden_size: of the perceptron.
        generator: draws the initial weights.

    Attributes:
        sees_task: True; it is shown the tasks, which no policy is.
    """

    sees_task = True

    def __init__(self, env: GridEnv, hidden_size: int = 64, *, generator: torch.Generator) -> None:
        super().__init__()
        self.horizon, self.num_episodes = env.horizon, env.episodes_per_trial
        scaled = distances(env).clamp(max=4 * env.size).to(torch.float32) / env.size
        self.register_buffer("scaled", scaled, persistent=False)  # of the layout, not learned
        self.scaled: Tensor
        self.network = Perceptron(NUM_GRID_FEATURES, hidden_size, 1, generator=generator)

    def values(self, inputs: StepInput, tasks: GridTasks | Any = None) -> Tensor:
        """Return the values [B, T] of whole trials' inputs.

        Raises:
            ValueError: if it is shown no tasks.
        """
        if tasks is None:
            raise ValueError("tasks: this baseline sees the task, got None")
        values: Tensor = self.network(self.features(inputs, tasks))
        return values.squeeze(-1)

    def features(self, inputs: StepInput, tasks: GridTasks) -> Tensor:
        """Return [B, T, 7]: the way to the goal, whether it has been found, time used, episodes left, and products."""
        way = self.scaled[tasks.goal[:, None], inputs.observation.argmax(dim=-1)]
        ended = inputs.prev_end
        found = ((ended > 0) & (inputs.prev_reward > 0)).to(torch.float32).cummax(dim=1).values
        time = torch.arange(ended.shape[1], device=ended.device).expand(ended.shape)
        began = torch.where(ended > 0, time, 0).cummax(dim=1).values
        used = (time - began) / self.horizon
        left = 1 - ended.cumsum(dim=1) / self.num_episodes
        return torch.stack([way, found, found * way, used, left, left * found, used * (1 - found)], dim=-1)
