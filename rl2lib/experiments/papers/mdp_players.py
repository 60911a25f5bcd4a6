"""Who plays tabular MDPs without training: the baselines in their three columns, random play and the oracle.

Every scaling is chosen on validation MDPs of the same setting, by expected reward and with common random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rl2lib.agents.bandit import Random
from rl2lib.agents.posterior import TRUE_PRIOR, Prior
from rl2lib.agents.tabular import Oracle, TabularAgent
from rl2lib.agents.tabular_variants import GRIDS, TUNED, VARIANTS, Scalings, Variant, tabular_agents
from rl2lib.evaluation.evaluate import Player, scores
from rl2lib.experiments.plan import Scale
from rl2lib.tasks.tabular import TabularEnv, TabularTasks

RANDOM, ORACLE, BLIND = "Random", "Oracle, told the task", "Transition-blind"
SYMBOLS = {"OPSRL": "N", "UCRL2": "scaling", "BEB": "scaling", "ε-greedy": "ε", BLIND: "c"}
"""What a searched setting is called in a table."""

FEW_SAMPLES: tuple[float, ...] = (1, 2, 5, 10, 20)
"""The numbers of samples that OPSRL tries at laptop scale: each costs as many times more."""

STRIDE = 4
"""At laptop scale every fourth value of another grid is tried, then the winner's neighbours half as far away."""


def bounds(env: TabularEnv, published_random: float | None = None) -> list[Player]:
    """Return random play and the oracle, which is told the task: everybody else is between the two."""
    return [
        Player(RANDOM, [Random(env.num_actions)], published=published_random),
        Player(ORACLE, [Oracle(env.horizon)]),
    ]


def baseline_players(
    env: TabularEnv,
    validation: TabularTasks,
    seed: int,
    published: Mapping[str, float] | None = None,
    *,
    scale: Scale = "laptop",
    prior: Prior = TRUE_PRIOR,
) -> list[Player]:
    """Return the players of all three columns; a player's variant is its column.

    Args:
        env: what they play in.
        validation: MDPs to choose scalings on; nobody is tested on them. 200 are enough: candidates are paired.
        seed: of the search's randomness.
        published: by label, the paper's numbers; they go to the column "as published".
        scale: "paper" tries the whole published grids, "laptop" a thinned one and the winner's neighbours, "smoke"
            takes `TUNED`, without a search.
        prior: what the columns after the first believe at a trial's start; the default is how the paper's MDPs are
            drawn.
    """
    players = []
    for variant in VARIANTS:
        for label in tabular_agents(variant, *_size(env)):
            setting, agent = _tuned(variant, label, env, validation, seed, scale, prior)
            told = (published or {}).get(label) if variant == "as published" else None
            players.append(Player(label, [agent], variant, told, setting=setting))
    return players


def _size(env: TabularEnv) -> tuple[int, int, int]:
    return env.num_states, env.num_actions, env.horizon


def _tuned(
    variant: Variant,
    label: str,
    env: TabularEnv,
    validation: TabularTasks,
    seed: int,
    scale: Scale,
    prior: Prior,
) -> tuple[str, TabularAgent]:
    """Return an agent at its best setting, and what that is."""

    def column(scalings: Scalings) -> dict[str, TabularAgent]:
        return tabular_agents(variant, *_size(env), scalings, true_prior=prior)

    if label not in GRIDS:
        return "", column(TUNED[variant])[label]
    name, grid = GRIDS[label]

    def agent(value: float) -> TabularAgent:
        return column(Scalings(**{**TUNED[variant]._asdict(), name: value}))[label]

    def score(value: float) -> float:
        return scores(agent(value), env, validation, seed=seed).double().mean().item()

    if scale == "smoke":
        best = getattr(TUNED[variant], name)
    elif label == "OPSRL":
        best = max(grid if scale == "paper" else FEW_SAMPLES, key=score)
    else:
        best = search(grid, score, 1 if scale == "paper" else STRIDE)
    return f"{SYMBOLS[label]} = {best:.2g}", agent(best)


def search(grid: Sequence[float], score: Callable[[float], float], stride: int) -> float:
    """Return the value of the highest score among every `stride`-th one and the winner's neighbours, half as far away.

    Args:
        grid: the values, in order.
        score: asked once a value.
        stride: at least 1; 1 asks for all of them.
    """
    known = {index: score(grid[index]) for index in {*range(0, len(grid), stride), len(grid) - 1}}
    best = max(known, key=known.__getitem__)
    for index in {best - stride // 2, best + stride // 2}.intersection(range(len(grid))) - set(known):
        known[index] = score(grid[index])
    return grid[max(known, key=known.__getitem__)]
