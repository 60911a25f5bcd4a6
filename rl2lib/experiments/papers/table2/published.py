"""The agents of table 2 under their names there, and the numbers that were published of them."""

from __future__ import annotations

from rl2lib.experiments.papers.mdp_players import RANDOM

OPSRL, RL2 = "OPSRL", "RL²"
AGENTS = (RANDOM, "PSRL", OPSRL, "UCRL2", "BEB", "ε-greedy", "Greedy", RL2)
_ROWS: dict[int, tuple[float, ...]] = {
    10: (100.1, 138.1, 144.1, 146.6, 150.2, 132.8, 134.8, 156.2),
    25: (250.2, 408.8, 425.2, 424.1, 427.8, 377.3, 368.8, 445.7),
    50: (499.7, 904.4, 930.7, 918.9, 917.8, 823.3, 769.3, 936.1),
    75: (749.9, 1417.1, 1449.2, 1427.6, 1422.6, 1293.9, 1172.9, 1428.8),
    100: (999.4, 1939.5, 1973.9, 1942.1, 1935.1, 1778.2, 1578.5, 1913.7),
}
PUBLISHED = {(n, agent): told for n, row in _ROWS.items() for agent, told in zip(AGENTS, row, strict=True)}
"""By the episodes of a trial, and agent."""
PUBLISHED_TASKS = 1_000  # what the paper's means are over
SNAIL_RATIO = {10: 0.766, 25: 0.862, 50: 0.908, 75: 0.930, 100: 0.941}
SNAIL_EPISODE = 20.8
"""Mishra et al. 2018 (table 2) give shares of an oracle; their row of random play implies its reward an episode."""
