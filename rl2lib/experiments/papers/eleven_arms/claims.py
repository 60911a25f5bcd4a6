"""What is claimed of eleven arms, by the paper and here, and how each claim is judged."""

from __future__ import annotations

from itertools import pairwise

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.eleven_arms.players import TS, UCB, optimum
from rl2lib.experiments.papers.eleven_arms.trained import (
    CELLS,
    IMITATED,
    NUMBER,
    NUMBER_ENTROPY,
    ONE_HOT,
    PAPERS,
    PAYS,
    RETURN,
    Form,
)
from rl2lib.experiments.plan import Claim
from rl2lib.experiments.verdicts import Verdict, judged


def _learns_the_optimum(measured: Measured, form: Form) -> Verdict:
    """Whether an agent pays in 99% of all trials at least and earns 99% of the optimum, by its interval's lower end."""
    earned, paid = (measured.row(cell, form.agent, form.variant) for cell in CELLS)
    reached = earned.score.low >= 0.99 * optimum(5) and paid.score.low >= 0.99
    return judged(reached, _evidence(earned, paid))


def _never_pays(measured: Measured) -> Verdict:
    """Whether neither network pays, with the usual bonus and with any seed, in more than 1% of all trials."""
    found = [(form, [measured.row(cell, form.agent, form.variant) for cell in CELLS]) for form in (NUMBER, ONE_HOT)]
    never = all(max(paid.score.high, *paid.every_seed) <= 0.01 for _, (_, paid) in found)
    evidence = "; ".join(f"{form.variant}: {_evidence(*both)}" for form, both in found)
    search = measured.row(RETURN, TS)
    return judged(never, f"{evidence}; a search earns {search.mean:.2f}")


def _one_hot_helps(measured: Measured) -> Verdict:
    number, one_hot = (measured.row(PAYS, form.agent, form.variant) for form in (NUMBER_ENTROPY, PAPERS))
    shares = one_hot.score.percent(), number.score.percent()
    evidence = "pays in {} of all trials with one-hot rewards, {} with a number".format(*shares)
    return judged(one_hot.score.low > number.score.high, evidence)


def _in_the_papers_order(measured: Measured) -> Verdict:
    rows = [measured.row(RETURN, PAPERS.agent, PAPERS.variant), measured.row(RETURN, TS), measured.row(RETURN, UCB)]
    apart = all(better.score.low > worse.score.high for better, worse in pairwise(rows))
    evidence = ", ".join(f"{row.agent} {row.score.format(2)}" for row in rows)
    return judged(apart, evidence)


def _evidence(earned: Row, paid: Row) -> str:
    every = ", ".join(f"{mean:.2f}" for mean in earned.every_seed)
    return f"{earned.score.format(2)} of {optimum(5):g}, pays in {paid.score.percent()} (every seed: {every})"


CLAIMS = (
    Claim(
        "The agent learns the optimal strategy: one pull of the informative arm, at a loss, then the target. (With "
        "the reward as one-hot, as in the paper, and a large entropy bonus; no imitation.)",
        lambda measured: _learns_the_optimum(measured, PAPERS),
    ),
    Claim(
        "It does better than Thompson sampling with the true prior, which searches; UCB1, which pulls every arm "
        "once, does worse than that.",
        _in_the_papers_order,
    ),
    Claim(
        "One-hot rewards facilitate learning: with the large entropy bonus the same training on a number does not "
        "get there in as many trials.",
        _one_hot_helps,
    ),
    Claim("Ours: with PPO's usual entropy bonus neither network ever pays; both settle on the search.", _never_pays),
    Claim(
        "Ours: after a short imitation the usual training keeps the optimal strategy, the reward being a number.",
        lambda measured: _learns_the_optimum(measured, IMITATED),
    ),
)
