"""A game for notebook 02: the learner is the recurrent network, and one column of its input is masked.

The network names an arm but never sees which one is drawn from its softmax: only the stream tells it. The
game keeps that: a press is a leaning, and now and then another arm is pulled instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rl2lib.lab.explorables.base import Button, Choice, Control, Explorable, Slider

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_ARMS = 3
NUM_PULLS = 12
SLIP = 0.25  # how often the arm is drawn at random instead of following the leaning
NUM_REFERENCE_BANDITS = 4000
COLUMNS = ("observation", "previous action", "previous reward", "flag")
NOTHING = "nothing"


@dataclass(frozen=True)
class Bandits:
    """B bandits with all their luck drawn beforehand, so that two players on one bandit share it."""

    means: np.ndarray  # [B, K] success probabilities
    slips: np.ndarray  # [B, T] bool
    random_arms: np.ndarray  # [B, T] int, the arm pulled after a slip
    luck: np.ndarray  # [B, T, K] uniform; an arm pays where this lies below its mean

    @classmethod
    def draw(cls, num_bandits: int, seed: int) -> Bandits:
        """Draw bandits with means uniform on [0, 1]."""
        rng = np.random.default_rng(seed)
        return cls(
            means=rng.random((num_bandits, NUM_ARMS)),
            slips=rng.random((num_bandits, NUM_PULLS)) < SLIP,
            random_arms=rng.integers(NUM_ARMS, size=(num_bandits, NUM_PULLS)),
            luck=rng.random((num_bandits, NUM_PULLS, NUM_ARMS)),
        )

    def pull(self, step: int, leanings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the arms really pulled at `step` and what they paid, both [B]."""
        arms = np.where(self.slips[:, step], self.random_arms[:, step], leanings)
        rows = np.arange(len(arms))
        return arms, (self.luck[rows, step, arms] < self.means[rows, arms]).astype(int)


def counts_agent(bandits: Bandits, masked: str = NOTHING) -> np.ndarray:
    """Play with an agent that keeps wins and losses of each arm and leans to the best posterior mean.

    A masked column reads 0 at every step, so that wins are credited to arm 0, or never seen.

    Returns:
        rewards [B, T].
    """
    num_bandits = len(bandits.means)
    wins, losses = np.ones((num_bandits, NUM_ARMS)), np.ones((num_bandits, NUM_ARMS))
    rewards = np.zeros((num_bandits, NUM_PULLS), dtype=int)
    rows = np.arange(num_bandits)
    for step in range(NUM_PULLS):
        arms, rewards[:, step] = bandits.pull(step, (wins / (wins + losses)).argmax(axis=1))
        seen_arms = np.zeros_like(arms) if masked == "previous action" else arms
        seen = np.zeros_like(arms) if masked == "previous reward" else rewards[:, step]
        wins[rows, seen_arms] += seen
        losses[rows, seen_arms] += 1 - seen
    return rewards


@lru_cache(maxsize=8)
def long_run(masked: str) -> float:
    """Return the counts agent's mean total over many other bandits with that column masked."""
    bandits = Bandits.draw(NUM_REFERENCE_BANDITS, seed=2016)
    return float(counts_agent(bandits, masked).sum(axis=1).mean())


