"""Causality probes: who may depend on what, tested from outside by changing one number."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Ref
from rl2lib.types import Trajectory


def line_network(student: Handle, weights: dict[str, Tensor]) -> tuple[Ref, Ref]:
    """Build a GRU and a readout inside, with these weights."""
    hidden_size = weights["weight_hh_l0"].shape[1]
    gru = student.construct("GRU", 2, hidden_size, batch_first=True)
    readout = student.construct("Linear", hidden_size, 1)
    student.load_state_dict(gru, {name: value for name, value in weights.items() if name.endswith("l0")})
    student.load_state_dict(readout, {name: weights[name] for name in ("weight", "bias")})
    return gru, readout


def random_line_weights(hidden_size: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw weights at which every input matters for several steps."""
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih_l0": (3 * hidden_size, 2),
        "weight_hh_l0": (3 * hidden_size, hidden_size),
    }
    shapes |= {"bias_ih_l0": (3 * hidden_size,), "bias_hh_l0": (3 * hidden_size,)}
    shapes |= {"weight": (1, hidden_size), "bias": (1,)}
    return {name: 0.7 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def line_probes(student: Handle, weights: dict[str, Tensor], x: Tensor, y: Tensor, report: Report) -> None:
    """Change one answer: earlier predictions and other lines stay, later ones move. Weights stay; gradients flow."""
    gru, readout = line_network(student, weights)
    row, t = 0, 1
    changed = y.clone()
    changed[row, t] += 1.0
    before = report.tensor("learn_lines", student.call("learn_lines", gru, readout, x, y), tuple(x.shape))
    for name, ref in (("gru", gru), ("readout", readout)):
        same = all(torch.equal(value, weights[key]) for key, value in student.state_dict(ref).items())
        report.true(
            f"the weights of {name} after learn_lines", same, expected="unchanged", got="other weights than before"
        )
    after = report.tensor("learn_lines", student.call("learn_lines", gru, readout, x, changed), tuple(x.shape))
    moved = (after - before).abs() > 1e-6
    told = f"when y[{row}, {t}] changes"
    report.true(
        f"the predictions of line {row} up to step {t}, {told}",
        not moved[row, : t + 1].any(),
        expected="unchanged",
        got="they move",
    )
    others = torch.arange(len(x)) != row
    report.true(
        f"the predictions of the other lines, {told}", not moved[others].any(), expected="unchanged", got="they move"
    )
    report.true(f"the prediction of step {t + 1}, {told}", moved[row, t + 1], expected="it moves", got="unchanged")
    report.true(
        f"the predictions of line {row} after step {t + 1}, {told}",
        bool((before != after)[row, t + 2 :].any()),
        expected="they move",
        got="unchanged",
    )
    gradients = student.grad("learn_lines", [gru, readout, x, y], [gru, readout], cotangent=torch.ones_like(x))
    arrived = all(value is not None and bool((value != 0).any()) for group in gradients for value in group.values())
    report.true(
        "the gradient of the predictions with respect to the weights",
        arrived,
        expected="one for every parameter",
        got="none, or zeros",
    )


def unroll_probes(student: Handle, report: Report, policy: Ref, trials: Trajectory, row: int = 1, t: int = 2) -> None:
    """Perturb one reward: nothing up to its step, nothing in other trials, something afterwards and later still."""
    reward = trials.reward.clone()
    reward[row, t] += 3.0
    shape = tuple(reward.shape)
    before = report.tensor("unroll", student.call("unroll", policy, trials), shape)
    after = report.tensor("unroll", student.call("unroll", policy, trials._replace(reward=reward)), shape)
    moved = (before - after).abs() > 1e-6
    told = f"when the reward of step {t} of trial {row} changes"
    others = torch.arange(len(reward)) != row
    report.true(
        f"the log-probabilities of that trial up to step {t}, {told}",
        not moved[row, : t + 1].any(),
        expected="unchanged",
        got="they move",
    )
    report.true(f"those of the other trials, {told}", not moved[others].any(), expected="unchanged", got="they move")
    report.true(f"that of step {t + 1}, {told}", moved[row, t + 1], expected="it moves", got="unchanged")
    report.true(
        f"those of later steps, {told}",
        bool((before != after)[row, t + 2 :].any()),
        expected="they move",
        got="unchanged",
    )
