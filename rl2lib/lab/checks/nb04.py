"""Visible checks of notebook 04: numbers by hand, gradients, and causality probes; never the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.checks.modules import fill, require_class
from rl2lib.lab.checks.step_bench import NETWORKS, Bench, expected_step, trials_for_a_step
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.types import StepInput, Trajectory


def _trajectory(
    reward: Tensor, end: list[list[int]], lengths: list[int], *, action: Tensor | None = None, late: bool = False
) -> Trajectory:
    """Return trials of given rewards, episode ends and lengths; `late` marks all ends as time-outs too."""
    steps = torch.arange(reward.shape[1])
    mask = steps < torch.tensor(lengths)[:, None]
    ends = torch.tensor(end).bool() & mask
    return Trajectory(
        observation=torch.zeros(*reward.shape, 1),
        action=torch.zeros_like(reward).long() if action is None else action,
        reward=reward * mask,
        episode_end=ends,
        timed_out=ends if late else torch.zeros_like(ends),
        trial_end=steps == torch.tensor(lengths)[:, None] - 1,
        mask=mask,
    )


# --------------------------------------------------------------------------------------- discounted_returns


def discounted_returns(student: Handle, report: Report) -> None:
    """The trial of the text beside a shorter one, then the four pulls of section 4.1."""
    paper = _trajectory(torch.tensor([[0.0, 1, 0, 1], [2, 4, 0, 0]]), [[0, 1, 0, 1], [0, 1, 0, 0]], [4, 2])
    what = "discounted_returns(trajectory, 0.5) of rewards 0 1 | 0 1 and, in a trial of two steps, 2 4 |"
    expected = torch.tensor([[0.625, 1.25, 0.5, 1], [4, 4, 0, 0]])
    got = student.call("discounted_returns", paper, 0.5)
    report.close(what, got, expected)
    report.note("rewards 0 1 | 0 1 at discount one half: 0.625, 1.25, 0.5, 1")

    pulls = _trajectory(torch.tensor([[0.0, 1, 1, 1]]), [[1, 1, 1, 1]], [4])
    what = "discounted_returns(trajectory, 1.0) of four pulls that pay 0 | 1 | 1 | 1 |"
    report.close(what, student.call("discounted_returns", pulls, 1.0), torch.tensor([[3.0, 3, 2, 1]]))
    report.note("the first pull earned nothing itself, and its return is 3")

    timed = _trajectory(torch.tensor([[1.0, 0, 8, 2]]), [[0, 1, 0, 1]], [4], late=True)
    what = "discounted_returns(trajectory, 0.5) of rewards 1 0 | 8 2 |, where both episodes ended by time-out"
    report.close(what, student.call("discounted_returns", timed, 0.5), torch.tensor([[3.25, 4.5, 9, 2]]))
    report.note("a time-out ends an episode, not the trial")


# --------------------------------------------------------------------------------------- reinforce_loss

LOG_PROB = torch.tensor([[-1.0, -2.0, -1.0], [-3.0, -0.5, -1.0]])
ADVANTAGE = torch.tensor([[2.0, 1.0, 3.0], [-1.0, 8.0, 2.0]])
MASK = torch.tensor([[True, True, True], [True, False, False]])


def reinforce_loss(student: Handle, report: Report) -> None:
    """The two trials of the text, with numbers in the padding; then where the gradient goes."""
    what = "reinforce_loss of log π ((-1, -2, -1), (-3, padding)) and advantages ((2, 1, 3), (-1, padding))"
    got = student.call("reinforce_loss", LOG_PROB, ADVANTAGE, MASK)
    report.close(what, got, torch.tensor(2.0))
    report.note("sums over steps -7 and 3, mean over trials, minus: 2")

    into_log_prob, into_advantage = student.grad("reinforce_loss", (LOG_PROB, ADVANTAGE, MASK), [0, 1])
    expected = torch.tensor([[-1.0, -0.5, -1.5], [0.5, 0.0, 0.0]])
    report.gradient("the gradient of reinforce_loss in log_prob", into_log_prob, expected)
    report.no_gradient("the gradient of reinforce_loss in the advantage", into_advantage)
    report.note("gradient into log π, none into the advantage, none from padding")


# --------------------------------------------------------------------------------------- the baseline that cheats


def baseline_must_not_see_the_action(student: Handle, report: Report) -> None:
    """An uneven policy first, since even ones hide mistakes; then the text's examples and two honest baselines."""

    def bias(probs: list[float], pay: list[float], table: list[list[float]]) -> Any:
        arguments = (torch.tensor(probs), torch.tensor(pay), torch.tensor(table))
        return student.call("baseline_must_not_see_the_action", *arguments)

    # E[b | a] = .8·1 + .2·2 = 1.2 for arm 0, which pays with .2, and .4·2 + .6·0 = .8 for arm 1
    got = bias([0.25, 0.75], [0.2, 0.6], [[1.0, 2.0], [2.0, 0.0]])
    what = "the bias for π = (.25, .75), pay = (.2, .6), baseline ((1, 2), (2, 0))"
    report.close(what, got, torch.tensor([-0.075, 0.075]))
    report.note("E[b | a] = (1.2, 0.8), their mean 0.9, so -.25 · .3 for arm 0 and -.75 · -.1 for arm 1")

    got = bias([0.5, 0.5], [0.8, 0.2], [[0.0, 1.0], [0.0, 1.0]])
    what = "the bias of the baseline that reads off the reward, π = (½, ½), pay = (.8, .2)"
    report.close(what, got, torch.tensor([-0.15, 0.15]))
    report.note("b = r: the bias eats the whole gradient")

    got = bias([0.2, 0.3, 0.5], [0.9, 0.1, 0.5], [[0.7, 0.7]] * 3)
    what = "the bias of a baseline of 0.7, whatever happens, with three arms"
    report.close(what, got, torch.zeros(3))
    got = bias([0.2, 0.3, 0.5], [0.4, 0.4, 0.4], [[0.0, 1.0]] * 3)
    what = "the bias of the baseline that reads off the reward, when all three arms pay alike"
    report.close(what, got, torch.zeros(3))
    report.note("no bias where the baseline's mean is the same for every action")


