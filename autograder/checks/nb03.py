"""Hidden checks of notebook 03: the learner's answer against the reference on fresh random inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.checks import drawn
from rl2lib.lab.checks import nb03 as visible
from rl2lib.lab.checks.causality import line_network, line_probes, random_line_weights, unroll_probes
from rl2lib.lab.checks.initialised import check_initialised
from rl2lib.lab.checks.modules import fill
from rl2lib.lab.checks.scripted import (
    ScriptedEnv,
    ScriptedPolicy,
    check_sampling,
    check_scripted_unroll,
    check_second_trial,
    check_states_and_inputs,
    play,
)
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator, Ref
from rl2lib.types import StepInput, Trajectory

NUM_CASES = 8


def _same_gradients(report: Report, what: str, got: Sequence[Any], expected: Sequence[Any]) -> None:
    """Compare gradients entry by entry; None, where no gradient arrived, equals zeros."""
    for index, (one, other) in enumerate(zip(got, expected, strict=True)):
        own, right = (entry if isinstance(entry, dict) else {"": entry} for entry in (one, other))
        for name, value in right.items():
            wanted = torch.zeros(()) if value is None else value
            found = own.get(name)
            told = f"{what}: the gradient with respect to {name or f'argument {index}'}"
            report.close(told, torch.zeros_like(wanted) if found is None else found, wanted, atol=1e-4)


# --------------------------------------------------------------------------------------- learn_lines


def learn_lines(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random networks on random sequences: predictions, gradients, and who may depend on what."""
    for case in range(NUM_CASES):
        generator, (batch, steps, hidden) = drawn.generator(rng), drawn.sizes(rng, 2, 9, 3)
        batch, steps = (1 if case == 0 else batch + 1), (1 if case == 1 else steps + 3)
        weights = random_line_weights(hidden, generator)
        x, y = torch.randn(2, batch, steps, generator=generator)
        what = f"learn_lines of {batch} lines of {steps} points with {hidden} units"
        networks = [line_network(handle, weights) for handle in (student, reference)]
        results = []
        for handle, (gru, readout) in zip((student, reference), networks, strict=True):
            results.append(handle.call("learn_lines", gru, readout, x, y))
        report.close(what, *results, atol=1e-5)
        cotangent = torch.randn(batch, steps, generator=generator)
        gradients = [
            handle.grad("learn_lines", [gru, readout, x, y], [gru, readout, 2, 3], cotangent=cotangent)
            for handle, (gru, readout) in zip((student, reference), networks, strict=True)
        ]
        _same_gradients(report, what, *gradients)
        if batch > 1 and steps > 3:
            line_probes(student, weights, x, y, report)


# --------------------------------------------------------------------------------------- gru_step, lstm_step


def _cell(rng: np.random.Generator, case: int, gates: int) -> tuple[torch.Generator, Tensor, list[Tensor], str]:
    generator, (batch, features, hidden) = drawn.generator(rng), drawn.sizes(rng, 1, 9, 3)
    batch = 1 if case == 0 else batch + 1
    hidden = hidden + (hidden == features)
    x = torch.randn(batch, features, generator=generator)
    shapes = ((gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,))
    weights = [torch.randn(shape, generator=generator) for shape in shapes]
    return generator, x, weights, f"B = {batch}, F = {features}, H = {hidden}"


