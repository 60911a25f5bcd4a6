"""Measures a freshly initialised GRU cell and head: appendix A of Duan et al. 2016, seen from outside."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator


class Initialised:
    """A cell and a head inside, after `initialise`; `weights` are the ones in force."""

    def __init__(self, student: Handle, features: int, hidden: int, actions: int, seed: int):
        self.student, self.sizes = student, (features, hidden, actions)
        self.cell, self.head = (
            student.construct("GRUCell", features, hidden),
            student.construct("Linear", hidden, actions),
        )
        student.call("initialise", self.cell, self.head, Generator(seed))
        names = [(self.cell, "weight_ih"), (self.cell, "weight_hh"), (self.head, "weight")]
        names += [(self.cell, "bias_ih"), (self.cell, "bias_hh"), (self.head, "bias")]
        keys = ("weight_ih", "weight_hh", "head.weight", "bias_ih", "bias_hh", "head.bias")
        self.weights = {key: student.attribute(*name) for key, name in zip(keys, names, strict=True)}

    def parameters(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the cell's and the head's own parameters, biases left out."""
        features, hidden, actions = self.sizes
        x, h = torch.ones(1, features), torch.ones(1, hidden)
        (cell,) = self.student.grad((self.cell, "__call__"), (x, h), [self.cell], cotangent=h)
        (head,) = self.student.grad((self.head, "__call__"), (h,), [self.head], cotangent=torch.ones(1, actions))
        found = []
        for ref, gradients in ((self.cell, cell), (self.head, head)):
            state = self.student.state_dict(ref)
            found.append({name: state[name] for name in gradients if not name.startswith("bias")})
        return found[0], found[1]


def check_initialised(student: Handle, report: Report, sizes: tuple[int, int, int], seed: int) -> None:
    """Everything that appendix A asks of one network. A correct answer fails with probability below 1e-6."""
    features, hidden, actions = sizes
    net = Initialised(student, *sizes, seed)
    told = f"for GRUCell({features}, {hidden}) and Linear({hidden}, {actions})"
    shapes = {"weight_ih": (3 * hidden, features), "weight_hh": (3 * hidden, hidden), "head.weight": (actions, hidden)}
    for key, shape in shapes.items():
        report.tensor(f"{key} {told}", net.weights[key], shape, torch.float32)
    _lengths(report, net, told)
    for key in ("bias_ih", "bias_hh", "head.bias"):
        value, wanted = net.weights[key], torch.zeros(actions if key == "head.bias" else 3 * hidden)
        same = isinstance(value, Tensor) and value.shape == wanted.shape and not value.any()
        report.true(f"{key} {told}", same, expected="zeros", got="something else")
    report.note("biases are zero")
    _orthogonal(report, net.weights["weight_hh"], told, hidden)
    report.note("hidden-to-hidden: three orthogonal blocks")
    _xavier(report, net.weights["weight_ih"], f"weight_ih {told}", 3, hidden)
    _xavier(report, net.weights["head.weight"], f"head.weight {told}", 1, hidden)
    report.note("Xavier elsewhere, gate by gate")
    again, other = Initialised(student, *sizes, seed), Initialised(student, *sizes, seed + 1)
    keys = ("weight_ih", "weight_hh", "head.weight")
    same = all(torch.equal(net.weights[key], again.weights[key]) for key in keys)
    report.same(f"two networks from generators of the same seed {told}", same, "weights")
    fresh = not any(torch.equal(net.weights[key], other.weights[key]) for key in keys)
    report.true(
        f"two networks from generators of different seeds {told}",
        fresh,
        expected="different weights",
        got="the same weights",
    )
    report.note("drawn from the generator, and from nothing else")
    _lengths_at_work(report, net, told)
    report.note("rows: length and direction are parameters of their own, and the drawn weights are in force")


def _lengths(report: Report, net: Initialised, told: str) -> None:
    """Look for weight normalisation's lengths: one for every row of every matrix."""
    features, hidden, actions = net.sizes
    cell, head = net.parameters()
    numbers = [value.numel() for value in (*cell.values(), *head.values())]
    per_row = sum(number == 3 * hidden for number in numbers) + sum(v.numel() == actions for v in head.values())
    if per_row == 3:
        unit = torch.ones(3 * hidden)
        report.true(
            f"the lengths of the rows of weight_ih {told}",
            not torch.allclose(net.weights["weight_ih"].norm(dim=1), unit, atol=1e-4),
            expected="as drawn by Xavier",
            got="all equal to 1",
        )
        return
    columns = {(1, features), (1, hidden)}
    shapes = [tuple(value.shape) for value in (*cell.values(), *head.values())]
    of = ""
    if any(shape in columns for shape in shapes):
        of = ", and some for columns"
    elif any(number == 1 for number in numbers):
        of = ", and some for whole matrices"
    report.fail(
        f"the parameters {told}",
        "one length for each row of three weight matrices, beside the directions",
        f"such lengths for {per_row} of the three{of}",
    )


