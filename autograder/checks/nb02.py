"""Hidden checks of notebook 02: the learner's answer against the reference on fresh random inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.checks import drawn
from rl2lib.lab.checks.modules import parameters, update
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Ref
from rl2lib.types import StepInput

NUM_CASES = 10


def _same_step_input(report: Report, what: str, got: Any, expected: StepInput) -> None:
    report.true(what, isinstance(got, StepInput), expected="a StepInput", got=type(got).__name__)
    for name in StepInput._fields:
        report.close(f"{what}: {name}", getattr(got, name), getattr(expected, name))


def trial_start_input(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Cells, vectors and images, in batches of all sizes."""
    for case in range(NUM_CASES):
        generator = drawn.generator(rng)
        shape = (1 if case == 0 else drawn.sizes(rng, 2, 20, 1)[0], *drawn.sizes(rng, 1, 6, case % 4))
        real = torch.randn(shape, generator=generator) + 3.0
        observation = real if case % 2 else real.mul(10).long()
        what = f"trial_start_input of {observation.dtype} observations of shape {shape}"
        expected = reference.call("trial_start_input", observation)
        _same_step_input(report, what, student.call("trial_start_input", observation), expected)


def shift_to_inputs(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random records with their edges: one trial, one step, every step an episode, no episode's end at all."""
    for case in range(NUM_CASES):
        generator = drawn.generator(rng)
        batch, steps = drawn.sizes(rng, 2, 9, 2)
        batch, steps = (1 if case == 0 else batch), (1 if case == 1 else steps + 2)
        shape = drawn.sizes(rng, 1, 5, case % 3)
        chance = {2: 1.0, 3: 0.0}.get(case, 0.4)
        ends = torch.rand(batch, steps, generator=generator) < chance
        final = torch.randn(batch, steps, *shape, generator=generator)
        restart = torch.randn(batch, steps, *shape, generator=generator)
        observations = torch.where(ends.reshape(batch, steps, *[1] * len(shape)), restart, final)
        record = {
            "first_observation": torch.randn(batch, *shape, generator=generator),
            "actions": torch.randint(1, 7, (batch, steps), generator=generator),
            "rewards": torch.randn(batch, steps, generator=generator) + 2.0,
            "episode_ends": ends,
            "observations": observations,
            "final_observations": final,
        }
        if case % 2:  # states of a tabular task are numbers
            names = ("first_observation", "observations", "final_observations")
            record.update({name: record[name].mul(10).long() for name in names})
        what = f"shift_to_inputs of {batch} trials of {steps} steps, observations of shape {tuple(shape)}"
        expected = reference.call("shift_to_inputs", **record)
        _same_step_input(report, what, student.call("shift_to_inputs", **record), expected)


def _random_inputs(generator: torch.Generator, leading: tuple[int, ...], num_actions: int) -> tuple[Tensor, ...]:
    """Return actions (0 among them), rewards well outside [-1, 1], and flags of both kinds, in any combination."""
    actions = torch.randint(num_actions, leading, generator=generator)
    rewards = 4.0 * torch.randn(leading, generator=generator)
    flags = (torch.rand(leading, generator=generator) < 0.5).float()
    actions.view(-1)[0], flags.view(-1)[-1] = 0, 1.0
    return actions, rewards, flags


def _leading(rng: np.random.Generator, case: int) -> tuple[int, ...]:
    batch, steps = drawn.sizes(rng, 2, 12, 2)
    return [(batch,), (batch, steps), (1,), (1, steps), (batch, 1)][case % 5]


def embed_bandit(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Steps and whole trials, two to a dozen arms."""
    for case in range(NUM_CASES):
        generator, num_actions, leading = drawn.generator(rng), drawn.sizes(rng, 2, 13, 1)[0], _leading(rng, case)
        arguments = (torch.zeros(*leading, 1), *_random_inputs(generator, leading, num_actions), num_actions)
        what = f"embed_bandit with leading dimensions {leading} and {num_actions} arms"
        expected = reference.call("embed_bandit", *arguments)
        report.close(what, student.call("embed_bandit", *arguments), expected)


def embed_tabular(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Steps and whole trials; more states than actions and fewer."""
    for case in range(NUM_CASES):
        generator, leading = drawn.generator(rng), _leading(rng, case)
        num_states, num_actions = drawn.sizes(rng, 2, 13, 2)
        if num_states == num_actions:
            num_states += 1
        states = torch.randint(num_states, leading, generator=generator)
        arguments = (states, *_random_inputs(generator, leading, num_actions), num_states, num_actions)
        what = f"embed_tabular with leading dimensions {leading}, {num_states} states, {num_actions} actions"
        expected = reference.call("embed_tabular", *arguments)
        report.close(what, student.call("embed_tabular", *arguments), expected)


# --------------------------------------------------------------------------------------- JointEmbedding


def JointEmbedding(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Equal constants in every parameter must give the reference's output; then what constants cannot show."""
    for case in range(8):
        generator, leading = drawn.generator(rng), _leading(rng, case)
        channels, height, width, num_actions, action_dim, joint_dim = drawn.sizes(rng, 2, 6, 6)
        sizes = ((channels, height, width), num_actions, action_dim, joint_dim + 3)
        num_columns = joint_dim + 3 + 2
        image = torch.rand(*leading, *sizes[0], generator=generator) + 0.1
        inputs = (image, *_random_inputs(generator, leading, num_actions))
        what = f"JointEmbedding{sizes} with leading dimensions {leading}"
        module, twin = student.construct("JointEmbedding", *sizes), reference.construct("JointEmbedding", *sizes)
        fresh = student.method(module, "__call__", *inputs)
        report.tensor(f"{what}: its output", fresh, (*leading, num_columns), torch.float32)
        report.close(f"{what}: the last two columns", fresh[..., -2:], torch.stack(inputs[2:], dim=-1))

        own = parameters(student, module, inputs, num_columns)
        theirs = parameters(reference, twin, inputs, num_columns)
        counts = [sum(values.numel() for values in group.values()) for group in (own, theirs)]
        report.close(f"{what}: the number of parameters", *counts)
        # One constant in every parameter makes the output independent of names and of how layers are split.
        for constant in (float(rng.uniform(0.05, 0.3)), -float(rng.uniform(0.05, 0.3))):
            for sign in (1.0, -1.0):  # with images of either sign both branches of the ReLU are met
                update(student, module, {name: torch.full_like(own[name], constant) for name in own})
                update(reference, twin, {name: torch.full_like(theirs[name], constant) for name in theirs})
                signed = (sign * image, *inputs[1:])
                expected = reference.method(twin, "__call__", *signed)
                got = student.method(module, "__call__", *signed)
                report.close(f"{what}: its output with one constant in all parameters", got, expected, atol=1e-4)

        _gradients(student, module, own, sizes, image, report, what)
        _structure(student, module, own, inputs, generator, report, what)


def _gradients(
    student: Handle, module: Ref, own: dict[str, Tensor], sizes: Any, image: Tensor, report: Report, what: str
) -> None:
    """A step must reach every weight of the joint layer and just its own action's vector, for every action."""
    image_shape, num_actions, action_dim, joint_dim = sizes
    update(student, module, {name: torch.full_like(values, 0.1) for name, values in own.items()})
    single = image.reshape(-1, *image_shape)[:1]
    reached_by_all = {name: torch.zeros_like(values, dtype=torch.bool) for name, values in own.items()}
    for action in range(num_actions):
        arguments = (single, torch.tensor([action]), torch.tensor([2.0]), torch.tensor([0.0]))
        cotangent = torch.ones(1, joint_dim + 2)
        (gradients,) = student.grad((module, "__call__"), arguments, [module], cotangent=cotangent)
        reached = {name: entry != 0 for name, entry in gradients.items() if entry is not None}
        number = sum(int(entry.sum()) for entry in reached.values())
        expected = (math.prod(image_shape) + action_dim) * joint_dim + joint_dim + action_dim
        report.close(
            f"{what}: the number of parameters that the gradient reaches from action {action}", number, expected
        )
        for name, entry in reached.items():
            reached_by_all[name] |= entry
    everything = all(bool(entry.all()) for entry in reached_by_all.values())
    report.true(f"{what}: the gradients from all actions", everything, expected="every parameter is reached")


def _structure(
    student: Handle,
    module: Ref,
    own: dict[str, Tensor],
    inputs: tuple[Tensor, ...],
    generator: torch.Generator,
    report: Report,
    what: str,
) -> None:
    """With random positive weights: rows independent, actions and pixels told apart, image and action added."""
    values = {name: torch.rand(entry.shape, generator=generator) + 0.1 for name, entry in own.items()}
    update(student, module, values)
    image, actions, rewards, flags = (entry.reshape(-1, *entry.shape[len(inputs[1].shape) :]) for entry in inputs)
    whole = student.method(module, "__call__", *inputs)
    joined = whole.reshape(len(actions), -1)
    alone = student.method(module, "__call__", image[:1], actions[:1], rewards[:1], flags[:1])
    report.close(f"{what}: its first row, and that row fed alone", joined[:1], alone, atol=1e-4)
    other_reward = student.method(module, "__call__", image, actions, rewards + 3.0, 1.0 - flags)
    report.close(f"{what}: the joint units when only reward and flag change", other_reward[:, :-2], joined[:, :-2])

    first, second = (torch.full_like(actions, action) for action in (0, 1))
    flipped = image.flip(-1)
    grid = [
        [student.method(module, "__call__", pixels, action, rewards, flags)[:, :-2] for action in (first, second)]
        for pixels in (image, flipped)
    ]
    apart = bool(((grid[0][0] - grid[0][1]).abs().amax(dim=-1) > 1e-5).all())
    report.true(f"{what}: its outputs for actions 0 and 1", apart, expected="different outputs", got="equal ones")
    apart = bool(((grid[0][0] - grid[1][0]).abs().amax(dim=-1) > 1e-5).all())
    report.true(f"{what}: its outputs for an image and its mirror image", apart, expected="different outputs")
    # All units are active here, so the layer is affine: the action's effect is the same on either image.
    on_image, on_mirror = grid[0][1] - grid[0][0], grid[1][1] - grid[1][0]
    report.close(f"{what}: the effect of the action on two images", on_mirror, on_image, atol=1e-3)


def explain_placeholder(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random streams with few values, so that all coincidences occur, for every agent."""
    for case in range(NUM_CASES):
        generator, (batch, steps) = drawn.generator(rng), drawn.sizes(rng, 4, 12, 2)
        batch, steps = (1 if case == 0 else batch + 8), (1 if case == 1 else steps + 8)

        def draw(high: int, size: tuple[int, int] = (batch, steps), source: torch.Generator = generator) -> Tensor:
            return torch.randint(high, size, generator=source)

        observation, action, reward, end = draw(3), draw(2), draw(2).float() * 0.5, draw(2).float()
        action[:, 0], reward[:, 0], end[:, 0] = 0, 0.0, 0.0
        starts = torch.tensor([[1], [0, 2], [2, 1]][case % 3])
        observation[:, 0] = starts[0]
        inputs = StepInput(observation, action, reward, end)
        for memory in ("none", "episode", "trial"):
            for sees_flag in (True, False):
                what = (
                    f'explain_placeholder of {batch} trials of {steps} steps, sees_flag={sees_flag}, memory="{memory}"'
                )
                arguments = (inputs, starts, sees_flag, memory)
                expected = reference.call("explain_placeholder", *arguments)
                report.close(what, student.call("explain_placeholder", *arguments), expected)
