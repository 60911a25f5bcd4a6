"""What right answers of notebook 06 give, and what the usual slips give on the same input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rl2lib.lab.checks.goal_trials import episode_slips
from rl2lib.types import Trajectory

UP, RIGHT, DOWN, LEFT = range(4)


def grid_state(cell: Sequence[int], goal: Sequence[int], steps: Sequence[int]) -> dict[str, Tensor]:
    """Return B grids as the exercises take them."""
    return {"cell": torch.tensor(cell), "goal": torch.tensor(goal), "steps": torch.tensor(steps)}


def _moved(cell: Tensor, action: Tensor, size: int, slip: str) -> Tensor:
    """Return the cells after a move, a right one or one with the named slip."""
    row, column = cell // size, cell % size
    down = (action == DOWN).long() - (action == UP).long()
    right = (action == RIGHT).long() - (action == LEFT).long()
    if slip.startswith("edge_runs_on"):
        number = cell + down * size + right
        return number % size**2 if slip.endswith("modulo") else number.clamp(0, size**2 - 1)
    turned = slip == "rows_and_columns_swapped"
    row, column = (row + right, column + down) if turned else (row + down, column + right)
    if slip == "walls_wrap":
        return row % size * size + column % size
    return row.clamp(0, size - 1) * size + column.clamp(0, size - 1)


def step_with(
    state: dict[str, Tensor], action: Tensor, size: int, horizon: int, slip: str = ""
) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    """Return what a right step gives, or one with the named slip."""
    moved = _moved(state["cell"], action, size, slip)
    steps = state["steps"] + 1
    arrived = (state["cell"] if slip == "goal_looked_for_before_the_move" else moved) == state["goal"]
    late = steps > horizon if slip == "one_step_too_many" else steps >= horizon
    timed_out = late if slip == "goal_on_the_last_step_is_a_time_out" else late & ~arrived
    ended = arrived | timed_out
    if slip == "goal_does_not_end_the_episode":
        ended = timed_out
    if slip == "time_out_does_not_end_the_episode":
        ended = arrived
    reward = torch.where(arrived, 0.96, -0.04)
    if slip == "goal_step_costs_nothing":
        reward = torch.where(arrived, 1.0, -0.04)
    goal = state["goal"]
    cell = torch.where(timed_out if slip == "agent_stays_at_the_goal" else ended, 0, moved)
    kept = steps if slip == "clock_not_reset" else torch.where(ended, 0, steps)
    flag = arrived if slip == "time_out_without_flag" else ended
    if slip == "flags_exchanged":
        flag, timed_out = timed_out, flag
    return {"cell": cell, "goal": goal, "steps": kept}, reward, flag, timed_out


STEP_SLIPS = (
    "walls_wrap",
    "edge_runs_on",
    "edge_runs_on_modulo",
    "rows_and_columns_swapped",
    "goal_does_not_end_the_episode",
    "goal_step_costs_nothing",
    "goal_on_the_last_step_is_a_time_out",
    "one_step_too_many",
    "time_out_without_flag",
    "agent_stays_at_the_goal",
    "clock_not_reset",
    "goal_looked_for_before_the_move",
    "time_out_does_not_end_the_episode",
    "flags_exchanged",
)


def observe_slips(state: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """What the usual slips show."""
    cell, goal, cells = state["cell"], state["goal"], size * size

    def marks(where: Tensor) -> Tensor:
        return (torch.arange(cells) == where[:, None]).float()

    place = torch.stack([cell // size, cell % size], dim=-1)
    return {
        "goal_beside_the_position": torch.cat([marks(cell), marks(goal)], dim=-1),
        "goal_marked_on_the_map": marks(cell) + marks(goal),
        "goal_marked_by_minus_one": marks(cell) - marks(goal),
        "way_to_the_goal": torch.cat([marks(cell), (goal - cell)[:, None].float()], dim=-1),
        "goal_in_place_of_the_position": marks(goal),
        "cell_number": cell[:, None].float(),
        "cell_number_alone": cell.float(),
        "row_and_column": place.float(),
        "still_integers": marks(cell).long(),
        "map_not_flattened": marks(cell).reshape(-1, size, size),
        "every_cell_of_the_batch": marks(cell).amax(dim=0).expand(len(cell), -1),
        "width_from_the_batch": marks(cell)[:, : int(cell.max()) + 1],
        "size_fixed_at_five": (torch.arange(25) == cell[:, None]).float(),
        "transposed": marks(cell % size * size + cell // size),
    }


def by_episode_slips(trials: Trajectory, num_episodes: int) -> dict[str, dict[str, Tensor]]:
    """What the usual slips of `evaluate_by_episode` give on these trials; a curve that is left out is right."""
    mask, ends = trials.mask, (trials.episode_end & trials.mask).long()
    number = torch.where(mask, ends.cumsum(dim=1) - ends, -1)
    length = max(mask.shape[1] // num_episodes, 1)
    slices = (torch.arange(mask.shape[1]) // length).expand_as(number)
    steps, reward = mask.float(), trials.reward
    paid = ((reward > 0) & trials.episode_end).float()
    return {
        "success_read_from_the_reward": {"success": _by_number(paid, number, num_episodes)},
        **episode_slips(trials, num_episodes),
        "reward_per_step_pooled": {"return": _by_number(reward, number, num_episodes, pooled=True)},
        "equal_slices": {
            name: _by_number(x, slices, num_episodes) for name, x in (("return", reward), ("steps", steps))
        },
        "episodes_counted_across_trials": {"return": _by_number(reward, ends.cumsum(dim=0) - ends, num_episodes)},
    }


def _by_number(values: Tensor, number: Tensor, num_episodes: int, *, pooled: bool = False) -> Tensor:
    """Return values [B, T] summed where the number is 0, 1, ..., their mean over trials; `pooled`: over all steps."""
    inside = [number == episode for episode in range(num_episodes)]
    sums = [(values * here).sum() / (here.sum() if pooled else len(values)) for here in inside]
    return torch.stack(sums)
