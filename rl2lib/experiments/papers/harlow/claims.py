"""What is claimed of Harlow's task, and how each claim is judged."""

from __future__ import annotations

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.harlow.players import NETWORKS, RL2
from rl2lib.experiments.papers.harlow.trained import CEILING, LAYERS
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, at_least, judged

AROUND_CHANCE = 0.02
"""The whole interval of the first choice must lie this close to a half."""
NEARLY_ALWAYS = 0.95
"""The whole interval of every later choice must lie above this."""


def _stacked(measured: Measured) -> dict[str, list[Point]]:
    """Return the stacked LSTM's ten points in every cell."""
    found = {cell: measured.line(cell, NETWORKS[0]) for cell in measured.cells()}
    if not found or not all(found.values()):
        raise KeyError(NETWORKS[0])
    return found


def _guesses_first(measured: Measured) -> Verdict:
    found = {cell: points[0] for cell, points in _stacked(measured).items()}
    chance = all(max(0.5 - point.low, point.high - 0.5) < AROUND_CHANCE for point in found.values())
    words = [f"{cell}: {point.low:.3f} to {point.high:.3f}" for cell, point in found.items()]
    return judged(chance, "; ".join(words))


def _right_afterwards(measured: Measured) -> Verdict:
    found = {cell: min(points[1:], key=lambda point: point.low) for cell, points in _stacked(measured).items()}
    right = all(point.low > NEARLY_ALWAYS for point in found.values())
    words = [f"{cell}: at least {p.low:.3f} to {p.high:.3f} (choice {p.x:g})" for cell, p in found.items()]
    return judged(right, f"{'; '.join(words)}; asked: above {NEARLY_ALWAYS}")


def _near_the_optimum(measured: Measured) -> Verdict:
    found = [measured.row(cell, RL2, LAYERS[2]) for cell in _stacked(measured)]
    words = "; ".join(f"{row.cell}: {row.score.format(3)}, {row.share.percent()}" for row in found)
    word = at_least((row.share for row in found), 0.99)
    return Verdict(word, f"{words} of the way from chance to {CEILING}")


CLAIMS = (
    Claim(f"The first choice is at chance (its interval lies within {AROUND_CHANCE} of a half).", _guesses_first),
    Claim("From the second choice on it is right, on images never met.", _right_afterwards),
    Claim("Its ten choices are at 99% of the optimum, from chance.", _near_the_optimum),
)
