"""What may pass between a check and a learner's answer, beside plain data: four names for things that must not.

Plain data are None, bool, int, float, str, lists, tuples, dictionaries, NumPy arrays, torch tensors (detached) and
the records of `rl2lib.types`.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LIBRARY_PREFIXES = ("rl2lib.types.", "rl2lib.tasks.", "rl2lib.agents.", "rl2lib.training.")


@dataclass(frozen=True)
class Ref:
    """An object that stays on the learner's side; `type_name` is all that is known of it."""

    key: int
    type_name: str


@dataclass(frozen=True)
class Lib:
    """An rl2lib object to be built on the learner's side: `Lib("rl2lib.tasks.bandit.BanditEnv", 5, 10)`."""

    path: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, path: str, *args: Any, **kwargs: Any):
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)


@dataclass(frozen=True)
class Generator:
    """A seeded random generator to be built on the learner's side (`library`: "torch" or "numpy")."""

    seed: int
    library: str = "torch"


@dataclass(frozen=True)
class Callback:
    """An object that stays on the check's side; the learner sees only the listed methods and attributes."""

    target: Any
    methods: Sequence[str]
    attributes: Sequence[str] = ()


def is_record(value: Any) -> bool:
    """Tell whether `value` is one of the records of `rl2lib.types` (StepInput, Step, Trajectory)."""
    cls = type(value)
    return cls.__module__ == "rl2lib.types" and (hasattr(cls, "_fields") or dataclasses.is_dataclass(cls))


def record_fields(value: Any) -> dict[str, Any]:
    """Return a record's fields by name."""
    if hasattr(value, "_fields"):
        return {name: getattr(value, name) for name in value._fields}
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}


def library_constructor(path: str) -> Callable[..., Any]:
    """Return the rl2lib class or function at a dotted path; only tasks, agents, training and types are offered."""
    module, _, name = path.rpartition(".")
    if not path.startswith(LIBRARY_PREFIXES) or name.startswith("_"):
        raise ValueError(f"{path}: expected a public name below {', '.join(LIBRARY_PREFIXES)}")
    return getattr(importlib.import_module(module), name)


def make_generator(spec: Generator) -> Any:
    """Build the NumPy or torch generator that `spec` describes."""
    if spec.library == "numpy":
        return np.random.default_rng(spec.seed)
    import torch

    return torch.Generator().manual_seed(spec.seed)
