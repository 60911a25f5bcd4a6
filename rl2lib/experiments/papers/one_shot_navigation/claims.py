"""What is published and claimed of one-shot navigation, and how each claim is judged."""

from __future__ import annotations

from functools import partial

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.one_shot_navigation.players import FIRST, LATER, RL2, WIPED
from rl2lib.experiments.papers.one_shot_navigation.trained import cells
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged

PUBLISHED_STEPS = (100, 30)
"""Wang et al. 2016: about so many to the first goal of a trial, and to each later one, in a maze of their own."""


def _shorter(measured: Measured, cell: str) -> Verdict:
    saved = measured.line(cell, f"saved: {RL2}")
    if not saved:
        raise KeyError(cell)
    first, later = (measured.row(cell, RL2, variant).mean for variant in (FIRST, LATER))
    paper = PUBLISHED_STEPS[1] / PUBLISHED_STEPS[0]
    evidence = (
        f"{first:.1f} steps, then {later:.1f}: {_interval(saved[0])} fewer; ratio {later / first:.2f} (published: "
        f"about {PUBLISHED_STEPS[0]}, then {PUBLISHED_STEPS[1]}, {paper:.2f}, in another maze); success "
        + " / ".join(f"{100 * point.y:.1f}%" for point in measured.line(cell, f"found: {RL2}"))
    )
    return judged(saved[0].low > 0, evidence)


def _by_memory(measured: Measured, cell: str) -> Verdict:
    whole, without = measured.line(cell, f"saved: {RL2}"), measured.line(cell, f"saved: {WIPED}")
    if not whole or not without:
        raise KeyError(cell)
    negligible = 0.1 * whole[0].y
    evidence = f"{_interval(without[0])} fewer with the state wiped, {_interval(whole[0])} with it"
    inside = -negligible < without[0].low and without[0].high < negligible
    return judged(inside, evidence)


def _interval(point: Point) -> str:
    return f"{point.y:.1f} ({point.low:.1f} to {point.high:.1f})"


CLAIMS = tuple(
    claim
    for cell in cells("laptop")
    for claim in (
        Claim(f"Later episodes are shorter than the first ({cell}).", partial(_shorter, cell=cell)),
        Claim(
            f"It is the state that makes them so: wiped between episodes, it saves less than a tenth ({cell}).",
            partial(_by_memory, cell=cell),
        ),
    )
)
