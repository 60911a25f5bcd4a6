"""What an ablation is claimed to cost, and how each claim is judged."""

from __future__ import annotations

from functools import partial

from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.ablation.figure import TITLES, _gain
from rl2lib.experiments.papers.ablation.trained import BANDIT, CELLS, FORGETS, FORGETS_ONCE, LAST_ALONE, WHOLE
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged

NEGLIGIBLE = 0.02
"""Of what the whole agent earns beyond random play: a smaller loss counts as none."""


def needed(measured: Measured, cell: str, what: str) -> tuple[bool | None, str]:
    """Return whether the agent needs what an ablation takes away, None where that stays open, and the numbers.

    It does where the paired interval of the loss lies above zero, and it does not where it ends below a negligible
    one.
    """
    point, gain = measured.line(cell, f"cost: {what}")[0], _gain(measured, cell)
    negligible = NEGLIGIBLE * max(gain, 0.0)
    if point.high < negligible:
        answer, word = False, "not needed"
    elif point.low > 0:
        answer, word = True, "needed"
    else:
        answer, word = None, "open"
    share = f"{100 * point.y / gain:.1f}% of the gain over random play" if gain > 0 else "no gain over random play"
    numbers = f"{word}: costs {point.y:.3f} ({point.low:.3f} to {point.high:.3f}), {share}"
    return answer, f"{numbers}; negligible would be {negligible:.3f}"


def _judge_need(cell: str, what: str, expected: bool, measured: Measured) -> Verdict:
    if cell not in measured.cells():
        raise KeyError(cell)
    answer, evidence = needed(measured, cell, what)
    if what == LAST_ALONE:
        last, whole = (measured.line(cell, f"reward: {one}")[-1].y for one in (LAST_ALONE, WHOLE))
        evidence += f"; its last episode earns {last:.3f}, the whole agent's {whole:.3f}"
    return judged(answer is expected, evidence, refuted=answer is not None)


def _within_their_optimum(measured: Measured) -> Verdict:
    found = [row for row in measured.cell(BANDIT) if row.seeds and row.ceiling is not None]
    if not found:
        raise KeyError(BANDIT)
    above = [row for row in found if row.score.low > (row.ceiling or 0.0)]
    words = [f"{row.variant} {row.score.format(3)} of {row.ceiling:.3f}" for row in found]
    return judged(not above, "; ".join(words))


NEEDED: dict[str, tuple[str, bool]] = {
    "no previous action": ("The previous action", True),
    "no previous reward": ("The previous reward", True),
    "no flag": ("The flag", False),
    FORGETS: ("A state that survives the episode", True),
    FORGETS_ONCE: ("A state that survives all episodes, not half of them,", True),
    LAST_ALONE: ("Pay for all episodes, not for the last alone,", True),
}
"""What an ablation takes away, and whether it is expected to be needed."""


CLAIMS = (
    *(
        Claim(
            f"{thing} is {'' if expected else 'not '}needed ({TITLES[cell]}).",
            partial(_judge_need, cell, what, expected),
        )
        for cell in CELLS
        for what, (thing, expected) in NEEDED.items()
    ),
    Claim("No ablated agent is above the exact optimum of its kind (n=10, k=5).", _within_their_optimum),
)