def gru_step(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random cells: the new state and all gradients."""
    for case in range(NUM_CASES + 2):
        generator, x, weights, sizes = _cell(rng, case, gates=3)
        h = torch.randn(len(x), weights[1].shape[1], generator=generator)
        what, arguments = f"gru_step with {sizes}", [x, h, *weights]
        expected = reference.call("gru_step", *arguments)
        report.close(what, student.call("gru_step", *arguments), expected, atol=1e-5)
        cotangent = torch.randn(expected.shape, generator=generator)
        gradients = [
            handle.grad("gru_step", arguments, list(range(6)), cotangent=cotangent) for handle in (student, reference)
        ]
        _same_gradients(report, what, *gradients)


def lstm_step(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random cells, several steps in a row, so that the pair goes round."""
    for case in range(NUM_CASES + 2):
        generator, x, weights, sizes = _cell(rng, case, gates=4)
        h, c = torch.randn(2, len(x), weights[1].shape[1], generator=generator)
        for step in range(3):
            expected = reference.call("lstm_step", x, (h, c), *weights)
            got = student.call("lstm_step", x, (h, c), *weights)
            report.close(f"lstm_step with {sizes}, step {step + 1}: (h, c)", got, expected, atol=1e-5)
            h, c = expected
            x = torch.randn(x.shape, generator=generator)


# --------------------------------------------------------------------------------------- initialise


def initialise(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Networks of all sizes; a correct answer fails with probability below 1e-6 over all of them."""
    for _ in range(NUM_CASES):
        features, actions = drawn.sizes(rng, 5, 13, 1)[0], drawn.sizes(rng, 7, 17, 1)[0]
        hidden = 48 + 4 * drawn.sizes(rng, 0, 9, 1)[0]
        check_initialised(student, report, (features, hidden, actions), seed=drawn.seed(rng))


# --------------------------------------------------------------------------------------- RecurrentPolicy


def _inputs(generator: torch.Generator, batch: int, observation_shape: tuple[int, ...], num_actions: int) -> StepInput:
    return StepInput(
        torch.randn(batch, *observation_shape, generator=generator),
        torch.randint(num_actions, (batch,), generator=generator),
        2.0 * torch.randn(batch, generator=generator),
        (torch.rand(batch, generator=generator) < 0.5).float(),
    )


def RecurrentPolicy(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """The reference's random weights in both policies: steps from several states, and the gradient through three."""
    for case in range(NUM_CASES):
        generator, (batch, num_actions, hidden) = drawn.generator(rng), drawn.sizes(rng, 2, 8, 3)
        shape: tuple[int, ...] = ((1,), (3,), (2, 2))[case % 3]
        batch = 1 if case == 0 else batch
        what = f"RecurrentPolicy({shape}, {num_actions}, {hidden})"
        own = student.construct("RecurrentPolicy", shape, num_actions, hidden)
        twin = reference.construct("RecurrentPolicy", shape, num_actions, hidden)
        theirs = reference.state_dict(twin)
        expected_shapes = {name: tuple(value.shape) for name, value in theirs.items()}
        visible.policy_parameters(student, report, own, expected_shapes)
        weights = {name: torch.randn(value.shape, generator=generator) for name, value in theirs.items()}
        student.load_state_dict(own, weights)
        reference.load_state_dict(twin, weights)
        first = student.method(own, "initial_state", batch)
        report.close(f"{what}.initial_state({batch})", first, torch.zeros(batch, hidden))
        for step in range(3):
            state = torch.randn(batch, hidden, generator=generator)
            inputs = _inputs(generator, batch, shape, num_actions)
            told = f"{what}.step, call {step + 1}"
            got = visible.step_results(student, report, told, own, state, inputs)
            for name, one, other in zip(
                ("log-probabilities", "state"), got, reference.method(twin, "step", state, inputs), strict=True
            ):
                report.close(f"{told}: {name}", one, other, atol=1e-4)
        stream = [_inputs(generator, batch, shape, num_actions) for _ in range(3)]
        action = torch.randint(num_actions, (batch,), generator=generator)
        cotangent = torch.randn(batch, generator=generator)
        gradients = [
            handle.grad("last_log_prob", [policy, stream, action], [policy], cotangent=cotangent)
            for handle, policy in ((student, own), (reference, twin))
        ]
        _same_gradients(report, f"{what}: a log-probability after three steps", *gradients)


# --------------------------------------------------------------------------------------- run_trial


def _script(rng: np.random.Generator, case: int) -> tuple[ScriptedEnv, ScriptedPolicy]:
    """Draw trials of different lengths; after a row's end the environment says anything."""
    generator, (batch, steps, num_actions) = drawn.generator(rng), drawn.sizes(rng, 2, 6, 3)
    batch, steps = (1 if case == 0 else batch + 1), (1 if case == 1 else steps + 2)
    lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
    lengths[int(rng.integers(batch))] = steps
    step = torch.arange(steps)[:, None]
    ends = torch.rand(steps, batch, generator=generator) < 0.4
    nonsense = torch.rand(steps, batch, generator=generator) < 0.5
    last = step == lengths - 1
    trial_ends = torch.where(step >= lengths, nonsense, last)
    trial_ends[-1] = True
    env = ScriptedEnv(
        observations=torch.randn(steps + 1, batch, 1, generator=generator),
        rewards=torch.randn(steps, batch, generator=generator) + 2.0,
        episode_ends=ends | last,
        trial_ends=trial_ends,
        num_actions=num_actions,
    )
    actions = torch.randint(num_actions, (steps, batch), generator=generator)
    return env, ScriptedPolicy.choosing(actions, num_actions)


def run_trial(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Scripted trials, whose rewards are decided outside; then drawn actions, by an exact test."""
    for case in range(NUM_CASES + 2):
        env, policy = _script(rng, case)
        steps, batch = env.rewards.shape
        told = f"run_trial of {batch} trials, the longest of {steps} steps"
        expected, expected_log_probs = play(reference, report, told, policy, env)
        got, log_probs = play(student, report, told, policy, env)
        check_states_and_inputs(report, policy, env, told)
        for name in Trajectory._fields[:-1]:
            report.close(f"{told}: trajectory.{name}", getattr(got, name), getattr(expected, name))
        report.close(f"{told}: log-probabilities", log_probs, expected_log_probs, atol=1e-5)
        check_second_trial(student, report, policy, env)
        soft = torch.randn(steps, batch, env.num_actions, generator=drawn.generator(rng)).log_softmax(dim=-1)
        got, log_probs = play(student, report, told, ScriptedPolicy(soft), env)
        taken = torch.stack(env.actions, dim=1)
        mask = env.mask().T
        report.close(f"{told}: trajectory.action, and what env.step was given", got.action, taken * mask)
        right = soft.transpose(0, 1).gather(2, taken[..., None]).squeeze(-1)
        report.close(f"{told}: log-probabilities of drawn actions", log_probs, right * mask, atol=1e-5)
    weights = torch.tensor([0.15, 0.3, 0.55])[torch.randperm(3, generator=drawn.generator(rng))]
    check_sampling(student, report, weights, rows=1500, seed=int(rng.integers(2**30)))


# --------------------------------------------------------------------------------------- unroll


def _trials(rng: np.random.Generator, case: int, num_actions: int) -> Trajectory:
    """Draw a record with episodes and trials of all lengths."""
    generator, (batch, steps) = drawn.generator(rng), drawn.sizes(rng, 2, 8, 2)
    batch, steps = (1 if case == 0 else batch), (1 if case == 1 else steps + 3)
    lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
    lengths[0] = steps
    mask = torch.arange(steps) < lengths[:, None]
    last = torch.arange(steps) == lengths[:, None] - 1
    ends = ((torch.rand(batch, steps, generator=generator) < 0.4) | last) & mask
    return Trajectory(
        observation=torch.randn(batch, steps, 1, generator=generator) * mask[..., None],
        action=torch.randint(num_actions, (batch, steps), generator=generator) * mask,
        reward=2.0 * torch.randn(batch, steps, generator=generator) * mask,
        episode_end=ends,
        timed_out=torch.zeros_like(mask),
        trial_end=last,
        mask=mask,
    )


def unroll(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random policies on random records: values, gradients, and who may depend on what."""
    for case in range(NUM_CASES):
        num_actions, hidden = drawn.sizes(rng, 2, 6, 2)
        trials, seed = _trials(rng, case, num_actions), drawn.seed(rng)
        batch, steps = trials.action.shape
        what = f"unroll of {batch} trials, the longest of {steps} steps, {num_actions} actions, {hidden} units"
        policies = [_network(handle, num_actions, hidden, seed) for handle in (student, reference)]
        values = [h.call("unroll", p, trials) for h, p in zip((student, reference), policies, strict=True)]
        report.close(what, *values, atol=1e-5)
        cotangent = torch.randn(batch, steps, generator=drawn.generator(rng))
        gradients = [
            handle.grad("unroll", [policy, trials], [policy], cotangent=cotangent)
            for handle, policy in zip((student, reference), policies, strict=True)
        ]
        _same_gradients(report, what, *gradients)
        check_scripted_unroll(student, report, trials, num_actions, drawn.generator(rng))
        whole = trials._replace(mask=torch.ones_like(trials.mask))
        if batch > 1 and steps > 3:
            unroll_probes(student, report, policies[0], whole, row=batch - 1, t=1)


def _network(handle: Handle, num_actions: int, hidden: int, seed: int) -> Ref:
    """Build the given policy with weights large enough for every input to matter."""
    policy = handle.construct("GivenPolicy", (1,), num_actions, hidden, generator=Generator(seed))
    generator = torch.Generator().manual_seed(seed)
    fill(handle, policy, lambda entry: 0.7 * torch.randn(entry.shape, generator=generator))
    return policy