def _orthogonal(report: Report, stack: Tensor, told: str, hidden: int) -> None:
    blocks = stack.reshape(3, hidden, hidden)
    eye = torch.eye(hidden)
    largest = float(stack.abs().max())
    off = float((blocks @ blocks.mT - eye).abs().max())
    got = f"entries up to {off:.2g} away from it"
    if torch.allclose(stack.T @ stack, eye, atol=1e-3):
        got = "another one, but the whole stack times its transpose is"
    elif largest <= 1 / math.sqrt(hidden):
        got = "another one, and no entry of weight_hh is larger than 1/sqrt(H)"
    elif largest <= math.sqrt(3 / hidden):
        got = "another one, and no entry of weight_hh is larger than Xavier's bound"
    report.true(
        f"the three blocks of weight_hh {told}, each times its transpose",
        off < 1e-4,
        expected="the identity matrix",
        got=got,
    )
    distinct = not any(torch.allclose(blocks[i], blocks[i - 1], atol=1e-4) for i in range(3))
    report.true(
        f"the three blocks of weight_hh {told}", distinct, expected="three different matrices", got="equal ones"
    )


def _xavier(report: Report, weight: Tensor, what: str, gates: int, hidden: int) -> None:
    rows, fan_in = weight.shape[0] // gates, weight.shape[1]
    bound = math.sqrt(6 / (fan_in + rows))
    blocks = weight.reshape(gates, rows, fan_in)
    largest = float(weight.abs().max())
    gram = blocks @ blocks.mT if rows < fan_in else blocks.mT @ blocks
    orthogonal = torch.allclose(gram, torch.eye(min(rows, fan_in)).expand_as(gram), atol=1e-3)
    got = f"entries up to {largest:.4f} in size"
    if orthogonal:
        got = "orthogonal blocks"
    elif largest > bound * (1 + 1e-6):
        got = "entries beyond that"
    elif largest <= 1 / math.sqrt(hidden):
        got = f"none larger than 1/sqrt(H) = {1 / math.sqrt(hidden):.4f}"
    elif gates > 1 and largest <= math.sqrt(6 / (fan_in + gates * rows)):
        got = f"none larger than the bound of all {gates} blocks as one matrix"
    inside = 0.85 * bound < largest <= bound * (1 + 1e-6) and not orthogonal
    report.true(what, inside, expected=f"entries spread over [-{bound:.4f}, {bound:.4f}]", got=got)
    # Hoeffding: means of n squares in [0, 1] and of n entries in [-1, 1], each wrong with probability below 1e-8.
    entries, number = weight / bound, weight.numel()
    for told, mean, right, slack in (
        ("mean square", float(entries.square().mean()), 1 / 3, math.sqrt(9.6 / number)),
        ("mean", float(entries.mean()), 0.0, math.sqrt(38.3 / number)),
    ):
        unit = bound**2 if told == "mean square" else bound
        plausible = abs(mean - right) < slack
        report.true(f"the {told} of {what}", plausible, expected=f"about {right * unit:.4f}", got=f"{mean * unit:.4f}")
    distinct = gates == 1 or not any(torch.allclose(blocks[i], blocks[i - 1], atol=1e-4) for i in range(gates))
    report.true(what, distinct, expected="different blocks", got="equal")


def _lengths_at_work(report: Report, net: Initialised, told: str) -> None:
    """Stretch each row's direction: nothing changes. Stretch the lengths: the weights in force follow."""
    features, hidden, actions = net.sizes
    generator = torch.Generator().manual_seed(0)
    x, h = torch.randn(2, features, generator=generator), torch.randn(2, hidden, generator=generator)
    w = net.weights
    for own, ref, inputs, rows in (
        (net.parameters()[0], net.cell, (x, h), 3 * hidden),
        (net.parameters()[1], net.head, (h,), actions),
    ):
        stretch = torch.rand(rows, 1, generator=generator) + 0.5
        for lengths, name in ((False, "directions"), (True, "lengths")):
            state = net.student.state_dict(ref)
            chosen = [key for key in own if (own[key].numel() == rows) == lengths]
            changed = {key: state[key] * stretch.reshape(rows, *[1] * (state[key].ndim - 1)) for key in chosen}
            net.student.load_state_dict(ref, {**state, **changed})
            got = net.student.method(ref, "__call__", *inputs)
            net.student.load_state_dict(ref, state)
            factor = stretch if lengths else torch.ones(rows, 1)
            if ref is net.cell:
                zero = torch.zeros(rows)
                expected = torch.gru_cell(x, h, w["weight_ih"] * factor, w["weight_hh"] * factor, zero, zero)
            else:
                expected = h @ (w["head.weight"] * factor).T
            report.close(f"the output {told} with all {name} stretched row by row", got, expected, atol=1e-4)