class BeTheRNN(Explorable):
    """You are the RNN: one row of input comes in, one arm goes out."""

    title = "You are the RNN"

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}
        self._presses: tuple[int, ...] = ()

    def controls(self) -> dict[str, Control]:
        """Which bandit, which column is hidden, and one button for each arm."""
        return {
            "bandit": Slider("bandit", 1, 50, 1, 1),
            "masked": Choice("masked column", (NOTHING, *COLUMNS), NOTHING),
            **{f"arm_{arm}": Button(f"lean to arm {arm}") for arm in range(NUM_ARMS)},
        }

    def state(
        self,
        bandit: int = 1,
        masked: str = NOTHING,
        presses: tuple[int, ...] | None = None,
        **counts: int,
    ) -> dict[str, Any]:
        """Play the presses in order.

        Args:
            bandit: the seed of arms and luck.
            masked: the column that the player does not see.
            presses: arms leaned to, in order; None takes the buttons' counts, arm 0 first.
            **counts: how often each button was pressed.
        """
        if presses is None:
            presses = tuple(arm for arm in range(NUM_ARMS) for _ in range(counts.get(f"arm_{arm}", 0)))
        presses = tuple(presses)[:NUM_PULLS]
        game = Bandits.draw(1, seed=1000 + bandit)
        # The stream that the policy is fed: o_t = 0 (a bandit shows nothing), a_{t-1}, r_{t-1}, d_{t-1}.
        stream = [(0, 0, 0, 0)]
        for step, leaning in enumerate(presses):
            arms, rewards = game.pull(step, np.array([leaning]))
            stream.append((0, int(arms[0]), int(rewards[0]), 1))
        over = len(presses) == NUM_PULLS
        hidden = COLUMNS.index(masked) if masked in COLUMNS and not over else None
        agent = counts_agent(game)[0, : len(presses)]
        return {
            "bandit": bandit,
            "masked": masked,
            "presses": presses,
            "stream": stream,
            "visible": [[None if column == hidden else row[column] for column in range(4)] for row in stream],
            "over": over,
            "total": sum(row[2] for row in stream),
            "agent_total": int(agent.sum()),
            "means": game.means[0].round(2).tolist(),
            "long_run": {"nothing": long_run(NOTHING), "masked": long_run(masked)},
        }

    def render(self, **values: Any) -> tuple[bytes, str]:
        """Draw after the buttons' counts changed, remembering in which order they were pressed."""
        before, self._seen = self._seen, values
        if any(before.get(name) != values.get(name) for name in ("bandit", "masked")):
            self._presses = ()
        for arm in range(NUM_ARMS):
            new = values.get(f"arm_{arm}", 0) - before.get(f"arm_{arm}", 0)
            self._presses += (arm,) * max(new, 0)
        self._presses = self._presses[:NUM_PULLS]
        return super().render(presses=self._presses, **values)

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """The stream on the left, the totals on the right."""
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.0), width_ratios=(1.7, 1), constrained_layout=True)
        _draw_stream(left, state)
        _draw_totals(right, state)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say what the last row shows and how the totals stand."""
        shown = ["hidden" if entry is None else str(entry) for entry in state["visible"][-1]]
        words = ", ".join(f"{name} {entry}" for name, entry in zip(COLUMNS, shown, strict=True))
        pulls = len(state["presses"])
        hidden = state["masked"] == "previous reward" and not state["over"]
        you = "a hidden number of wins" if hidden else f"{state['total']} wins"
        text = (
            f"Bandit {state['bandit']}, {pulls} of {NUM_PULLS} pulls played, masked column: {state['masked']}. "
            f"The step input is now: {words}. You have {you}, "
            f"the counts agent with all columns {state['agent_total']}."
        )
        if not state["over"]:
            return text
        means = ", ".join(f"arm {arm} {mean:.2f}" for arm, mean in enumerate(state["means"]))
        whole, part = state["long_run"]["nothing"], state["long_run"]["masked"]
        text += f" The game is over; the arms paid with probability: {means}."
        if state["masked"] == NOTHING:
            return f"{text} Over many bandits the counts agent wins {whole:.2f}."
        return (
            f"{text} Over many bandits the counts agent wins {whole:.2f} with all columns and "
            f"{part:.2f} with {state['masked']} masked."
        )


def _draw_stream(axes: Axes, state: Mapping[str, Any]) -> None:
    axes.set_axis_off()
    axes.set(xlim=(-0.9, 4.1), ylim=(NUM_PULLS + 0.6, -2.0))
    heads = ("$o_t$", "$a_{t-1}$", "$r_{t-1}$", "$d_{t-1}$")
    masked = COLUMNS.index(state["masked"]) if state["masked"] in COLUMNS else None
    for column, (name, head) in enumerate(zip(COLUMNS, heads, strict=True)):
        label = f"{name}\n{head}" + (" (masked)" if column == masked else "")
        axes.text(column + 0.5, -1.3, label, ha="center", va="center", fontsize=8.5)
    axes.axhline(-0.55, color="black", linewidth=0.8)
    for step, row in enumerate(state["visible"]):
        last = step == len(state["visible"]) - 1
        weight = "bold" if last else "normal"
        axes.text(-0.15, step, f"t = {step}" if step < NUM_PULLS else "end", ha="right", va="center", fontsize=9)
        for column, entry in enumerate(row):
            if column == masked:
                axes.add_patch(_box(column, step, "#DDDDDD"))
            elif last:
                axes.add_patch(_box(column, step, "#FFF3C4"))
            text = "?" if entry is None else str(entry)
            axes.text(column + 0.5, step, text, ha="center", va="center", fontsize=10, weight=weight)


def _box(column: int, step: int, color: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.03, step - 0.46), 0.94, 0.92, facecolor=color, edgecolor="none", zorder=0)


def _draw_totals(axes: Axes, state: Mapping[str, Any]) -> None:
    hidden = state["masked"] == "previous reward" and not state["over"]
    you = 0 if hidden else state["total"]
    bars = axes.bar(["you", "counts agent,\nall columns"], [you, state["agent_total"]], width=0.6)
    for bar, hatch, color in zip(bars, ("", "//"), ("#0072B2", "#E69F00"), strict=True):
        bar.set(hatch=hatch, facecolor=color, edgecolor="black")
    axes.bar_label(bars, labels=["?" if hidden else str(you), str(state["agent_total"])])
    axes.set(ylim=(0, NUM_PULLS), ylabel="wins so far")
    axes.grid(axis="x", visible=False)
    if not state["over"]:
        axes.set_title(f"{NUM_PULLS - len(state['presses'])} pulls to go", fontsize=10)
        return
    means = "  ".join(f"arm {arm}: {mean:.2f}" for arm, mean in enumerate(state["means"]))
    whole, part = state["long_run"]["nothing"], state["long_run"]["masked"]
    tail = "" if state["masked"] == NOTHING else f"\nwith {state['masked']} masked: {part:.2f}"
    axes.set_title(f"over! {means}\ncounts agent, many bandits: {whole:.2f}{tail}", fontsize=9)