# --------------------------------------------------------------------------------------- RecurrentBaseline


def _probe_inputs(flags: float) -> StepInput:
    """Three trials of five steps with three actions; every later step has the same flag."""
    end = torch.full((3, 5), flags)
    end[:, 0] = 0.0
    return StepInput(
        observation=torch.linspace(-1, 1, 30).reshape(3, 5, 2),
        prev_action=torch.tensor([[0, 1, 2, 0, 1], [0, 0, 1, 1, 2], [0, 2, 0, 2, 1]]),
        prev_reward=torch.tensor([[0.0, 1, 0, 1, 1], [0, 0, 0, 1, 0], [0, 1, 1, 0, 0]]),
        prev_end=end,
    )


def constant_weights_values(inputs: StepInput, num_actions: int, hidden_size: int, weight: float) -> Tensor:
    """Return the values [B, T] when every parameter is the same number: all units are alike, one is enough."""
    size = len(inputs.prev_reward)
    total = inputs.observation.flatten(2).sum(-1) + 1 + inputs.prev_reward + inputs.prev_end  # of all features
    state, values = torch.zeros(size), []
    for t in range(total.shape[1]):
        from_input, from_state = weight * total[:, t] + weight, weight * hidden_size * state + weight
        gate = torch.sigmoid(from_input + from_state)  # reset and update gate are alike as well
        state = (1 - gate) * torch.tanh(from_input + gate * from_state) + gate * state
        values.append(weight * hidden_size * state + weight)
    return torch.stack(values, dim=1)


def changed_steps(one: Tensor, other: Tensor) -> list[int]:
    """Return the steps at which two sets of values [T] differ."""
    return torch.nonzero((one - other).abs() > 1e-6).flatten().tolist()


