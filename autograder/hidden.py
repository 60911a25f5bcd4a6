"""Runs an exercise's hidden check, and names the mutant that a wrong answer looks like."""

from __future__ import annotations

import importlib
import secrets

import numpy as np

from autograder.reference import answer_handle, reference_handle
from autograder.source import Notebook, load_variants
from rl2lib.lab import refusals
from rl2lib.lab.checking import Outcome, run_check
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report


def fresh_seed() -> int:
    """Return a seed from the operating system's randomness."""
    return secrets.randbits(63)


def run_hidden(notebook: Notebook, name: str, student: Handle, seed: int) -> Outcome:
    """Run the hidden check of exercise `name` on inputs drawn from `seed`, without revealing expected values."""
    check = getattr(importlib.import_module(f"autograder.checks.nb{notebook.number}"), name)
    reference, rng = reference_handle(notebook), np.random.default_rng(seed)
    report = Report(name, reveal=False)
    return run_check(name, student, report, lambda found: check(student, reference, rng, found))


def diagnose(notebook: Notebook, name: str, hidden: Outcome, seed: int) -> str | None:
    """Return the mutant that an answer looks like among those that only the hidden check refuses.

    All others are named by what the visible check refuses. The hidden one draws the same inputs from the same seed for
    everybody.

    Args:
        notebook: the exercise's notebook.
        name: the exercise.
        hidden: what `run_hidden` said of the answer with this seed.
        seed: the seed.
    """
    for variant in load_variants(notebook.number):
        if variant.exercise == name and variant.unseen:
            other = run_hidden(notebook, name, answer_handle(notebook, variant.source, seconds=2.0), seed).refusal
            if other is not None and refusals.alike(hidden.refusal, {variant.name: other}):
                return variant.name
    return None
