"""What every task keeps, whatever it is about. A new task in the catalogue is tested here without a line more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.rollout import rollout
from rl2lib.tasks.catalogue import Setting, make_task, task_ids
from rl2lib.types import Step, Trajectory

B = 64
# shorter than the defaults where only time would be lost
SHORT: dict[str, dict[str, Any]] = {
    **{f"dependent-bandits-{name}": {"num_pulls": 12} for name in ("uniform", "easy", "medium", "hard")},
    "random-mdps": {"episodes_per_trial": 3},
    "chain-mdps": {"episodes_per_trial": 3, "slip": 0.2},
    "one-shot-navigation": {"size": 5, "horizon": 20},
    "two-step": {"episodes_per_trial": 8},
    "hidden-listener": {"truthful": 0.8},
}
every_task = pytest.mark.parametrize("task_id", task_ids())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def setting(task_id: str) -> Setting:
    return make_task(task_id, **SHORT.get(task_id, {}))


def fields(tasks: Any) -> tuple[Tensor, ...]:
    return (tasks,) if isinstance(tasks, Tensor) else tuple(tasks)


def with_fields(tasks: Any, values: list[Tensor]) -> Any:
    return values[0] if isinstance(tasks, Tensor) else type(tasks)(*values)


def inner(env: Any) -> Any:
    return inner(env.env) if hasattr(env, "env") else env


def play(task_id: str, num_tasks: int = B, *, env_seed: int = 1, policy_seed: int = 2) -> Trajectory:
    distribution, env = setting(task_id)
    tasks = distribution.sample(num_tasks, generator())
    agent = Random(env.num_actions)
    return rollout(agent, env, tasks, policy_generator=generator(policy_seed), env_generator=generator(env_seed))


def steps_of(env: Any, tasks: Any, actions: Tensor, env_seed: int = 1) -> Iterator[Step]:
    """Play the actions [B, T] blindly."""
    env.reset(tasks, generator(env_seed))
    for column in actions.T:
        yield env.step(column)


def random_actions(num_actions: int, num_steps: int, seed: int = 3, num_tasks: int = B) -> Tensor:
    return torch.randint(num_actions, (num_tasks, num_steps), generator=generator(seed))


@every_task
def test_shapes_and_types(task_id: str) -> None:
    distribution, env = setting(task_id)
    tasks = distribution.sample(B, generator())
    observation = env.reset(tasks, generator(1))
    assert observation.shape == (B, *env.observation_shape) and observation.dtype == torch.float32
    for column in random_actions(env.num_actions, 6).T:
        step = env.step(column)
        assert step.observation.shape == (B, *env.observation_shape) and step.observation.dtype == torch.float32
        assert step.expected_reward is not None, "every task of the catalogue knows it"
        for reward in (step.reward, step.expected_reward):
            assert reward.shape == (B,) and reward.dtype == torch.float32 and bool(reward.isfinite().all())
        for flag in (step.episode_end, step.timed_out, step.trial_end):
            assert flag.shape == (B,) and flag.dtype == torch.bool


@every_task
def test_a_trial_is_fixed_by_its_generators(task_id: str) -> None:
    before = torch.get_rng_state()
    first, again, other = play(task_id), play(task_id), play(task_id, policy_seed=5)
    assert torch.equal(torch.get_rng_state(), before), "it must not touch the global generator"
    for one, two in zip(first, again, strict=True):
        assert one is not None and two is not None and torch.equal(one, two)
    assert not torch.equal(first.action, other.action)
    distribution = setting(task_id).distribution
    one, two, three = (fields(distribution.sample(B, generator(seed))) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, three, strict=True))


@every_task
def test_the_flags_say_exactly_what_ended(task_id: str) -> None:
    env = inner(setting(task_id).env)
    horizon, episodes = getattr(env, "horizon", 1), getattr(env, "episodes_per_trial", getattr(env, "num_pulls", 0))
    trajectory = play(task_id)
    for row in range(B):
        length = int(trajectory.mask[row].sum())
        steps = finished = 0
        for t in range(length):
            steps += 1
            ended, timed_out = bool(trajectory.episode_end[row, t]), bool(trajectory.timed_out[row, t])
            assert steps <= horizon and (ended or steps < horizon), "an episode never outlives its horizon"
            assert not timed_out or (ended and steps == horizon), "timed out means: at the horizon, and not before"
            finished, steps = (finished + 1, 0) if ended else (finished, steps)
            assert bool(trajectory.trial_end[row, t]) == (finished == episodes), "the last episode's end, no other"
        assert finished == episodes and bool(trajectory.trial_end[row, length - 1])
        assert bool(trajectory.mask[row, :length].all())


@every_task
def test_the_task_is_untouched_and_rows_may_be_stepped_beyond_their_end(task_id: str) -> None:
    distribution, env = setting(task_id)
    tasks = distribution.sample(B, generator())
    before = [field.clone() for field in fields(tasks)]
    trajectory = rollout(Random(env.num_actions), env, tasks, policy_generator=generator(2), env_generator=generator(1))
    for column in random_actions(env.num_actions, 3).T:
        env.step(column)
    assert all(torch.equal(old, new) for old, new in zip(before, fields(tasks), strict=True))
    again = rollout(Random(env.num_actions), env, tasks, policy_generator=generator(2), env_generator=generator(1))
    assert torch.equal(trajectory.reward, again.reward), "a reset leaves nothing of the trial before"


@every_task
def test_no_trial_notices_its_neighbours(task_id: str) -> None:
    distribution, env = setting(task_id)
    tasks, others = distribution.sample(B, generator()), distribution.sample(B, generator(9))
    mixed = [torch.cat([a[:1], b[1:]]) for a, b in zip(fields(tasks), fields(others), strict=True)]
    actions = random_actions(env.num_actions, 10)
    moved = torch.cat([actions[:1], random_actions(env.num_actions, 10, seed=4)[1:]])
    alone = list(steps_of(env, tasks, actions))
    among_others = list(steps_of(env, with_fields(tasks, mixed), moved))
    for one, two in zip(alone, among_others, strict=True):
        for a, b in zip(one, two, strict=True):
            assert a is not None and b is not None and torch.equal(a[0], b[0])


@every_task
def test_luck_does_not_depend_on_what_is_done(task_id: str) -> None:
    """What pairs a comparison: as many random numbers a step, whatever the actions."""
    distribution, env = setting(task_id)
    tasks = distribution.sample(B, generator())
    states = []
    for seed in (3, 4):
        luck = generator(1)
        env.reset(tasks, luck)
        for column in random_actions(env.num_actions, 10, seed).T:
            env.step(column)
        states.append(luck.get_state())
    assert torch.equal(*states)


@every_task
def test_the_expected_reward_is_the_mean_of_the_reward(task_id: str) -> None:
    trajectory = play(task_id, 1500)
    assert trajectory.expected_reward is not None
    surprise = (trajectory.reward - trajectory.expected_reward).double()
    if not bool(surprise.any()):
        return  # payment without luck
    for weight in (torch.ones_like(surprise), trajectory.expected_reward.double(), trajectory.action.double()):
        weighted = surprise * weight
        assert abs(weighted.sum() / weighted.square().sum().sqrt()) < 4.5  # standard errors


@every_task
def test_everything_lies_on_the_generators_device(task_id: str) -> None:
    """A tensor made without saying where would land on the default device, here one without memory."""
    distribution, env = setting(task_id)
    luck, actions = generator(1), random_actions(env.num_actions, 6)
    with torch.device("meta"):
        tasks = distribution.sample(B, luck)
        made = [*fields(tasks), env.reset(tasks, luck)]
        for column in actions.T:
            made += [value for value in env.step(column) if value is not None]
    assert {value.device.type for value in made} == {"cpu"}


def grid(goal: int) -> Callable[[Any], Any]:
    return lambda tasks: tasks._replace(goal=torch.full_like(tasks.goal, goal))


def filled(value: int) -> Callable[[Any], Any]:
    return lambda tasks: torch.full_like(tasks, value)


def swapped(tasks: Tensor) -> Tensor:
    return tasks.flip(1)


def same(tasks: Any) -> Any:
    return tasks


# two tasks and actions under which nothing that tells them apart can have happened, but rewards
TWINS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], list[int]]] = {
    **{name: (same, swapped, [0, 1, 0]) for name in task_ids() if "bandits" in name},
    "random-mdps": (same, lambda tasks: type(tasks)(tasks.transition, -tasks.reward_mean), [0, 1, 2, 3]),
    "chain-mdps": (same, lambda tasks: type(tasks)(tasks.transition, -tasks.reward_mean), [0, 1, 0, 1]),
    "goal-grid": (grid(24), grid(20), [1, 1, 2]),
    "three-goals-grid": (grid(4), grid(24), [1, 1, 2]),
    "held-out-goals-grid": (grid(12), grid(18), [1, 1, 0]),
    "permuted-grid": (same, lambda tasks: tasks._replace(direction=tasks.direction.flip(1)), []),
    "slippery-grid": (same, lambda tasks: tasks._replace(slip=1 - tasks.slip), []),
    "one-shot-navigation": (grid(0), grid(24), []),
    "corridor": (filled(0), filled(1), [0, 1, 0, 0, 0]),
    "corridor-last-observations": (filled(0), filled(1), [0, 1, 0, 0, 0]),
    "corridor-noisy": (filled(0), filled(1), [0, 1, 0, 0, 0]),
    "two-step": (same, swapped, [0, 0, 1, 1, 0, 1]),
    "harlow": (same, swapped, [0, 1, 1]),
    "hidden-opponent": (filled(0), filled(3), [0, 0, 0, 0]),  # grim trigger, and nothing to trigger it
    "hidden-listener": (filled(2), filled(6), [0, 1, 0, 1]),  # the questions do not touch bit 2
}


@every_task
def test_no_leak_of_the_task_into_the_observation(task_id: str) -> None:
    """Two tasks, the same actions, other luck: what is observed agrees in distribution."""
    first, second, blind = TWINS[task_id]
    distribution, env = setting(task_id)
    rows = 4000
    tasks = distribution.sample(1, generator())
    one = with_fields(tasks, [field.expand(rows, *field.shape[1:]).contiguous() for field in fields(tasks)])
    seen = []
    for tasks, seed in ((first(one), 1), (second(one), 2)):
        observed = [env.reset(tasks, generator(seed))]
        for action in blind:
            observed.append(env.step(torch.full((rows,), action)).observation)
        seen.append(torch.stack(observed, dim=1).flatten(start_dim=2).double())
    if task_id == "one-shot-navigation":  # that the start is no goal is no secret
        seen = [torch.cat([values[..., 1:24]], dim=-1) for values in seen]
    for moment in (lambda x: x, lambda x: x.square(), lambda x: x * x.roll(1, dims=-1)):
        a, b = moment(seen[0]), moment(seen[1])
        tolerance = 5 * ((a.var(dim=0) + b.var(dim=0)) / rows).sqrt() + 1e-9
        assert bool(((a.mean(dim=0) - b.mean(dim=0)).abs() <= tolerance).all())


@every_task
def test_tasks_that_differ_start_alike(task_id: str) -> None:
    if task_id in ("harlow", "one-shot-navigation"):
        return  # images are there to be seen, and a start is no goal: the test above compares distributions
    distribution, env = setting(task_id)
    starts = [env.reset(distribution.sample(B, generator(seed)), generator(1)) for seed in (0, 1)]
    assert torch.equal(*starts)


@every_task
def test_bad_tasks_are_named(task_id: str) -> None:
    distribution, env = setting(task_id)
    tasks = distribution.sample(3, generator())
    good = fields(tasks)
    with pytest.raises(TypeError, match="expected"):
        env.reset([[1, 2]], generator())
    for i, field in enumerate(good):
        other = torch.int64 if field.is_floating_point() else torch.float32
        wrong: list[tuple[Tensor, str]] = [
            (field[:0], "at least one"),
            (field.unsqueeze(-1), "got"),
            (field[None], "got"),
            (field.to(other), f"expected {field.dtype}, got {other}"),
            (field.double(), f"expected {field.dtype}, got torch.float64"),
            (torch.full_like(field, float("nan")) if field.is_floating_point() else field - 99, "expected"),
        ]
        for bad, message in wrong:
            with pytest.raises(ValueError, match=message):
                env.reset(with_fields(tasks, [*good[:i], bad, *good[i + 1 :]]), generator())
        if len(good) > 1:
            with pytest.raises(ValueError, match="as many"):
                env.reset(with_fields(tasks, [*good[:i], field[:2], *good[i + 1 :]]), generator())
    for num_tasks in (0, -3, 2.0, True):
        with pytest.raises(ValueError, match="num_tasks: expected"):
            distribution.sample(num_tasks, generator())  # type: ignore[arg-type]


@every_task
def test_bad_steps_are_named(task_id: str) -> None:
    distribution, env = setting(task_id)
    with pytest.raises(RuntimeError, match="reset"):
        inner(env).step(torch.zeros(3, dtype=torch.int64))
    env.reset(distribution.sample(3, generator()), generator())
    with pytest.raises(ValueError, match=r"actions: expected \[B\] = \(3,\), got \(2,\)"):
        env.step(torch.zeros(2, dtype=torch.int64))
