"""Hidden checks of notebook 07: random trials, random POMDPs and random bandits against the reference."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from autograder.checks import drawn
from rl2lib.lab.checks.nb07 import three_tensors
from rl2lib.lab.checks.nb07_noise import normal_noise
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Callback, Generator
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.types import StepInput

NUM_CASES = 10


def _softmax(generator: torch.Generator, *shape: int) -> Tensor:
    """Random distributions over the last axis, none of them even."""
    return (1.5 * torch.randn(shape, generator=generator)).softmax(dim=-1)


# --------------------------------------------------------------------------------------- what is shown


def last_k_observation(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Trials with ends anywhere, windows shorter and longer than they are."""
    for case in range(NUM_CASES):
        generator, (size, steps, features) = drawn.generator(rng), drawn.sizes(rng, 2, 6, 3)
        steps += 4
        num_observations = {0: 1, 1: steps + 2}.get(case, int(rng.integers(2, 6)))
        observation = torch.randn(size, steps, features, generator=generator) + 0.5
        end = torch.rand(size, steps, generator=generator) < 0.3
        end[0, 1] = True
        arguments = (observation, end, num_observations)
        what = f"last_k_observation of {size} trials of {steps} steps, {features} features, K = {num_observations}"
        expected = reference.call("last_k_observation", *arguments)
        report.close(what, student.call("last_k_observation", *arguments), expected)


