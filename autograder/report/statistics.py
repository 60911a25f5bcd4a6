"""The few figures a report needs: an interval for a rate, a histogram of points."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    """Return lower quartile, median and upper quartile of sorted values, by linear interpolation; NaN of none."""
    if not values:
        return math.nan, math.nan, math.nan

    def at(share: float) -> float:
        place = share * (len(values) - 1)
        low = math.floor(place)
        high = min(low + 1, len(values) - 1)
        return values[low] + (place - low) * (values[high] - values[low])

    return at(0.25), at(0.5), at(0.75)
