"""How much planning is worth: greedy against the Bayes-optimal learner on two arms, for growing horizons.

Both values are exact. For two arms the belief is (successes, pulls) of either arm, so a level of the dynamic
program is a stack of small matrices. Five hundred pulls take seconds that way, too long for a slider: the
tables below hold what `optimal_value` and `greedy_values` return, and the tests compute them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rl2lib.lab.explorables.base import Control, Explorable, Slider

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HORIZONS = tuple(range(10, 501, 10))
# fmt: off
OPTIMAL = (
    6.02179, 12.43126, 18.91987, 25.44688, 31.99671, 38.56234, 45.13945, 51.72576, 58.31920, 64.91842,
    71.52247, 78.13062, 84.74233, 91.35711, 97.97461, 104.59457, 111.21668, 117.84076, 124.46662, 131.09408,
    137.72301, 144.35328, 150.98479, 157.61743, 164.25116, 170.88590, 177.52156, 184.15809, 190.79546, 197.43359,
    204.07245, 210.71199, 217.35217, 223.99297, 230.63435, 237.27629, 243.91877, 250.56175, 257.20522, 263.84914,
    270.49350, 277.13828, 283.78347, 290.42905, 297.07498, 303.72128, 310.36792, 317.01489, 323.66220, 330.30981,
)
GREEDY = (
    5.99015, 12.33109, 18.72823, 25.14918, 31.58309, 38.02512, 44.47270, 50.92436, 57.37906, 63.83617,
    70.29521, 76.75584, 83.21778, 89.68086, 96.14490, 102.60978, 109.07539, 115.54165, 122.00848, 128.47584,
    134.94365, 141.41188, 147.88050, 154.34946, 160.81875, 167.28833, 173.75817, 180.22828, 186.69861, 193.16916,
    199.63991, 206.11085, 212.58197, 219.05326, 225.52470, 231.99629, 238.46802, 244.93989, 251.41187, 257.88398,
    264.35620, 270.82853, 277.30095, 283.77348, 290.24610, 296.71881, 303.19160, 309.66447, 316.13742, 322.61045,
)
# fmt: on
RANDOM_MEAN, ORACLE_MEAN = 1 / 2, 2 / 3  # a pull's mean at random, and of the better of two uniform arms


def optimal_value(num_pulls: int) -> float:
    """Return the Bayes-optimal expected reward of `num_pulls` pulls of two arms with flat priors.

    Backward over the number of pulls made. `values[m]` holds the beliefs after m pulls of arm 0 (and the rest of
    arm 1) as a matrix [successes of arm 0, successes of arm 1]. The arms are interchangeable, so only the
    blocks with m up to half the pulls are stored; the others are their transposes.
    """
    values = [np.zeros((m + 1, num_pulls - m + 1)) for m in range(num_pulls // 2 + 1)]
    for made in range(num_pulls - 1, -1, -1):
        after = values
        values = []
        for m in range(made // 2 + 1):
            mean0, mean1 = _means(m), _means(made - m).T
            pulled0 = after[m + 1] if m + 1 < len(after) else after[made - m].T
            pulled1 = after[m]
            arm0 = mean0 * (1 + pulled0[1:]) + (1 - mean0) * pulled0[:-1]
            arm1 = mean1 * (1 + pulled1[:, 1:]) + (1 - mean1) * pulled1[:, :-1]
            values.append(np.maximum(arm0, arm1))
    return float(values[0][0, 0])


def greedy_values(num_pulls: int) -> np.ndarray:
    """Return greedy's expected total reward after 1, 2, ..., `num_pulls` pulls, [num_pulls].

    Greedy takes the higher posterior mean, arm 0 on ties, whatever the horizon: one forward pass over the
    probabilities of all beliefs serves every horizon.
    """
    earned = np.zeros(num_pulls)
    probability = [np.ones((1, 1))]
    for made in range(num_pulls):
        following = [np.zeros((m + 1, made + 2 - m)) for m in range(made + 2)]
        for m, weight in enumerate(probability):
            mean0, mean1 = _means(m), _means(made - m).T
            # Whole numbers, so that a tie is a tie: (s0 + 1)(n1 + 2) against (s1 + 1)(n0 + 2).
            first = np.arange(1, m + 2)[:, None] * (made - m + 2) >= np.arange(1, made - m + 2) * (m + 2)
            arm0, arm1 = weight * first, weight * ~first
            paid0, paid1 = arm0 * mean0, arm1 * mean1
            earned[made] += paid0.sum() + paid1.sum()
            following[m + 1][1:] += paid0
            following[m + 1][:-1] += arm0 - paid0
            following[m][:, 1:] += paid1
            following[m][:, :-1] += arm1 - paid1
        probability = following
    return earned.cumsum()


def _means(pulls: int) -> np.ndarray:
    """Posterior means [pulls + 1, 1] after 0, 1, ..., `pulls` successes."""
    return (np.arange(pulls + 1)[:, None] + 1.0) / (pulls + 2)


class HorizonGap(Explorable):
    """Slide the length of the trial; see what greedy leaves on the table."""

    title = "Two arms, n pulls: what greedy leaves on the table"

    def controls(self) -> dict[str, Control]:
        """One slider, the length of the trial."""
        return {"num_pulls": Slider("pulls in the trial, n", HORIZONS[0], HORIZONS[-1], 10, HORIZONS[0])}

    def state(self, **values: Any) -> dict[str, Any]:
        """Return the exact values at the nearest tabulated horizon."""
        wanted = float(values["num_pulls"])
        index = int(np.abs(np.array(HORIZONS) - wanted).argmin())
        num_pulls, optimal, greedy = HORIZONS[index], OPTIMAL[index], GREEDY[index]
        random = num_pulls * RANDOM_MEAN
        return {
            "num_pulls": num_pulls,
            "random": random,
            "greedy": greedy,
            "optimal": optimal,
            "oracle": num_pulls * ORACLE_MEAN,
            "gap": optimal - greedy,
            "normalised": (greedy - random) / (optimal - random),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """Draw reward a pull (left) and the coins lost over the trial (right), up to the chosen horizon."""
        import matplotlib.pyplot as plt

        from rl2lib.evaluation.figures import PALETTE

        n = state["num_pulls"]
        horizons, optimal, greedy = np.array(HORIZONS), np.array(OPTIMAL), np.array(GREEDY)
        seen = horizons <= n
        figure, (rate, lost) = plt.subplots(1, 2, figsize=(9, 3.4), gridspec_kw={"wspace": 0.22})
        faint = {"color": "#BBBBBB", "linestyle": ":", "linewidth": 1.2}
        for ahead in (optimal / horizons, greedy / horizons):
            rate.plot(horizons, ahead, **faint)
        lost.plot(horizons, optimal - greedy, **faint)
        rate.axhline(ORACLE_MEAN, color="black", linestyle=":", label="told the better arm")
        rate.plot(horizons[seen], (optimal / horizons)[seen], color=PALETTE[0], linestyle="-", label="Bayes-optimal")
        rate.plot(horizons[seen], (greedy / horizons)[seen], color=PALETTE[5], linestyle="--", label="greedy")
        rate.axhline(RANDOM_MEAN, color="#777777", linestyle="-.", label="random")
        rate.fill_between(horizons[seen], (greedy / horizons)[seen], (optimal / horizons)[seen], color="#DDDDDD")
        rate.plot([n, n], [state["greedy"] / n, state["optimal"] / n], color="black", marker="o", linestyle="-")
        rate.set(xlabel="pulls in the trial, n", ylabel="expected reward a pull", xlim=(0, 510), ylim=(0.48, 0.69))
        rate.legend(loc="center right", bbox_to_anchor=(1.0, 0.4), fontsize=9)
        lost.fill_between(horizons[seen], (optimal - greedy)[seen], color="#DDDDDD")
        lost.plot(horizons[seen], (optimal - greedy)[seen], color="black", linestyle="-", linewidth=2)
        lost.plot([n], [state["gap"]], color="black", marker="o", markersize=8)
        lost.set(xlabel="pulls in the trial, n", ylabel="coins lost by greedy", xlim=(0, 510), ylim=(0, 8.5))
        rate.set_title(f"n = {n}: optimal {state['optimal']:.2f}, greedy {state['greedy']:.2f}")
        lost.set_title(f"the gap: {state['gap']:.2f} coins a trial")
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the four values and the gap."""
        return (
            f"Two arms, {state['num_pulls']} pulls, exact expected rewards: random {state['random']:.1f}, greedy "
            f"{state['greedy']:.2f}, Bayes-optimal {state['optimal']:.2f}, told the better arm {state['oracle']:.1f}. "
            f"Greedy loses {state['gap']:.2f} coins a trial; its normalised score is {state['normalised']:.1%}."
        )
