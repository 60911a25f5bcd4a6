"""Hidden checks of notebook 04: random trials against the reference, and gradients against the exact oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.checks import drawn
from rl2lib.agents.recurrent import RecurrentBaseline as LibraryBaseline
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.lab.checks.modules import fill
from rl2lib.lab.checks.nb04 import changed_steps, constant_weights_values
from rl2lib.lab.checks.step_bench import NETWORKS, Bench, trials_for_a_step
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Ref
from rl2lib.training.losses import action_log_probs
from rl2lib.training.oracle import ExactOracle
from rl2lib.training.returns import discounted_returns as library_returns
from rl2lib.types import StepInput

NUM_CASES = 10


def _tiny(rng: np.random.Generator) -> tuple[ExactOracle, RecurrentPolicy, torch.Generator]:
    """Two random bandits with all their trials, and a policy that is not indifferent."""
    generator = drawn.generator(rng)
    oracle = ExactOracle(torch.rand(2, 2, generator=generator), num_pulls=2)
    policy = RecurrentPolicy((1,), 2, 3, generator=generator)
    with torch.no_grad():
        policy.head.weight.mul_(2.0)
        # biases too, so that the true gradient is never near zero: arm 0 is preferred, and earns less than it might
        policy.head.bias.copy_(torch.tensor([0.5, -0.5]))
    return oracle, policy, generator


def _flat(parts: dict[str, Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts.values()])


def _expected_step(oracle: ExactOracle, policy: RecurrentPolicy, factor: Tensor) -> Tensor:
    """Return E[Σ_t factor_t ∇ log π(a_t)] over all trials, for factors [N, n]: REINFORCE, averaged exactly."""
    log_prob = action_log_probs(policy.unroll(oracle.trajectory.step_inputs())[0], oracle.trajectory.action)
    weighted = (oracle.probabilities(policy).detach()[:, None] * factor * log_prob).sum()
    return torch.cat([entry.flatten() for entry in torch.autograd.grad(weighted, list(policy.parameters()))])


def _is_true_gradient(report: Report, what: str, oracle: ExactOracle, policy: RecurrentPolicy, factor: Tensor) -> None:
    got = _expected_step(oracle, policy, factor)
    report.close(f"{what}: the expected step", got, _flat(oracle.true_gradient(policy)), atol=1e-5)


def discounted_returns(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Trials of different lengths with ends and time-outs anywhere; every discount, 0 and 1 among them."""
    for case in range(NUM_CASES):
        generator, (size, steps) = drawn.generator(rng), drawn.sizes(rng, 3, 9, 2)
        size, steps = (1 if case == 0 else size), (1 if case == 1 else steps + size)  # T differs from B
        trials = trials_for_a_step(generator, 3, (size, max(steps, 2)))
        if case % 3 == 2:
            trials = trials._replace(timed_out=trials.episode_end)
        discount = {2: 0.0, 3: 1.0}.get(case, float(rng.uniform(0.3, 0.97)))
        what = f"discounted_returns of {size} trials of up to {max(steps, 2)} steps, discount {discount:.2f}"
        expected = reference.call("discounted_returns", trials, discount)
        report.close(what, student.call("discounted_returns", trials, discount), expected, atol=1e-5)
    returns_on_the_oracle(student, rng, report)


def returns_on_the_oracle(student: Handle, rng: np.random.Generator, report: Report) -> None:
    """REINFORCE with these returns, undiscounted, averages to the true gradient."""
    oracle, policy, _ = _tiny(rng)
    factor = student.call("discounted_returns", oracle.trajectory, 1.0)
    report.tensor("discounted_returns of every trial of a tiny bandit", factor, (32, 2))
    _is_true_gradient(report, "REINFORCE with these returns on a tiny bandit", oracle, policy, factor)


