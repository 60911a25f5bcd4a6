"""The few figures a report needs: an interval for a rate, a histogram of points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

NORMAL_QUANTILE = 1.959963984540054  # of 0.975
BINS_AT_MOST = 41


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% score interval of a rate (Wilson 1927): inside 0 to 1, and honest for small counts.

    Args:
        successes: 0 to trials.
        trials: with none at all, the interval is everything.
    """
    if trials == 0:
        return 0.0, 1.0
    squared = NORMAL_QUANTILE**2
    rate = successes / trials
    centre = (rate + squared / (2 * trials)) / (1 + squared / trials)
    spread = math.sqrt(rate * (1 - rate) / trials + squared / (4 * trials**2))
    half = NORMAL_QUANTILE / (1 + squared / trials) * spread
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def histogram(points: Sequence[float], max_points: float) -> list[tuple[str, int]]:
    """Count how many submissions earned what: (label, count) from 0 to `max_points`.

    One bin a point up to 40 points; of more, bins of two points, or three: whole points, all of one width. A fraction
    of a point counts with the whole ones below it.
    """
    width = math.ceil((max_points + 1) / BINS_AT_MOST)
    counts = [0] * (math.floor(max_points / width) + 1)
    for value in points:
        counts[math.floor(value / width)] += 1
    lows = [index * width for index in range(len(counts))]
    labels = [str(low) if width == 1 else f"{low}–{low + width - 1}" for low in lows]
    return list(zip(labels, counts, strict=True))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile, by linear interpolation; NaN of none."""
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist() if values else (math.nan,) * 3
    return low, median, high
