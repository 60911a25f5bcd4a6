"""How a claim stands: verdicts on what was measured, against a level or a published number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from rl2lib.evaluation.rows import Row
from rl2lib.evaluation.statistics import Estimate

Word = Literal["matched", "surpassed", "not reached", "open", "not measured"]


class Verdict(NamedTuple):
    """How a claim stands.

    Attributes:
        word: the verdict; "open" where the intervals allow both.
        evidence: the numbers behind it.
    """

    word: Word
    evidence: str


def at_least(estimates: Iterable[Estimate], level: float) -> Word:
    """Return whether all of some estimates are shown to be at a level, one is shown to be below, or neither is."""
    found = list(estimates)
    if any(estimate.high < level for estimate in found):
        return "not reached"
    return "matched" if all(estimate.low >= level for estimate in found) else "open"


def judged(shown: bool, evidence: str, *, refuted: bool = True) -> Verdict:
    """Return "matched" for what is shown; for all else "not reached", or "open" if it is not refuted either."""
    return Verdict("matched" if shown else "not reached" if refuted else "open", evidence)


def level_everywhere(shares: Mapping[str, Estimate], level: float) -> Verdict:
    """Judge whether the share of every cell is shown to be at a level; the shares are the evidence."""
    words = "; ".join(f"{cell} {share.percent()}" for cell, share in shares.items())
    return Verdict(at_least(shares.values(), level), words)


def against_published(row: Row) -> Verdict:
    """Compare a row with its published number: a difference within the noise of both, and of rounding, is a match."""
    if row.published is None:
        return Verdict("not measured", "nothing was published")
    if not (math.isfinite(row.mean) and math.isfinite(row.se)):
        return Verdict("not measured", f"mean {row.mean:.4g}, standard error {row.se:.4g}")
    ahead = row.mean - row.published if row.better == "higher" else row.published - row.mean
    rounding = 0.5 * 10.0 ** -_decimals(row.published)
    noise = 1.96 * math.hypot(row.se, row.published_se or 0.0) + rounding
    evidence = f"{row.mean:.4g} ± {1.96 * row.se:.2g}, published {row.published:g}"
    if abs(ahead) <= noise:
        return Verdict("matched", evidence)
    return Verdict("surpassed" if ahead > 0 else "not reached", evidence)


def _decimals(value: float) -> int:
    """As many as the number is written with; a table of 6.6 and 5 means 5.0, so one at least."""
    return max(1, -int(Decimal(f"{value:.10g}").as_tuple().exponent))
