"""Who plays, and how often each network chooses as the index would."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.experiments.papers.imitation.trained import DAGGER, ID, SIZES, networks
from rl2lib.experiments.papers.learning_curves import curve_points
from rl2lib.experiments.papers.table1.curves import learning_curve
from rl2lib.experiments.papers.table1.players import BEST_KNOWN
from rl2lib.experiments.papers.table1.published import PUBLISHED, PUBLISHED_TASKS, RANDOM, RL2
from rl2lib.experiments.papers.table1.trained import CELLS, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.imitation import label_ties
from rl2lib.types import Trajectory


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on the same tasks, and hold the networks' choices against the index's."""
    num_pulls, num_arms = CELLS[cell]
    distribution, env = setting(CELLS[cell])
    size = SIZES[scale]
    place = 4_000_000 + 1_000 * num_pulls + num_arms
    tasks, validation = draw_tasks(distribution, size, "imitation", seed=place)
    index = FiniteHorizonGittins(num_arms, num_pulls)
    players = [
        Player(RANDOM, [Random(num_arms)], published=PUBLISHED[CELLS[cell], RANDOM]),
        Player(BEST_KNOWN, [index]),
    ]
    points = []
    theirs = play(index, env, tasks[: size.watched_tasks], seed=place)
    for agent, (run, how) in networks(cell).items():
        policies = acting_best(trained.policies(run), env, validation, seed=place)
        steps = f"{trained.cards(run)[0]['env_steps'] / 1e6:.3g} million steps"
        published = PUBLISHED[CELLS[cell], RL2] if agent == RL2 else None
        players.append(Player(agent, policies, how, published, seeds=len(policies), setting=steps))
        own = play(policies[0], env, tasks[: size.watched_tasks], seed=place)
        points += agreement(cell, f"{OWN}{agent}", index, own, own.action)
        with torch.no_grad():
            likeliest = policies[0].unroll(theirs.step_inputs())[0].argmax(dim=-1)
        points += agreement(cell, f"{THEIRS}{agent}", index, theirs, likeliest)
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=place,
        random=RANDOM,
        reference=BEST_KNOWN,
        published_tasks=PUBLISHED_TASKS,
    ).rows
    found = Measured(rows, points)
    random, best = (found.row(cell, agent).mean for agent in (RANDOM, BEST_KNOWN))
    for agent, (run, _) in networks(cell).items():
        cards, row = trained.cards(run), found.row(cell, agent)
        end = cards[0]["env_steps"] / 1e6
        share = row.share
        found.points.append(Point(ID, cell, f"{TESTED}{agent}", end, share.mean, share.low, share.high))
        if agent in (RL2, DAGGER):  # elsewhere other lengths, or the index itself, are played while learning
            curves = [learning_curve(card, num_pulls, num_arms, random, best) for card in cards]
            found.points.extend(curve_points(ID, cell, f"{WHILE_TRAINING}{agent}", curves))
    return found


WHILE_TRAINING, TESTED = "while training: ", "tested: "
OWN, THEIRS = "agrees on its own trials: ", "agrees on the index's trials: "
"""What a line's name begins with."""


def agreement(
    cell: str, line: str, index: FiniteHorizonGittins, trajectory: Trajectory, choices: Tensor
) -> list[Point]:
    """Return how often choices in each part of a trial are such as the index would make there, ties accepted.

    Args:
        cell: the cell's name.
        line: the points' line.
        index: whom the choices are held against, in the states of the trials.
        trajectory: B trials of T pulls, whoever played them.
        choices: [B, T] int64, what is judged, played or not.
    """
    generator = make_generator(0, "index")  # it draws nothing
    accepted = label_ties(index, trajectory, None, generator)
    agrees = accepted.gather(-1, choices[..., None]).squeeze(-1).double()  # [B, T]
    points = []
    for pulls in torch.arange(agrees.shape[1]).tensor_split(min(50, agrees.shape[1])):
        share = mean_estimate(agrees[:, pulls].mean(dim=1))
        x = 1 + pulls.double().mean().item()
        points.append(Point(ID, cell, line, x, share.mean, share.low, share.high))
    return points
