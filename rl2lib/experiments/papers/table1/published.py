"""The agents of table 1 under their names there, and the numbers that were published of them."""

from __future__ import annotations

from rl2lib.experiments.papers.table1.trained import CELLS, Cell

RANDOM, GITTINS, TS, OTS, UCB1, EPSILON_GREEDY, GREEDY = "Random", "Gittins", "TS", "OTS", "UCB1", "ε-greedy", "Greedy"
RL2, SNAIL = "RL²", "SNAIL"
AGENTS = (RANDOM, GITTINS, TS, OTS, UCB1, EPSILON_GREEDY, GREEDY, RL2, SNAIL)
_ROWS: dict[Cell, tuple[float, ...]] = {
    Cell(10, 5): (5.0, 6.6, 5.7, 6.5, 6.7, 6.6, 6.6, 6.7, 6.6),
    Cell(10, 10): (5.0, 6.6, 5.5, 6.2, 6.7, 6.6, 6.6, 6.7, 6.7),
    Cell(10, 50): (5.1, 6.5, 5.2, 5.5, 6.6, 6.5, 6.5, 6.8, 6.7),
    Cell(100, 5): (49.9, 78.3, 74.7, 77.9, 78.0, 75.4, 74.8, 78.7, 79.1),
    Cell(100, 10): (49.9, 82.8, 76.7, 81.4, 82.4, 77.4, 77.1, 83.5, 83.5),
    Cell(100, 50): (49.8, 85.2, 64.5, 67.7, 84.3, 78.3, 78.0, 84.9, 85.1),
    Cell(500, 5): (249.8, 405.8, 402.0, 406.7, 405.8, 388.2, 380.6, 401.6, 408.1),
    Cell(500, 10): (249.0, 437.8, 429.5, 438.9, 437.1, 408.0, 395.0, 432.5, 432.4),
    Cell(500, 50): (249.6, 463.7, 427.2, 437.6, 457.6, 413.6, 402.8, 438.9, 442.6),
}
PUBLISHED = {(cell, agent): told for cell, row in _ROWS.items() for agent, told in zip(AGENTS, row, strict=True)}
"""By cell and agent; SNAIL's numbers are from Mishra et al. 2018."""
SNAIL_HALF_INTERVAL = dict(zip(CELLS.values(), (0.1, 0.1, 0.1, 1.0, 0.8, 0.6, 4.9, 3.5, 2.5), strict=True))
PUBLISHED_TASKS = 1_000  # what the paper's means are over
