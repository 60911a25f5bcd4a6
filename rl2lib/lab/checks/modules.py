"""A learner's torch module, seen from outside: names and splits of its parameters are the learner's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Ref


def require_class(student: Handle, report: Report, name: str) -> None:
    """Require that a class is called `name`, where something is."""
    kind = student.kind(name)
    report.true(name, kind in ("class", "missing"), expected="a class, a torch nn.Module", got=f"a {kind}")


def parameters(handle: Handle, module: Ref, inputs: Sequence[Tensor], width: int) -> dict[str, Tensor]:
    """Return the parameters by name, buffers left out, of a module called on `inputs`; its output is `width` wide."""
    cotangent = torch.ones(*inputs[1].shape, width)
    (gradients,) = handle.grad((module, "__call__"), inputs, [module], cotangent=cotangent)
    state = handle.state_dict(module)
    return {name: state[name] for name in gradients}


def update(handle: Handle, module: Ref, values: Mapping[str, Tensor]) -> None:
    """Set some parameters; the others, and the buffers, stay."""
    handle.load_state_dict(module, {**handle.state_dict(module), **values})


def fill(handle: Handle, module: Ref, value: Callable[[Tensor], Tensor]) -> int:
    """Set every parameter, whatever its name; return how many numbers these are."""
    state = {name: value(entry) for name, entry in handle.state_dict(module).items()}
    handle.load_state_dict(module, state)
    return sum(entry.numel() for entry in state.values())
