"""The words of a check: what was expected, what came, and what probably went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rl2lib.lab import refusals
from rl2lib.lab.values import Ref

SHOWN_ENTRIES = 40
FORGOTTEN_RETURN = "The function ended without a `return`, or returned the result of something that works in place."


class CheckFailure(Exception):
    """A check that did not hold.

    Args:
        what: the call or property that was looked at.
        expected: what should have come.
        got: what came.
        cause: the likely cause, "" where none is known.

    Attributes:
        seen: what came, as `refusals` keeps it.
    """

    def __init__(self, what: str, expected: str, got: str, cause: str = ""):
        super().__init__(what, expected, got, cause)
        self.what, self.expected, self.got, self.cause = what, expected, got, cause
        self.seen: Any = refusals.words(got)


@dataclass
class Report:
    """Collects what a check found; every method raises `CheckFailure` at the first thing that is wrong.

    Args:
        exercise: the exercise's name.
        reveal: show expected values (visible checks do, hidden ones do not).
    """

    exercise: str
    reveal: bool = True
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a passed step that is worth telling."""
        self.notes.append(text)

    def fail(self, what: str, expected: str, got: str, cause: str = "") -> None:
        """Raise `CheckFailure`; answers of which `got` says the same are taken for the same mistake."""
        raise CheckFailure(what, expected, got, cause)

    def true(self, what: str, condition: Any, *, expected: str, got: str = "it does not") -> None:
        """Require `condition`; answers of which `got` says the same are taken for the same mistake."""
        if not bool(condition):
            self.fail(what, expected, got)

    def same(self, what: str, equal: Any, things: str) -> None:
        """Require `things` to have come out the same a second time."""
        self.true(what, equal, expected=f"the same {things}", got=f"other {things}")

    def other(self, what: str, equal: Any, things: str) -> None:
        """Require `things` not to have come out the same a second time."""
        self.true(what, not equal, expected=f"other {things}", got=f"the same {things}")

    # ------------------------------------------------------------------ kinds

    def array(self, what: str, value: Any, shape: tuple[int, ...] | None = None, dtype: Any = None) -> np.ndarray:
        """Require a finite NumPy array of that shape and kind of dtype (bool, int, float)."""
        with _refusing(value):
            if not isinstance(value, np.ndarray):
                self._wrong_kind(what, f"a NumPy array{_of(shape)}", value)
            self._shape(what, value.shape, shape)
            if dtype is not None and _kind(value.dtype) != _kind(np.dtype(dtype)):
                wanted = str(np.dtype(dtype))
                self.fail(what, f"dtype {wanted}", f"dtype {value.dtype}", cause=_dtype_hint(wanted))
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                self._not_finite(what, value)
        return value

    def tensor(self, what: str, value: Any, shape: tuple[int, ...] | None = None, dtype: Any = None) -> Any:
        """Require a finite torch tensor of that shape and dtype (integer widths are not told apart)."""
        import torch

        with _refusing(value):
            if not isinstance(value, torch.Tensor):
                self._wrong_kind(what, f"a torch tensor{_of(shape)}", value)
            self._shape(what, tuple(value.shape), shape)
            if dtype is not None and not _same_torch_dtype(value.dtype, dtype):
                self.fail(what, f"dtype {dtype}", f"dtype {value.dtype}", cause=_dtype_hint(str(dtype)))
            if value.dtype.is_floating_point and not torch.isfinite(value).all():
                self._not_finite(what, value.numpy())
        return value

    def number(self, what: str, value: Any) -> float:
        """Require one finite number (a Python number, or an array or tensor with no dimensions)."""
        with _refusing(value):
            scalar = _scalar(value)
            if isinstance(scalar, bool) or not isinstance(scalar, int | float):
                self._wrong_kind(what, "one number", value)
            if not np.isfinite(scalar):
                self.fail(what, "a finite number", str(scalar), cause="Look for 0/0 and for the logarithm of 0.")
        return float(scalar)

    def boolean(self, what: str, value: Any) -> bool:
        """Require True or False."""
        with _refusing(value):
            scalar = _scalar(value)
            if not isinstance(scalar, bool):
                self._wrong_kind(what, "True or False", value)
        return scalar

    # ------------------------------------------------------------------ values

    def close(self, what: str, got: Any, expected: Any, *, atol: float = 1e-6) -> None:
        """Require `got` to equal `expected`: kind, shape and dtype first, then the values within `atol`."""
        with _refusing(got):
            self._compare(what, got, expected, atol)

    def binomial(
        self, what: str, successes: int, trials: int, probability: float, *, false_alarm: float = 1e-7
    ) -> None:
        """Require a count to be plausible under Binomial(trials, probability).

        A correct answer fails with probability at most `false_alarm` (exact tails, half on either side). Answers whose
        frequencies chance cannot tell apart are taken for the same mistake.
        """
        if _plausible(successes, trials, probability, false_alarm):
            return
        expected = f"about {probability:.3f} of the time" if self.reveal else "another frequency"
        failure = CheckFailure(what, expected, f"{successes} of {trials} times ({successes / trials:.3f})")
        failure.seen = refusals.count(successes, trials)
        raise failure

    # ------------------------------------------------------------------ gradients

    def gradient(
        self, what: str, got: Any, expected: Any, *, atol: float = 1e-6, missing: str = "none: it was cut on the way"
    ) -> None:
        """Require a gradient that arrived (`missing` says that none did), with the values of `expected`."""
        self.true(what, got is not None, expected="one that arrives", got=missing)
        self.close(what, got, expected, atol=atol)

    def no_gradient(self, what: str, got: Any, *, expected: str = "none") -> None:
        """Require that no gradient arrived, or zeros."""
        self.true(what, got is None or not got.any(), expected=expected, got="one that is not zero")

    # ------------------------------------------------------------------ inside

    def _compare(self, what: str, got: Any, expected: Any, atol: float) -> None:
        if type(expected).__name__ == "Tensor" and hasattr(expected, "numpy"):
            self.tensor(what, got, tuple(expected.shape), expected.dtype)
            self._entries(what, got.numpy(), expected.numpy(), atol)
        elif isinstance(expected, np.ndarray):
            self.array(what, got, expected.shape, expected.dtype)
            self._entries(what, got, expected, atol)
        elif isinstance(expected, bool):
            self.true(what, self.boolean(what, got) == expected, expected=self._secret(expected), got=str(got))
        elif isinstance(expected, int | float):
            value = self.number(what, got)
            same = abs(value - expected) <= atol
            self.true(what, same, expected=self._secret(expected), got=self._show(value))
        elif isinstance(expected, tuple | list):
            if not isinstance(got, tuple | list):
                self._wrong_kind(what, f"{len(expected)} values together", got)
            if len(got) != len(expected):
                self.fail(what, f"{len(expected)} values", f"{len(got)} values")
            for index, (one, other) in enumerate(zip(got, expected, strict=True)):
                self._compare(f"{what}, value {index}", one, other, atol)
        elif isinstance(expected, dict):
            if not isinstance(got, dict):
                self._wrong_kind(what, "a dictionary", got)
            if set(got) != set(expected):
                self.fail(what, f"the keys {sorted(map(str, expected))}", f"the keys {sorted(map(str, got))}")
            for key, other in expected.items():
                self._compare(f"{what}: {key}", got[key], other, atol)
        elif hasattr(expected, "_asdict"):
            self._compare(what, dict(got._asdict()), dict(expected._asdict()), atol)
        else:
            if type(got) is not type(expected):
                self._wrong_kind(what, f"a {type(expected).__name__}", got)
            self.true(what, got == expected, expected=self._secret(expected), got=self._show(got))

    def _entries(self, what: str, got: np.ndarray, expected: np.ndarray, atol: float) -> None:
        wide_got, wide_expected = got.astype(np.float64), expected.astype(np.float64)
        differs = ~np.isclose(wide_got, wide_expected, rtol=1e-5, atol=atol, equal_nan=True)
        if not differs.any():
            return
        where = np.argwhere(differs)
        place = "[" + ", ".join(str(int(index)) for index in where[0]) + "]" if got.ndim else ""
        count = (
            f"{int(differs.sum())} of {differs.size} entries differ, the first at {place}" if place else "it differs"
        )
        if self.reveal:
            shown, came = self._contrast(expected, got)
            self.fail(what, shown, f"{came} ({count})")
        self.fail(what, "the values of the definition", f"{count}, input of shape {got.shape}")

    def _contrast(self, expected: Any, got: Any) -> tuple[str, str]:
        """Show two values; of arrays too large to show, the entries where they differ first."""
        one, other = (np.asarray(value) if hasattr(value, "shape") else None for value in (expected, got))
        if one is None or other is None or one.shape != other.shape or one.size <= SHOWN_ENTRIES:
            return self._show(expected), self._show(got)
        differs = ~np.isclose(one.astype(np.float64), other.astype(np.float64), rtol=1e-5, atol=1e-6).ravel()
        first = np.flatnonzero(differs)[:4]
        if not len(first):
            return f"{self._show(expected)} of {expected.dtype}", f"{self._show(got)} of {got.dtype}"
        places = ", ".join(str(tuple(map(int, np.unravel_index(index, one.shape)))) for index in first)
        values = [np.array2string(value.ravel()[first], precision=4, separator=", ") for value in (one, other)]
        return f"{values[0]} at {places}", f"{values[1]} there"

    def _secret(self, value: Any) -> str:
        return self._show(value) if self.reveal else "another value"

    def _show(self, value: Any) -> str:
        if type(value).__name__ == "Tensor" and hasattr(value, "numpy"):
            value = value.detach().numpy()
        if isinstance(value, np.ndarray):
            if value.size > SHOWN_ENTRIES:
                return f"an array of shape {value.shape}"
            return np.array2string(value, precision=4, separator=", ", suppress_small=True)
        if isinstance(value, float):
            return f"{value:.6g}"
        if isinstance(value, Ref):
            return f"an object of type {value.type_name}"
        if isinstance(value, tuple | list):
            more = f", ... ({len(value)} entries)" if len(value) > SHOWN_ENTRIES else ""
            return ", ".join(self._show(item) for item in value[:SHOWN_ENTRIES]) + more
        text = repr(value)
        return text if len(text) <= 300 else text[:300] + "..."

    def _shape(self, what: str, got: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
        if expected is None or tuple(got) == tuple(expected):
            return
        cause = ""
        if sorted(got) == sorted(expected):
            cause = "The dimensions are there in another order: the course is batch-first."
        elif len(got) != len(expected):
            cause = (
                "The number of dimensions differs: one was lost (an index, a sum) or added (`keepdims`, `unsqueeze`)."
            )
        self.fail(what, f"shape {tuple(expected)}", f"shape {tuple(got)}", cause=cause)

    def _wrong_kind(self, what: str, expected: str, value: Any) -> None:
        cause = FORGOTTEN_RETURN if value is None else ""
        kind = value.type_name if isinstance(value, Ref) else type(value).__name__
        if kind == "Tensor" and "NumPy" in expected:
            cause = "This notebook works in NumPy."
        if kind == "ndarray" and "torch" in expected:
            cause = "This notebook works in torch: tensors in, tensors out."
        self.fail(what, expected, "None" if value is None else f"{kind}: {self._show(value)}", cause=cause)

    def _not_finite(self, what: str, value: np.ndarray) -> None:
        bad = int((~np.isfinite(value)).sum())
        self.fail(
            what,
            "finite numbers",
            f"{bad} of {value.size} entries are NaN or infinite",
            cause="Look for 0/0, for the logarithm of 0, and for a division before a mask is applied.",
        )


@contextlib.contextmanager
def _refusing(value: Any) -> Iterator[None]:
    """Keep with a failure inside which value it was."""
    try:
        yield
    except CheckFailure as failure:
        failure.seen = refusals.brief(value)
        raise


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if hasattr(value, "ndim") and value.ndim == 0 and hasattr(value, "item"):
        return value.item()
    return None


def _plausible(successes: int, trials: int, probability: float, false_alarm: float) -> bool:
    from scipy.special import bdtr, bdtrc  # a third of the import time of scipy.stats

    if probability in (0.0, 1.0):
        return successes == round(trials * probability)
    at_most = bdtr(successes, trials, probability)
    at_least = bdtrc(successes - 1, trials, probability) if successes else 1.0
    return bool(min(at_most, at_least) > false_alarm / 2)


def _kind(dtype: np.dtype) -> str:
    return "i" if dtype.kind in "iu" else dtype.kind


def _same_torch_dtype(got: Any, expected: Any) -> bool:
    import torch

    integers = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    return bool(got == expected or (got in integers and expected in integers))


def _dtype_hint(dtype: str) -> str:
    if "float" in dtype:
        return "Convert with `.float()` (torch) or `.astype(float)` (NumPy), or start from floats."
    if "bool" in dtype:
        return "A comparison gives booleans; do not convert them."
    return "Indices and counts are integers here."


def _of(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else f" of shape {tuple(shape)}"