def reinforce_loss(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Values and gradients on random trials; then the expected gradient on every trial of a tiny bandit."""
    for case in range(NUM_CASES):
        generator, (size, steps) = drawn.generator(rng), drawn.sizes(rng, 2, 8, 2)
        steps += size
        mask = torch.arange(steps) < torch.randint(1, steps + 1, (size, 1), generator=generator)
        mask[0] = case % 2 == 0 or mask[0]
        log_prob = -torch.rand(size, steps, generator=generator) * 3
        advantage = torch.randn(size, steps, generator=generator) + 0.5
        what = f"reinforce_loss of {size} trials of up to {steps} steps"
        expected = reference.call("reinforce_loss", log_prob, advantage, mask)
        report.close(what, student.call("reinforce_loss", log_prob, advantage, mask), expected, atol=1e-5)
        arguments = (log_prob, advantage, mask)
        own, into_advantage = student.grad("reinforce_loss", arguments, [0, 1])
        theirs, _ = reference.grad("reinforce_loss", arguments, [0, 1])
        report.gradient(f"{what}: its gradient in log_prob", own, theirs, missing="none")
        report.no_gradient(f"{what}: its gradient in the advantage", into_advantage)
    gradient_on_the_oracle(student, rng, report)


def gradient_on_the_oracle(student: Handle, rng: np.random.Generator, report: Report) -> None:
    """The expectation of the loss's gradient over all trials is the true gradient, with a baseline and without.

    Every trial comes twice, and padded by a step, so that this alone tells sums from means and padding from steps.
    The advantage comes from a network of its own; the loss may not send gradient into it.
    """
    oracle, policy, generator = _tiny(rng)
    baseline = LibraryBaseline((1,), 2, 3, generator=generator)
    trials = oracle.trajectory
    log_prob = action_log_probs(policy.unroll(trials.step_inputs())[0], trials.action).detach()
    returns = library_returns(trials.reward, trials.mask, 1.0)
    mask = torch.tensor([[True, True, False]]).expand(2, 3)
    for name, value in (
        ("no baseline", torch.zeros_like(returns)),
        ("a baseline", baseline.values(trials.step_inputs())),
    ):
        advantage = (returns - value).detach()
        factor = torch.zeros_like(log_prob)
        what = f"reinforce_loss on every trial of a bandit of two arms and two pulls, {name}"
        for row in range(len(factor)):
            padded = torch.nn.functional.pad(torch.stack([log_prob[row], advantage[row]]), (0, 1), value=-1.5)
            arguments = (padded[0].expand(2, 3), padded[1].expand(2, 3), mask)
            into_log_prob, into_advantage = student.grad("reinforce_loss", arguments, [0, 1])
            arrives = isinstance(into_log_prob, Tensor) and not into_log_prob[:, 2].any()
            report.true(f"{what}: its gradient", arrives, expected="one in log_prob, none in its padding")
            report.no_gradient(f"{what}: its gradient in the advantage", into_advantage)
            factor[row] = -into_log_prob[:, :2].sum(dim=0)  # two copies, each with weight 1/2
        _is_true_gradient(report, what, oracle, policy, factor)


def baseline_must_not_see_the_action(
    student: Handle, reference: Handle, rng: np.random.Generator, report: Report
) -> None:
    """Random policies, payments and tables; honest tables; and sampled by listing all that can happen."""
    name = "baseline_must_not_see_the_action"
    for case in range(NUM_CASES):
        generator, num_arms = drawn.generator(rng), 2 if case == 0 else drawn.sizes(rng, 2, 7, 1)[0]
        probs = torch.randn(num_arms, generator=generator).softmax(dim=0)
        pay = torch.rand(num_arms, generator=generator)
        table = torch.randn(num_arms, 2, generator=generator)
        if case == 8:
            table = torch.full_like(table, 0.3)
        what = f"{name} with {num_arms} arms"
        got = student.call(name, probs, pay, table)
        report.close(what, got, reference.call(name, probs, pay, table))
        # the definition itself: list arms and rewards, differentiate log softmax, subtract the true gradient
        logits = probs.log().requires_grad_()
        gap = torch.zeros(num_arms)
        for arm in range(num_arms):
            score = torch.autograd.grad(logits.log_softmax(0)[arm], logits)[0]
            for reward, chance in enumerate((1 - pay[arm], pay[arm])):
                gap -= probs[arm] * chance * table[arm, reward] * score
        report.close(f"{what}, against a list of all that can happen", got, gap, atol=1e-5)


# --------------------------------------------------------------------------------------- RecurrentBaseline


def _random_inputs(
    rng: np.random.Generator, shape: tuple[int, int], observation: tuple[int, ...], num_actions: int
) -> StepInput:
    generator = drawn.generator(rng)
    action = torch.randint(num_actions, shape, generator=generator)
    reward = torch.randn(shape, generator=generator) + 1.0
    end = (torch.rand(shape, generator=generator) < 0.5).float()
    action[:, 0], reward[:, 0], end[:, 0] = 0, 0.0, 0.0
    return StepInput(torch.randn(*shape, *observation, generator=generator), action, reward, end)


def RecurrentBaseline(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Equal constants in every parameter must give the reference's values; random weights must be causal."""
    for case in range(8):
        (size, steps, num_actions, hidden_size), generator = drawn.sizes(rng, 2, 7, 4), drawn.generator(rng)
        steps, hidden_size = steps + 2, hidden_size + 2
        observation = tuple(drawn.sizes(rng, 1, 4, 1 + case % 2))
        arguments = (observation, num_actions, hidden_size)
        what = f"RecurrentBaseline{arguments} on {size} trials of {steps} steps"
        inputs = _random_inputs(rng, (size, steps), observation, num_actions)
        module = student.construct("RecurrentBaseline", *arguments)
        twin = reference.construct("RecurrentBaseline", *arguments)
        report.tensor(f"{what}: its values", student.method(module, "values", inputs), (size, steps), torch.float32)
        counts = [
            sum(entry.numel() for entry in handle.state_dict(ref).values())
            for handle, ref in ((student, module), (reference, twin))
        ]
        report.close(f"{what}: the number of parameters", *counts)
        for weight in (float(rng.uniform(0.1, 0.4)), -float(rng.uniform(0.1, 0.4))):
            for handle, ref in ((student, module), (reference, twin)):
                fill(handle, ref, lambda entry, weight=weight: torch.full_like(entry, weight))  # type: ignore[misc]
            expected = reference.method(twin, "values", inputs)
            got = student.method(module, "values", inputs)
            report.close(f"{what}: one constant in all parameters", got, expected, atol=1e-5)
            by_hand = constant_weights_values(inputs, num_actions, hidden_size, weight)
            report.close(f"{what}: one constant in all parameters, against the equations", got, by_hand, atol=1e-4)
        fill(student, module, lambda e, source=generator: 0.4 * torch.randn(e.shape, generator=source))  # type: ignore[misc]
        _causal(student, module, inputs, num_actions, rng, report, what)
        (gradients,) = student.grad((module, "values"), (inputs,), [module], cotangent=torch.ones(size, steps))
        learns = all(entry is not None and bool(entry.any()) for entry in gradients.values())
        report.true(f"{what}: its gradients", learns, expected="one in every parameter")
    baseline_on_the_oracle(student, rng, report)


def baseline_on_the_oracle(student: Handle, rng: np.random.Generator, report: Report) -> None:
    """REINFORCE with this baseline, whatever its weights, averages to the true gradient."""
    oracle, policy, generator = _tiny(rng)
    module = student.construct("RecurrentBaseline", (1,), 2, 5)
    fill(student, module, lambda entry: torch.randn(entry.shape, generator=generator))
    returns = library_returns(oracle.trajectory.reward, oracle.trajectory.mask, 1.0)
    values = student.method(module, "values", oracle.trajectory.step_inputs())
    report.tensor("the values of every trial of a tiny bandit", values, (32, 2))
    _is_true_gradient(report, "REINFORCE with this baseline on a tiny bandit", oracle, policy, returns - values)


def _causal(
    student: Handle,
    module: Ref,
    inputs: StepInput,
    num_actions: int,
    rng: np.random.Generator,
    report: Report,
    what: str,
) -> None:
    size, steps = inputs.prev_action.shape
    base = student.method(module, "values", inputs)
    same = not changed_steps(base.flatten(), student.method(module, "values", inputs).flatten())
    report.true(f"{what}: its values, asked for twice", same, expected="the same values")
    row, step, remembered = int(rng.integers(size)), int(rng.integers(1, steps - 1)), False
    noticed = 0
    for column in StepInput._fields:
        values = getattr(inputs, column).clone()
        values[row, step] = (
            (values[row, step] + 1) % num_actions if column == "prev_action" else values[row, step] + 1.5
        )
        moved = student.method(module, "values", inputs._replace(**{column: values}))
        told = f"{what}: its values when {column} of input {step} changes in trial {row}"
        others = [b for b in range(size) if b != row and changed_steps(base[b], moved[b])]
        report.true(told, not others, expected="other trials as before", got=f"trials {others} move")
        early = [t for t in changed_steps(base[row], moved[row]) if t < step]
        report.true(told, not early, expected="earlier values as before", got=f"values {early} move")
        noticed += step in changed_steps(base[row], moved[row])
        remembered = remembered or len(changed_steps(base[row], moved[row])) > 1
    # one change in a thousand happens to move nothing, so of four columns three must be noticed
    told = f"{what}: value {step} when a column of input {step} changes in trial {row}"
    report.true(told, noticed >= 3, expected="it moves", got=f"it moves for {noticed} of 4 columns")
    # of one column a small GRU may forget everything within a step, of all four it does not
    told = f"{what}: its values after input {step} when that input changes in trial {row}"
    report.true(told, remembered, expected="they move too: the state remembers", got="none does")


def baseline_loss(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Values and gradients, with and without padding."""
    for case in range(NUM_CASES):
        generator, (size, steps) = drawn.generator(rng), drawn.sizes(rng, 2, 8, 2)
        steps += size
        mask = torch.arange(steps) < torch.randint(1, steps, (size, 1), generator=generator)
        if case == 0:
            mask = torch.ones_like(mask)
        value = torch.randn(size, steps, generator=generator) * 2
        target = torch.randn(size, steps, generator=generator) + 1.0
        arguments = (value, target, mask)
        what = f"baseline_loss of {size} trials of up to {steps} steps"
        expected = reference.call("baseline_loss", *arguments)
        report.close(what, student.call("baseline_loss", *arguments), expected, atol=1e-5)
        own, into_target = student.grad("baseline_loss", arguments, [0, 1])
        theirs, _ = reference.grad("baseline_loss", arguments, [0, 1])
        report.gradient(f"{what}: its gradient in the values", own, theirs, missing="none")
        report.no_gradient(f"{what}: its gradient in the targets", into_target)


# --------------------------------------------------------------------------------------- train_step


def train_step(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Steps in a row against the reference's, clipped and not; then their expectation on the exact oracle."""
    for case in range(8):
        seed, num_actions = drawn.seed(rng), 2 + case % 3
        size, steps = drawn.sizes(rng, 3, 8, 2)
        generator = drawn.generator(rng)
        # small enough a rate that rounding stays small after three steps, large enough that order matters
        own = Bench(student, seed, num_actions, learning_rate=0.1)
        theirs = Bench(reference, seed, num_actions, learning_rate=0.1)
        discount = {0: 1.0, 1: 0.0}.get(case, float(rng.uniform(0.5, 0.99)))
        limit = 1e6 if case % 2 == 0 else float(rng.uniform(0.02, 0.2))
        what = f"train_step on {size} trials of up to {steps} steps, discount {discount:.2f}, max_grad_norm {limit:.2g}"
        for number in (1, 2, 3):
            trials = trials_for_a_step(generator, num_actions, (size, steps))
            got, expected = own.step(trials, discount, limit), theirs.step(trials, discount, limit)
            for name in NETWORKS:
                report.close(
                    f"{what}: the {name}'s weights after step {number}", own.moves(name), theirs.moves(name), atol=1e-5
                )
            _same_losses(report, f"{what}: its result at step {number}", got, expected)
    step_on_the_oracle(student, rng, report)


def _same_losses(report: Report, what: str, got: Any, expected: dict[str, float]) -> None:
    right = isinstance(got, dict) and set(got) == set(expected)
    report.true(what, right, expected='a dictionary {"policy": ..., "baseline": ...}', got=type(got).__name__)
    for name in NETWORKS:
        report.close(f"{what}: the {name}'s loss", got[name], expected[name], atol=1e-4)


def step_on_the_oracle(student: Handle, rng: np.random.Generator, report: Report) -> None:
    """The expected change of the policy over all trials of a tiny bandit is the true gradient."""
    oracle = ExactOracle(torch.rand(1, 2, generator=drawn.generator(rng)) * torch.tensor([0.5, 1.0]), num_pulls=2)
    bench = Bench(student, drawn.seed(rng))
    probability = oracle.probabilities(bench.policy).detach()
    expected_step = torch.zeros_like(bench.moves("policy"))
    for row in range(len(probability)):
        bench.reset()
        bench.step(oracle.trajectory.select(torch.tensor([row])), 1.0, 1e6)
        expected_step += probability[row] * bench.moves("policy")
    what = "the expected step of the policy, over every trial of a bandit of two arms and two pulls"
    report.close(what, expected_step, _flat(oracle.true_gradient(bench.policy)), atol=1e-5)