def noisy_observation(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """No noise at all, the same seed again, twice the std; then 24,000 draws.

    Six binomial tests, each of which fails a right answer in one of ten million runs: 6e-7 in all.
    """
    for case in range(8):
        generator, shape = drawn.generator(rng), tuple(drawn.sizes(rng, 2, 5, 2 + case % 3))
        observation = torch.randn(shape, generator=generator)
        seed, std = drawn.seed(rng), float(rng.uniform(0.2, 1.5))
        what = f"noisy_observation of shape {shape}"
        still = student.call("noisy_observation", observation, 0.0, Generator(seed))
        report.close(f"{what}, std 0", still, observation)
        kept = student.keep(observation)
        one, same = (student.call("noisy_observation", kept, std, Generator(seed)) for _ in range(2))
        report.tensor(what, one, shape, torch.float32)
        report.close(f"{what}, twice from the same seed", same, one)
        report.close(f"{what}: what was handed in, afterwards", student.attribute(kept, "data"), observation)
        # the noise is added: another observation under the same seed is moved by the same noise
        moved = student.call("noisy_observation", observation + 3.0, std, Generator(seed))
        report.close(f"{what}: the noise under another observation", moved - 3.0, one, atol=1e-5)
        # ... and its size goes with std
        wider = student.call("noisy_observation", observation, 2 * std, Generator(seed))
        report.close(f"{what}: the noise at twice the std", wider - observation, 2 * (one - observation), atol=1e-5)
    normal_noise(student, report, std=float(rng.uniform(0.3, 0.8)), seed=drawn.seed(rng))


# --------------------------------------------------------------------------------------- belief


def _random_pomdp(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """A POMDP of 2 to 5 states with rewards of 0, 1 and -2, so that every reward rules some transitions out."""
    generator, (states, actions, seen) = drawn.generator(rng), drawn.sizes(rng, 2, 6, 3)
    transition = _softmax(generator, states, actions, states)
    observation = _softmax(generator, actions, states, seen)
    pays = torch.tensor([0.0, 1.0, -2.0])[torch.randint(3, (states, actions, states), generator=generator)]
    return transition, observation, pays, generator


def _play(
    transition: Tensor, observation: Tensor, pays: Tensor, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A random belief and one step from it that may really happen: belief, action, observation, reward."""
    belief = _softmax(generator, size, len(transition))
    action = torch.randint(transition.shape[1], (size,), generator=generator)
    rows = torch.arange(size)
    state = torch.multinomial(belief, 1, generator=generator)[:, 0]
    arrived = torch.multinomial(transition[state, action], 1, generator=generator)[:, 0]
    seen = torch.multinomial(observation[action, arrived], 1, generator=generator)[:, 0]
    return belief[rows], action, seen, pays[state, action, arrived]


def belief_update(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """One step in random POMDPs, against the reference and against the definition written out as loops."""
    for _ in range(NUM_CASES):
        transition, observation, pays, generator = _random_pomdp(rng)
        states, actions, _ = transition.shape
        size = int(rng.integers(1, 7))
        steps = _play(transition, observation, pays, size, generator)
        what = f"belief_update of {size} trials, {states} states, {actions} actions, {observation.shape[2]} symbols"
        arguments = (*steps, transition, observation, pays)
        got = student.call("belief_update", *arguments)
        report.close(what, got, reference.call("belief_update", *arguments), atol=1e-5)
        report.close(f"{what}, against the definition", got, _by_definition(*arguments), atol=1e-5)
    _follows_a_trial(student, rng, report)


def _by_definition(
    belief: Tensor,
    action: Tensor,
    seen: Tensor,
    reward: Tensor,
    transition: Tensor,
    observation: Tensor,
    pays: Tensor,
) -> Tensor:
    """Bayes' rule over pairs of states, one number at a time."""
    found = torch.zeros_like(belief)
    for b, (a, o, r) in enumerate(zip(action.tolist(), seen.tolist(), reward.tolist(), strict=True)):
        for s, arrived in product(range(belief.shape[1]), repeat=2):
            if abs(float(pays[s, a, arrived]) - r) < 1e-6:
                found[b, arrived] += belief[b, s] * transition[s, a, arrived] * observation[a, arrived, o]
    return found / found.sum(dim=1, keepdim=True)


def _follows_a_trial(student: Handle, rng: np.random.Generator, report: Report) -> None:
    """Many steps in a row: the belief at the end is what counting all state sequences gives."""
    transition, observation, pays, generator = _random_pomdp(rng)
    num_states = len(transition)
    start = belief = _softmax(generator, 1, num_states)
    state = torch.multinomial(start, 1, generator=generator)[:, 0]
    record = []
    for _ in range(4):
        action = torch.randint(transition.shape[1], (1,), generator=generator)
        arrived = torch.multinomial(transition[state, action], 1, generator=generator)[:, 0]
        seen = torch.multinomial(observation[action, arrived], 1, generator=generator)[:, 0]
        reward = pays[state, action, arrived]
        belief = student.call("belief_update", belief, action, seen, reward, transition, observation, pays)
        record.append((int(action), int(seen), float(reward)))
        state = arrived
        report.tensor("belief_update, step after step", belief, (1, num_states), torch.float32)
    total = torch.zeros(num_states)
    for path in product(range(num_states), repeat=len(record) + 1):
        weight = float(start[0, path[0]])
        for (a, o, r), one, following in zip(record, path, path[1:], strict=False):
            fits = abs(float(pays[one, a, following]) - r) < 1e-6
            weight *= float(transition[one, a, following] * observation[a, following, o]) if fits else 0.0
        total[path[-1]] += weight
    what = "the belief after four updates, against all sequences of states"
    report.close(what, belief[0], total / total.sum(), atol=1e-4)


def belief_policy_value(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random bandits and random rules, against the reference and against all that can happen, task by task."""
    for case in range(4 * NUM_CASES):  # a rule often does not mind the belief, and then a mistake does not show
        generator, (tasks, arms) = drawn.generator(rng), drawn.sizes(rng, 2, 5, 2)
        pulls = {0: 0, 1: 1}.get(case, int(rng.integers(2, 5)))
        prior = _softmax(generator, tasks)
        means = torch.rand(tasks, arms, generator=generator)
        if case % 3 == 2:
            means = means.round()  # certain arms: outcomes of probability 0
        scores = torch.randn(tasks, arms, generator=generator) + 2 * means
        rule = _rule(scores - scores.mean(dim=0))  # no arm is ahead whatever is believed
        what = f"belief_policy_value of {tasks} tasks, {arms} arms, {pulls} pulls"
        arguments = (prior, means, pulls, Callback(rule, ["__call__"]))
        got = report.number(what, student.call("belief_policy_value", *arguments))
        expected = reference.call("belief_policy_value", *arguments)
        report.close(what, got, expected, atol=1e-5)
        by_hand = sum(
            float(prior[i]) * _value_in(means[i], prior, means, pulls, rule) for i in range(tasks) if prior[i] > 0
        )
        report.close(f"{what}, task by task", got, by_hand, atol=1e-5)


def _rule(scores: Tensor) -> Callable[[Tensor], int]:
    """Return a policy of the belief that is not the best one: the arm of highest random score."""
    return lambda belief: int((belief.float() @ scores).argmax())


def _value_in(own: Tensor, belief: Tensor, means: Tensor, pulls: int, rule: Callable[[Tensor], int]) -> float:
    """What the policy earns in one task, whose own means decide what is paid; its belief follows."""
    if pulls == 0:
        return 0.0
    arm, total = rule(belief), 0.0
    for reward in (1.0, 0.0):
        chance = float(own[arm]) if reward else 1 - float(own[arm])
        if chance > 0:
            likelihood = means[:, arm] if reward else 1 - means[:, arm]
            later = belief * likelihood / (belief * likelihood).sum()
            total += chance * (reward + _value_in(own, later, means, pulls - 1, rule))
    return total


# --------------------------------------------------------------------------------------- the corridor and RL¹


def corridor_step(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Every cell, side and action of corridors of random length; then whole walks beside the library's environment."""
    for case in range(8):
        d = 1 if case == 0 else int(rng.integers(2, 9))
        everything = torch.tensor(list(product(range(2 * d + 1), (0, 1), (0, 1))))
        everything = everything[everything[:, 0] != everything[:, 1] * 2 * d]  # nobody ever stands on the goal
        order = torch.randperm(len(everything), generator=drawn.generator(rng))
        cell, side, action = everything[order].unbind(dim=1)
        arguments = (cell, side, action, d)
        what = f"corridor_step of every cell, side and action with d = {d}"
        report.close(what, three_tensors(student, report, what, arguments), reference.call("corridor_step", *arguments))
    _walks_like_the_environment(student, rng, report)


def _walks_like_the_environment(student: Handle, rng: np.random.Generator, report: Report) -> None:
    d, generator = int(rng.integers(2, 5)), drawn.generator(rng)
    side = torch.randint(2, (6,), generator=generator)
    env = CorridorEnv(d, horizon=10_000, episodes_per_trial=10_000)
    cell = env.reset(side, generator).argmax(dim=1)
    what = f"a walk of corridor_step with d = {d}, beside the library's corridor"
    for _ in range(40):
        action = torch.randint(2, (6,), generator=generator)
        step = env.step(action)
        cell, reward, end = three_tensors(student, report, what, (cell, side, action, d))
        report.close(f"{what}: cells", cell, step.observation.argmax(dim=1))
        report.close(f"{what}: rewards", reward, step.reward)
        report.close(f"{what}: ends", end, step.episode_end)


def reveal_task(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Batches with trials in their first episode, at the start of later ones, and inside them."""
    for _ in range(NUM_CASES):
        generator, (size, features, hidden, tasks) = drawn.generator(rng), drawn.sizes(rng, 2, 6, 4)
        size += 4
        episode = torch.randint(4, (size,), generator=generator)
        episode[:3] = torch.tensor([0, 1, 2])
        # an episode's first step has the flag, except in the first episode, where there was nothing before
        fresh = (torch.rand(size, generator=generator) < 0.5) & (episode > 0)
        fresh[1], fresh[2] = True, False
        inputs = StepInput(
            observation=torch.randn(size, features, generator=generator),
            prev_action=torch.randint(1, 4, (size,), generator=generator),
            prev_reward=torch.randn(size, generator=generator) + 1.0,
            prev_end=fresh.float(),
        )
        state = torch.randn(size, hidden, generator=generator)
        task = torch.randint(tasks, (size,), generator=generator)
        arguments = (inputs, state, task, episode, tasks)
        what = f"reveal_task of {size} trials, {tasks} tasks, observations of {features} numbers"
        got, expected = (handle.call("reveal_task", *arguments) for handle in (student, reference))
        paired = isinstance(got, tuple) and len(got) == 2 and isinstance(got[0], StepInput)
        report.true(what, paired, expected="a pair: a StepInput and the state", got=type(got).__name__)
        report.close(f"{what}: the state", got[1], expected[1])
        for field, one, other in zip(StepInput._fields, got[0], expected[0], strict=True):
            report.close(f"{what}: its {field}", one, other)


def transplant_state(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random donors, some of them several times; nobody, some and all operated on; nothing written in place."""
    for case in range(NUM_CASES):
        generator, (size, half) = drawn.generator(rng), drawn.sizes(rng, 2, 7, 2)
        size += 1
        state, kept = torch.randn(2, size, 2 * half, generator=generator)
        donor = torch.randint(size, (size,), generator=generator)
        if case % 2 == 0:
            donor = torch.randperm(size, generator=generator)
        moment = torch.rand(size, generator=generator) < 0.5
        moment = {0: torch.zeros_like(moment), 1: torch.ones_like(moment)}.get(case, moment)
        what = f"transplant_state of {size} trials, {int(moment.sum())} of them operated on"
        expected = reference.call("transplant_state", state, kept, donor, moment)
        handed = student.keep(state), student.keep(kept)
        report.close(what, student.call("transplant_state", *handed, donor, moment), expected)
        for name, ref, before in (("states", handed[0], state), ("kept states", handed[1], kept)):
            report.close(f"{what}: the {name} handed in, afterwards", student.attribute(ref, "data"), before)