def RecurrentBaseline(student: Handle, report: Report) -> None:
    """Shape, size, then causality probes: nudge one input, and see which values move."""
    require_class(student, report, "RecurrentBaseline")
    module = student.construct("RecurrentBaseline", (2,), 3, 6)
    inputs = _probe_inputs(1.0)

    def values(of: StepInput) -> Any:
        return student.method(module, "values", of)

    what = "RecurrentBaseline((2,), 3, 6).values of 3 trials of 5 steps"
    base = values(inputs)
    shape = tuple(base.shape) if isinstance(base, Tensor) else None
    for wrong in ((3, 5, 1), (3,)):
        report.true(what, shape != wrong, expected="shape (3, 5)", got=f"shape {wrong}")
    report.true(what, shape != (3, 1), expected="shape (3, 5)", got="shape (3, 1)")
    report.tensor(what, base, (3, 5), torch.float32)
    report.note("one value for every step")

    fill(student, module, lambda entry: torch.full_like(entry, -0.3))
    expected = constant_weights_values(inputs, 3, 6, -0.3)  # some below zero; elsewhere in this check weights vary
    what = "the lowest value with all parameters -0.3"
    report.true(what, float(values(inputs).min()) != 0.0, expected=f"{expected.min().item():.4f}", got="0")
    generator = torch.Generator().manual_seed(4)
    size = fill(student, module, lambda entry: torch.randn(entry.shape, generator=generator) * 0.4)
    base, again = values(inputs), values(inputs)
    report.true(
        "the values of the same trials, asked for a second time",
        not changed_steps(base.flatten(), again.flatten()),
        expected="the same values: every call starts at a trial's start",
        got="other values",
    )

    for column in ("prev_action", "prev_reward"):
        nudged = inputs._replace(**{column: getattr(inputs, column).clone()})
        getattr(nudged, column)[0, 3] = 2 if column == "prev_action" else 5.0  # the record's step 2
        _causality(report, column, base, values(nudged))
    report.note("what happens at step t moves the values after t, and none up to t, and no other trial's")

    _memory(report, values)
    report.note("what happened in an earlier episode is remembered")

    report.close("the number of parameters of RecurrentBaseline((2,), 3, 6)", size, 277)
    for weight in (0.1, -0.1):
        fill(student, module, lambda entry, weight=weight: torch.full_like(entry, weight))  # type: ignore[misc]
        expected = constant_weights_values(inputs, 3, 6, weight)
        what = f"the values with all 277 parameters {weight}"
        report.close(what, values(inputs), expected, atol=1e-5)
    report.note("277 parameters, set alike: the values of a GRU and a linear layer")

    (gradients,) = student.grad((module, "values"), (inputs,), [module], cotangent=torch.ones(3, 5))
    reached = all(entry is not None and bool(entry.any()) for entry in gradients.values())
    report.true(
        "the gradient of the values in the baseline's parameters",
        reached,
        expected="one for every parameter",
        got="none for some or all",
    )
    report.note("and it can learn: gradients reach every parameter")


def _causality(report: Report, column: str, base: Tensor, after: Tensor) -> None:
    """A change of what was done (or paid) at step 2 of trial 0, which input 3 tells."""
    done = "action" if column == "prev_action" else "reward"
    what = f"the values of trial 0 when only its {done} at step 2 is changed (input 3 tells of it)"
    moved = changed_steps(base[0], after[0])
    early = [t for t in moved if t < 3]
    report.true(what, early != [2], expected="steps 0, 1, 2 as before", got="the value at step 2 moves as well")
    report.true(what, not early, expected="steps 0, 1, 2 as before", got=f"the values at steps {early} move as well")
    others = [b for b in (1, 2) if changed_steps(base[b], after[b])]
    report.true(
        what.replace("values of trial 0", "values of the other trials"),
        not others,
        expected="as before",
        got=f"trial {others} moves",
    )
    report.true(what, 3 in moved, expected="the value at step 3 moves", got="it does not")


