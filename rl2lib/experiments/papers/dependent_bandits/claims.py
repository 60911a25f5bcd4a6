"""What is claimed of two-armed bandits, by the paper and here, and how each claim is judged."""

from __future__ import annotations

from itertools import pairwise

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.dependent_bandits.players import GITTINS, RANDOM, RL2, TS, TUNED, UCB, ahead
from rl2lib.experiments.papers.dependent_bandits.trained import BLIND, CELLS, TIED, trained_on
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged
from rl2lib.tasks.bandit import EASY

STANDARD = (GITTINS, TS, UCB)
"""What the paper compares with."""


def _lead(measured: Measured, cell: str, trained: str, other: str) -> Point:
    """How much less regret an agent has than another, paired over tasks."""
    found = measured.line(cell, ahead(trained, other))
    if not found:
        raise KeyError(f"{cell}: {ahead(trained, other)}")
    return found[0]


def _said(lead: Point) -> str:
    return f"{lead.y:+.2f} ± {(lead.high - lead.low) / 2:.2f}"


def _as_in_the_paper(measured: Measured) -> Verdict:
    """Ahead of Thompson and UCB1 on independent arms, behind Gittins."""
    leads = {other: _lead(measured, "independent", "independent", other) for other in STANDARD}
    evidence = f"less regret (-: more) than {_each(leads)}"
    if min(leads[TS].low, leads[UCB].low) <= 0:
        return Verdict("not reached", evidence)
    return Verdict("matched" if leads[GITTINS].high < 0 else "surpassed", evidence)


def _beats(measured: Measured, pairs: tuple[tuple[str, str], ...]) -> Verdict:
    """Whether agents, (trained on, tested on), have less regret than every standard algorithm."""
    words, ahead_of_all = [], True
    for trained, cell in pairs:
        leads = {other: _lead(measured, cell, trained, other) for other in STANDARD}
        ahead_of_all &= all(lead.low > 0 for lead in leads.values())
        least = min(leads, key=lambda other: leads[other].y)
        words.append(f"on {cell} {_said(leads[least])} less regret than {least}")
    return judged(ahead_of_all, "; ".join(words) + " (the best of the three)")


def _beats_tuned(measured: Measured) -> Verdict:
    """Whether in every cell the agent trained there has less regret than UCB1 tuned there; "open" if only not more."""
    leads = {cell: _lead(measured, cell, cell, TUNED) for cell in CELLS}
    shown, refuted = all(lead.low > 0 for lead in leads.values()), any(lead.high < 0 for lead in leads.values())
    return judged(shown, f"less regret (-: more) than {TUNED}, on {_each(leads)}", refuted=refuted)


def _easier(measured: Measured) -> Verdict:
    """Whether easy, medium and hard, each trained and tested on, come in this order."""
    rows = [measured.row(cell, RL2, trained_on(cell)) for cell in ("easy", "medium", "hard")]
    apart = all(one.score.high < next_.score.low for one, next_ in pairwise(rows))
    evidence = ", ".join(f"{row.cell} {row.score.format(2)}" for row in rows)
    return judged(apart, evidence)


def _chance(measured: Measured) -> Verdict:
    """Whether the agent without rewards loses half of what is at stake, within 5% by its interval."""
    row, random = measured.row("easy", RL2, trained_on(BLIND)), measured.row("easy", RANDOM)
    sees = measured.row("easy", RL2, trained_on("easy"))
    pulls = max(point.x for point in measured.line("easy", trained_on("easy")))
    chance = (max(EASY.values or ()) - 0.5) * pulls
    level = abs(row.mean - chance) + row.score.half < 0.05 * chance
    evidence = (
        f"regret {row.score.format(2)}, chance {chance:g}; random play {random.mean:.2f}, with rewards {sees.mean:.2f}"
    )
    return judged(level, evidence)


def _priors_show(measured: Measured) -> Verdict:
    """Whether those trained on tied arms lose on independent ones to the one trained there, and it to them at home."""
    abroad = {home: _lead(measured, "independent", "independent", trained_on(home)) for home in TIED}
    at_home = {home: _lead(measured, home, home, trained_on("independent")) for home in TIED}
    both = all(lead.low > 0 for lead in (*abroad.values(), *at_home.values()))
    evidence = f"less regret on independent arms than {_each(abroad)}; at home, less than it has: {_each(at_home)}"
    return judged(both, evidence)


def _each(leads: dict[str, Point]) -> str:
    return ", ".join(f"{name} {_said(lead)}" for name, lead in leads.items())


def _easy_prepares_least(measured: Measured) -> Verdict:
    """Whether on hard arms the other agents trained on tied arms are ahead of the one trained on easy ones."""
    leads = {home: _lead(measured, "hard", home, trained_on("easy")) for home in ("medium", "uniform", "hard")}
    return judged(all(lead.low > 0 for lead in leads.values()), f"on hard, less regret than it has: {_each(leads)}")


def _near_optimal(measured: Measured) -> Verdict:
    """Whether the agents at home, on tied arms, have not more than a quarter above the least possible regret."""
    words, worst = [], 0.0
    for cell in TIED:
        row = measured.row(cell, RL2, trained_on(cell))
        least = row.ceiling or 1.0
        worst = max(worst, (row.score.high) / least)
        words.append(f"{cell} {row.score.format(2)} (least {least:.2f})")
    return judged(worst < 1.25, ", ".join(words))


CLAIMS = (
    Claim(
        "On independent arms meta-RL outperforms Thompson sampling and UCB1 (c = 1), and does less well than Gittins.",
        _as_in_the_paper,
    ),
    Claim(
        "On tied arms the agent trained there has less regret than these three. (On easy ones that shows no use of "
        "the tie: greedy play does about as well.)",
        lambda measured: _beats(measured, tuple((name, name) for name in TIED)),
    ),
    Claim(
        "The agent trained on medium arms outperforms them on easy and on hard ones too.",
        lambda measured: _beats(measured, (("medium", "easy"), ("medium", "hard"))),
    ),
    Claim("Ours: the agent trained there outperforms UCB1 with the best c, too.", _beats_tuned),
    Claim("Easy is easier than medium, and medium easier than hard.", _easier),
    Claim("Without rewards as input performance is at chance, even on easy arms.", _chance),
    Claim(
        "Ours: what was trained on shows. On independent arms the agent trained there is ahead of all others, on "
        "tied arms it is behind the one trained on them.",
        _priors_show,
    ),
    Claim(
        "Ours: of the agents trained on tied arms the one trained on easy ones is the worst on hard ones, although "
        "one rule is optimal on all of them.",
        _easy_prepares_least,
    ),
    Claim(
        "Ours: on tied arms the agent trained there is within a quarter of the least possible regret.",
        _near_optimal,
    ),
)
