"""Runs an exercise's hidden check, and names the misconception behind a wrong answer."""

from __future__ import annotations

import importlib
import secrets
from typing import Any

import numpy as np

from autograder.reference import answer_handle, reference_handle
from autograder.source import Notebook, load_variants
from rl2lib.lab.checking import Outcome, run_check
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report


def fresh_seed() -> int:
    """Return a seed from the operating system's randomness."""
    return secrets.randbits(63)


def run_hidden(notebook: Notebook, name: str, student: Handle, seed: int) -> Outcome:
    """Run the hidden check of exercise `name` on inputs drawn from `seed`, without revealing expected values."""
    check = getattr(importlib.import_module(f"autograder.checks.nb{notebook.number}"), name)
    diagnoses = {item.name: item.diagnosis for item in load_variants(notebook.number) if item.exercise == name}
    report = Report(name, diagnoses, reveal=False)
    reference = reference_handle(notebook)
    rng = np.random.default_rng(seed)
    return run_check(name, student, report, lambda found: check(student, reference, rng, found))


class Recorder:
    """A handle that passes everything on and keeps what came back, for comparison with another answer."""

    def __init__(self, inner: Handle):
        self._inner = inner
        self.trace: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._inner, name)

        def recorded(*args: Any, **kwargs: Any) -> Any:
            result = operation(*args, **kwargs)
            self.trace.append(result)
            return result

        return recorded


def diagnose(notebook: Notebook, name: str, student: Handle, seed: int) -> str | None:
    """Return the mutant that answers a hidden check just as the student's answer does, None where none does.

    The check draws the same inputs from the same seed for everybody, so equal answers mean equal traces.
    """
    recorder = Recorder(student)
    run_hidden(notebook, name, recorder, seed)
    for variant in load_variants(notebook.number):
        if variant.exercise != name or variant.correct:
            continue
        other = Recorder(answer_handle(notebook, variant.source, seconds=2.0))
        run_hidden(notebook, name, other, seed)
        if same_trace(recorder.trace, other.trace):
            return variant.name
    return None


def same_trace(one: Any, other: Any) -> bool:
    """Compare two traces of plain results; objects that stayed inside are equal when their types are."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_trace, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_trace(one[key], other[key]) for key in one)
    if hasattr(one, "shape") or hasattr(other, "shape"):
        if getattr(one, "shape", None) != getattr(other, "shape", None):
            return False
        close = np.isclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-4, atol=1e-6, equal_nan=True)
        return bool(close.all())
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True))
    return bool(type(one) is type(other) and one == other)
