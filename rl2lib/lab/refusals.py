"""How a wrong answer is recognised: it is refused at the same place as a known one, and the same is seen there.

A known wrong answer is a mutant, code with a diagnosis on the grader's side. The build runs every visible check on
every mutant and keeps what the check refused in refusals.json, which is all that a learner's side knows of it. What
was accepted before tells nothing, and no right answer is kept: a right one is never refused.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from rl2lib import codec
from rl2lib.lab.values import Ref, is_record, record_fields

REFUSALS_FILE = Path(__file__).with_name("refusals.json")
MAX_ENTRIES = 32
MAX_TEXT = 300
LARGE = 2**53
RTOL, ATOL = 1e-4, 1e-6
SAME_FREQUENCY = 5.0  # standard errors


class Refusal(Struct, frozen=True, array_like=True):
    """Where a check stopped, and at what.

    Args:
        what: the call or property that was looked at.
        seen: what it was, made short by `brief`.
    """

    what: str
    seen: Any


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """What one exercise's check refuses of each mutant, and a digest of what that was made from."""

    digest: str
    mutants: dict[str, Refusal]


def brief(value: Any) -> Any:
    """Turn plain data into little JSON, the same for values that a check cannot tell apart.

    Of an array that is too large, entries at fixed places are kept and the mean. Numbers keep six digits.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < LARGE else "a large integer"
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, Ref):
        return {"object": value.type_name[:MAX_TEXT]}
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _brief_array(value)
    if is_record(value):
        value = record_fields(value)
    if isinstance(value, dict):
        return {"length": len(value), "items": {str(key)[:MAX_TEXT]: brief(value[key]) for key in _few(list(value))}}
    if isinstance(value, list | tuple):
        return {"length": len(value), "items": [brief(item) for item in _few(value)]}
    return {"object": type(value).__name__[:MAX_TEXT]}


def words(text: str) -> dict[str, str]:
    """What was seen, where the check says it in words."""
    return {"words": text[:MAX_TEXT]}


def count(successes: int, trials: int) -> dict[str, list[int]]:
    """What was seen, where the check counts how often something random happened."""
    return {"count": [successes, trials]}


def same(one: Any, other: Any) -> bool:
    """Compare what was seen, as `brief` made it: numbers within rounding, counts within what chance allows."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return False
        if "count" in one:
            return _same_frequency(one["count"], other["count"])
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)]
    if all(numbers):
        return math.isclose(one, other, rel_tol=RTOL, abs_tol=ATOL)
    return type(one) is type(other) and bool(one == other)


def alike(refusal: Refusal | None, known: Mapping[str, Refusal]) -> str | None:
    """Return the first of the known wrong answers that was refused alike, None where none was."""
    if refusal is None:
        return None
    found = (name for name, other in known.items() if refusal.what == other.what and same(refusal.seen, other.seen))
    return next(found, None)


# --------------------------------------------------------------------------------------- the file


def read(path: Path) -> dict[str, Entry]:
    """Read exercise -> entry from a file that the build wrote; empty where there is none."""
    return codec.decode(path.read_bytes(), dict[str, Entry], path.name) if path.exists() else {}


@functools.cache
def load() -> dict[str, dict[str, Refusal]]:
    """Return exercise -> mutant -> refusal, as refusals.json beside this module has it."""
    return {exercise: entry.mutants for exercise, entry in read(REFUSALS_FILE).items()}


# --------------------------------------------------------------------------------------- inside


def _rounded(number: float) -> float | str:
    number = float(number)
    return float(f"{round(number, 7) + 0.0:.6g}") if math.isfinite(number) else str(number)


def _few(items: Any) -> Any:
    if len(items) <= MAX_ENTRIES:
        return items
    return [items[index] for index in np.linspace(0, len(items) - 1, MAX_ENTRIES).astype(int)]


def _brief_array(value: Any) -> dict[str, Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # a tensor of a kind that NumPy does not have
        return {"array": f"{type(value).__name__} {value.dtype}", "shape": list(value.shape)}
    kind = "i" if array.dtype.kind == "u" else array.dtype.kind
    seen: dict[str, Any] = {"array": f"{type(value).__name__} {kind}", "shape": list(array.shape)}
    if kind in "bif":
        flat = array.ravel().astype(np.float64)
        seen["entries"] = [_rounded(entry) for entry in _few(flat)]
        if flat.size > MAX_ENTRIES:
            seen["mean"] = _rounded(flat.mean())
    return seen


def _same_frequency(one: list[int], other: list[int]) -> bool:
    (first, tried), (second, often) = one, other
    share = (first + second) / max(tried + often, 1)
    error = math.sqrt(share * (1 - share) * (1 / max(tried, 1) + 1 / max(often, 1)))
    return abs(first / max(tried, 1) - second / max(often, 1)) <= SAME_FREQUENCY * error + 1e-9