def _memory(report: Report, values: Callable[[StepInput], Any]) -> None:
    """Change input 1, and look at the value of step 4, within one episode and across episodes."""
    reached = {}
    for flags in (0.0, 1.0):
        inputs = _probe_inputs(flags)
        nudged = inputs._replace(prev_reward=inputs.prev_reward.clone())
        nudged.prev_reward[0, 1] = 3.0
        reached[flags] = 4 in changed_steps(values(inputs)[0], values(nudged)[0])
    what = "the value of step 4 when the reward of step 0 is changed"
    got = "it stays; within one episode it moves" if reached[0.0] else "it stays"
    report.true(what, reached[1.0], expected="it moves: the state lives through the trial", got=got)


# --------------------------------------------------------------------------------------- baseline_loss


def baseline_loss(student: Handle, report: Report) -> None:
    """The example of the text, with numbers in the padding; then where the gradient goes."""
    value, target = torch.tensor([[1.0, 2.0], [6.0, 9.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    mask = torch.tensor([[True, True], [True, False]])
    what = "baseline_loss of values ((1, 2), (6, padding)) and targets ((0, 0), (0, padding))"
    report.close(what, student.call("baseline_loss", value, target, mask), torch.tensor(41 / 6))
    report.note("(1 + 4 + 36) / 3 / 2 = 6.833")

    into_value, into_target = student.grad("baseline_loss", (value, target, mask), [0, 1])
    expected = torch.tensor([[1 / 3, 2 / 3], [2.0, 0.0]])
    report.gradient("the gradient of baseline_loss in the values", into_value, expected)
    what = "the gradient of baseline_loss in the targets"
    report.no_gradient(what, into_target, expected="none: the target is held fixed")
    report.note("the values move towards the targets, not the targets towards the values")


# --------------------------------------------------------------------------------------- train_step


def _compare_step(report: Report, what: str, bench: Bench, result: Any, right: Mapping[str, Tensor]) -> None:
    for name in NETWORKS:
        report.close(f"{what}: the change of the {name}'s weights", bench.moves(name), right[name], atol=2e-5)
    report.true(
        f"{what}: its result",
        isinstance(result, dict) and set(result) == set(NETWORKS),
        expected='a dictionary {"policy": ..., "baseline": ...}',
        got=f"{sorted(result)}" if isinstance(result, dict) else type(result).__name__,
    )
    for name in NETWORKS:
        loss = report.number(f"{what}: the {name}'s loss", result[name])
        expected_loss = right[f"loss {name}"].item()
        near = math.isclose(loss, expected_loss, rel_tol=1e-4, abs_tol=1e-5)
        shown = f"{expected_loss:.6g}" if report.reveal else "another value"
        report.true(f"{what}: the {name}'s loss", near, expected=shown, got=f"{loss:.6g}")


def train_step(student: Handle, report: Report) -> None:
    """One step with room for every gradient, then a second one, then one that must be clipped."""
    trial = trials_for_a_step(torch.Generator().manual_seed(1), 2, (5, 4))
    bench = Bench(student, seed=3)
    expected = expected_step(bench, trial, 0.5, 1e6)
    what = "train_step on five trials, SGD with learning rate 1, no clipping needed"
    _compare_step(report, what, bench, bench.step(trial, 0.5, 1e6), expected)
    report.note("both networks moved by minus their own gradient")

    # The same step from the same weights: what the first one left behind must not matter.
    bench.reset()
    result = bench.step(trial, 0.5, 1e6)
    _compare_step(report, "the same step once more, from the same weights", bench, result, expected)
    report.note("gradients are cleared before each step")

    bench.reset()
    result = bench.step(trial, 1.0, 0.05)
    expected = expected_step(bench, trial, 1.0, 0.05)
    _compare_step(report, "train_step with max_grad_norm 0.05", bench, result, expected)
    for name in NETWORKS:
        report.close(f"the length of the {name}'s step", bench.moves(name).norm().item(), 0.05, atol=1e-4)
    report.note("each network's gradient is clipped to the norm 0.05, by itself")
