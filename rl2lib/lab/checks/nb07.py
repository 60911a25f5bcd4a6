"""Visible checks of notebook 07: the text's examples by hand, identities, frequencies; never the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.lab.checks.nb07_noise import normal_noise
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Callback, Generator
from rl2lib.types import StepInput

# --------------------------------------------------------------------------------------- last_k_observation


def _windows(student: Handle, report: Report, what: str, case: tuple[Tensor, Tensor, int], expected: Any) -> None:
    got = student.call("last_k_observation", *case)
    report.close(what, got, torch.tensor(expected))


def last_k_observation(student: Handle, report: Report) -> None:
    """The trial of the text, then one beside another whose episodes end elsewhere."""
    observation = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [5.0]]])
    end = torch.tensor([[False, False, True, False, True]])
    expected = [[[[0.0], [1.0]], [[1.0], [2.0]], [[2.0], [3.0]], [[0.0], [4.0]], [[4.0], [5.0]]]]
    what = "last_k_observation of 1 2 3 | 4 5 | with K = 2"
    _windows(student, report, what, (observation, end, 2), expected)
    report.note("K = 2: windows (0, 1), (1, 2), (2, 3), (0, 4), (4, 5)")

    both = torch.tensor([[[1.0, -1], [2, -2], [3, -3], [4, -4]], [[5, -5], [6, -6], [7, -7], [8, -8]]])
    ends = torch.tensor([[False, True, False, False], [False, False, False, True]])
    zero = [0.0, 0.0]
    first = [[zero, zero, [1, -1]], [zero, [1, -1], [2, -2]], [zero, zero, [3, -3]], [zero, [3, -3], [4, -4]]]
    second = [[zero, zero, [5, -5]], [zero, [5, -5], [6, -6]], [[5, -5], [6, -6], [7, -7]], [[6, -6], [7, -7], [8, -8]]]
    what = "last_k_observation with K = 3 of two trials, 1 2 | 3 4 and 5 6 7 8 |, two numbers an observation"
    _windows(student, report, what, (both, ends, 3), [first, second])
    report.note("each trial's window is cut at its own episodes' ends")

    longer = [[zero] * 3 + window for window in first]
    whole = [[zero] * (5 - t) + [[5.0 + s, -5.0 - s] for s in range(t + 1)] for t in range(4)]
    what = "last_k_observation with K = 6, more than the four steps of these trials"
    _windows(student, report, what, (both, ends, 6), [longer, whole])
    report.note("K = 6, longer than the trial: zeros in front")

    what = "last_k_observation with K = 1"
    _windows(student, report, what, (both, ends, 1), both[:, :, None].tolist())
    report.note("K = 1 is the observation itself")


# --------------------------------------------------------------------------------------- noisy_observation


def noisy_observation(student: Handle, report: Report) -> None:
    """No noise at std 0; the same noise from the same seed; then 24,000 draws and how they go together."""
    observation = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    got = student.call("noisy_observation", observation, 0.0, Generator(0))
    report.close("noisy_observation with std 0", got, observation)
    report.note("std 0 leaves the observation as it is")

    once, again, other = (student.call("noisy_observation", observation, 0.5, Generator(seed)) for seed in (1, 1, 2))
    report.true(
        "noisy_observation, twice from generators of the same seed",
        torch.equal(torch.as_tensor(once), torch.as_tensor(again)),
        expected="the same result",
        got="different ones",
    )
    report.true(
        "noisy_observation, from generators of different seeds",
        not torch.equal(torch.as_tensor(once), torch.as_tensor(other)),
        expected="different noise",
        got="the same",
    )
    kept = student.keep(observation)
    student.call("noisy_observation", kept, 0.5, Generator(1))
    report.close("the observation that was handed in, afterwards", student.attribute(kept, "data"), observation)
    report.note("the generator alone decides, and the observation handed in is left alone")

    normal_noise(student, report, std=0.5, seed=7)
    report.note("24,000 numbers: normal, of standard deviation 0.5, independent of one another")


# --------------------------------------------------------------------------------------- belief_update


class Model(NamedTuple):
    """A POMDP's three tables: transition [S, A, S], observation model [A, S, O], rewards [S, A, S]."""

    transition: Tensor
    observation: Tensor
    reward: Tensor


LAMP = Model(
    transition=torch.tensor([[[0.9, 0.1]], [[0.1, 0.9]]]),
    observation=torch.tensor([[[0.8, 0.2], [0.2, 0.8]]]),
    reward=torch.zeros(2, 1, 2),
)


def _shortest_corridor() -> Model:
    """Two states, goal left and goal right; the agent always acts from the middle of three cells and is put back."""
    stay = torch.eye(2)[:, None].expand(2, 2, 2).clone()
    pays = torch.zeros(2, 2, 2)
    pays[0, 0], pays[1, 1] = 10.0, 10.0
    return Model(stay, torch.ones(2, 2, 1), pays)


def _uneven_model() -> Model:
    """Three states, two actions, two observations, nothing symmetric: every index shows."""
    transition = torch.tensor(
        [[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], [[0.2, 0.2, 0.6], [0.7, 0.1, 0.2]], [[0.4, 0.5, 0.1], [0.3, 0.3, 0.4]]]
    )
    seen = torch.tensor([[[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]], [[0.2, 0.8], [0.5, 0.5], [0.6, 0.4]]])
    pays = torch.tensor(
        [[[1.0, 0, 1], [0, 0, 1]], [[0, 1, 1], [1, 0, 0]], [[1, 1, 0], [0, 1, 1]]],
    )
    return Model(transition, seen, pays)


def _update(
    student: Handle,
    report: Report,
    what: str,
    model: Model,
    steps: tuple[Tensor, Tensor, Tensor, Tensor],
    expected: Tensor,
) -> None:
    got = student.call("belief_update", *steps, model.transition, model.observation, model.reward)
    report.close(what, got, expected, atol=1e-5)


def belief_update(student: Handle, report: Report) -> None:
    """The lamp, the shortest corridor, and a model in which every index shows."""

    def step(belief: list[list[float]], action: list[int], seen: list[int], reward: list[float]) -> Any:
        return torch.tensor(belief), torch.tensor(action), torch.tensor(seen), torch.tensor(reward)

    lamp = step([[0.5, 0.5], [0.8, 0.2]], [0, 0], [0, 0], [0.0, 0.0])
    expected = torch.tensor([[0.8, 0.2], [0.592 / 0.644, 0.052 / 0.644]])
    _update(student, report, "belief_update of the lamp, from (.5, .5) and (.8, .2), report: on", LAMP, lamp, expected)
    report.note("the lamp: .80 after one report, .919 after two")

    corridor = step([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [0, 0, 1], [0, 0, 0], [0.0, 10.0, 0.0])
    expected = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    what = "belief_update in the shortest corridor: left and paid 0, left and paid 10, right and paid 0"
    _update(student, report, what, _shortest_corridor(), corridor, expected)
    report.note("no reward at the left end: the goal is at the right")

    # from (.2, .3, .5) by action 0, paid 1: (.1 + 0 + .2, 0 + .06 + .25, .04 + .18 + 0) = (.3, .31, .22),
    # times the chance of seeing 1 there, (.1, .6, .7): (.03, .186, .154), in all .37
    uneven = step([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]], [0, 1], [1, 0], [1.0, 0.0])
    # from (.6, .4, 0) by action 1, paid 0: (.06 + 0, .36 + .04, 0 + .08) = (.06, .40, .08),
    # times the chance of seeing 0 there, (.2, .5, .6): (.012, .2, .048), in all .26
    expected = torch.tensor([[0.03, 0.186, 0.154], [0.012, 0.2, 0.048]]) / torch.tensor([[0.37], [0.26]])
    what = "belief_update of two trials with three states, two actions, two observations"
    _update(student, report, what, _uneven_model(), uneven, expected)
    report.note("three states, other actions in each trial: (.03, .186, .154) / .37")


# --------------------------------------------------------------------------------------- corridor_step


def corridor_step(student: Handle, report: Report) -> None:
    """The table of the text, then every cell, side and action of the corridor of five cells."""
    cell, side, action = torch.tensor([2, 3, 1, 0, 1]), torch.tensor([1, 1, 1, 1, 0]), torch.tensor([1, 1, 0, 0, 0])
    expected = (
        torch.tensor([3, 2, 0, 0, 2]),
        torch.tensor([0.0, 10, 0, 0, 10]),
        torch.tensor([False, True, False, False, True]),
    )
    what = (
        "corridor_step with d = 2, of cells 2, 3, 1, 0, 1, goals right, right, right, right, left and actions right, "
        "right, left, left, left"
    )
    _corridor(student, report, what, (cell, side, action, 2), expected)
    report.note("the table of the text")

    cell, side, action = torch.tensor([1, 3, 0, 4, 2]), torch.tensor([0, 0, 1, 0, 0]), torch.tensor([0, 1, 0, 1, 0])
    expected = (
        torch.tensor([2, 4, 0, 4, 1]),
        torch.tensor([10.0, 0, 0, 0, 0]),
        torch.tensor([True, False, False, False, False]),
    )
    what = (
        "corridor_step with d = 2, sides left, left, right, left, left, of cells 1, 3, 0, 4, 2 and actions left, "
        "right, left, right, left"
    )
    _corridor(student, report, what, (cell, side, action, 2), expected)
    report.note("a wall without a goal is only a wall")


def _corridor(
    student: Handle,
    report: Report,
    what: str,
    case: tuple[Tensor, Tensor, Tensor, int],
    expected: tuple[Tensor, Tensor, Tensor],
) -> None:
    report.close(what, three_tensors(student, report, what, case), expected)


def three_tensors(student: Handle, report: Report, what: str, case: tuple[Tensor, Tensor, Tensor, int]) -> Any:
    """Call `corridor_step` and require what it should return: cell, reward and end."""
    got = student.call("corridor_step", *case)
    shaped = isinstance(got, tuple | list) and len(got) == 3
    report.true(what, shaped, expected="three tensors: cell, reward, end", got=type(got).__name__)
    return tuple(got)


# --------------------------------------------------------------------------------------- belief_policy_value


def likelier_arm(means: Tensor) -> Callable[[Tensor], int]:
    """Return the policy of the text: the arm of higher expected reward, the lower number on a tie."""
    return lambda belief: int((belief @ means).argmax())


def fixed_arm(arm: int) -> Callable[[Tensor], int]:
    """Return the policy that takes one arm for ever."""
    return lambda belief: arm


def belief_policy_value(student: Handle, report: Report) -> None:
    """The examples of the text, ten pulls of the two-point bandit, and policies that are not the best ones."""
    two_point = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    medium = torch.tensor([[0.75, 0.25], [0.25, 0.75]])
    even = torch.tensor([0.5, 0.5])

    def value(what: str, prior: Tensor, means: Tensor, pulls: int, rule: Callable[[Tensor], int], right: float) -> None:
        got = student.call("belief_policy_value", prior, means, pulls, Callback(rule, ["__call__"]))
        what = f"belief_policy_value of {what}"
        report.close(what, report.number(what, got), right, atol=1e-5)

    uneven = torch.tensor([0.2, 0.8])
    value("arm 1 for ever, prior (.2, .8), on means (.75, .25) or (.25, .75)", uneven, medium, 4, fixed_arm(1), 2.6)
    value("the likelier arm on the two-point bandit, two pulls", even, two_point, 2, likelier_arm(two_point), 1.5)
    value("the likelier arm on means (.75, .25) or (.25, .75), two pulls", even, medium, 2, likelier_arm(medium), 1.125)
    report.note("two pulls: 1.5 and 1.125")
    value("arm 0 for ever, on the two-point bandit, three pulls", even, two_point, 3, fixed_arm(0), 1.5)
    report.note("a policy gets its own value, not the best one's")
    value("the likelier arm on the two-point bandit, no pull", even, two_point, 0, likelier_arm(two_point), 0.0)
    value("the likelier arm on the two-point bandit, ten pulls", even, two_point, 10, likelier_arm(two_point), 9.5)
    report.note("ten pulls of the two-point bandit: 9.5")


# --------------------------------------------------------------------------------------- reveal_task


def reveal_task(student: Handle, report: Report) -> None:
    """The table of the text: in the first episode, at the start of the second, later in it."""
    inputs = StepInput(
        observation=torch.tensor([[7.0], [5.0], [6.0], [8.0]]),
        prev_action=torch.tensor([1, 1, 1, 1]),
        prev_reward=torch.tensor([0.0, 10.0, 0.0, 0.0]),
        prev_end=torch.tensor([0.0, 1.0, 0.0, 0.0]),
    )
    state = torch.tensor([[0.3, 0.4], [0.3, 0.4], [0.3, 0.4], [0.5, 0.6]])
    case = (inputs, state, torch.tensor([1, 1, 0, 1]), torch.tensor([0, 1, 1, 2]), 2)
    seen = StepInput(
        observation=torch.tensor([[7.0, 0, 0], [5, 0, 1], [6, 1, 0], [8, 0, 1]]),
        prev_action=torch.tensor([1, 0, 1, 1]),
        prev_reward=torch.zeros(4),
        prev_end=torch.zeros(4),
    )
    what = "reveal_task of the text's three trials and one in its third episode"
    reveal(student, report, what, case, (seen, torch.tensor([[0.3, 0.4], [0.0, 0.0], [0.3, 0.4], [0.5, 0.6]])))
    report.note("first episode: told nothing; its second begins: wiped, blanked and told; later: told")

    inputs = StepInput(torch.tensor([[1.0, 2.0], [3, 4]]), torch.tensor([2, 1]), torch.tensor([1.0, 5]), torch.ones(2))
    case = (inputs, torch.tensor([[1.0], [-1.0]]), torch.tensor([2, 0]), torch.tensor([1, 4]), 3)
    seen = StepInput(
        torch.tensor([[1.0, 2, 0, 0, 1], [3, 4, 1, 0, 0]]), torch.zeros(2).long(), torch.zeros(2), torch.zeros(2)
    )
    what = "reveal_task with three tasks, at the start of a second and of a fifth episode"
    reveal(student, report, what, case, (seen, torch.zeros(2, 1)))
    report.note("and in every later episode")


def reveal(student: Handle, report: Report, what: str, case: Any, expected: tuple[StepInput, Tensor]) -> None:
    """Compare all parts together, since many a mistake shows in several."""
    got = student.call("reveal_task", *case)
    paired = isinstance(got, tuple) and len(got) == 2 and isinstance(got[0], StepInput)
    report.true(what, paired, expected="a pair: a StepInput and the state", got=type(got).__name__)
    found, wanted = ({"state": made[1], **made[0]._asdict()} for made in (got, expected))
    report.close(what, found, wanted)


# --------------------------------------------------------------------------------------- transplant_state


def transplant_state(student: Handle, report: Report) -> None:
    """A ring of three first, since with two the way round does not show; the text's example; the tensors handed in."""
    state = torch.arange(12.0).reshape(3, 4)
    case = (state, state + 100, torch.tensor([1, 2, 0]), torch.tensor([True, True, True]))
    what = "transplant_state of three trials in a ring, donors 1, 2, 0"
    expected = torch.tensor([[104.0, 105, 106, 107], [108, 109, 110, 111], [100, 101, 102, 103]])
    report.close(what, student.call("transplant_state", *case), expected)
    report.note("a ring of three: 0 from 1, 1 from 2, 2 from 0")

    two, kept = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    case = (two, kept, torch.tensor([1, 0]), torch.tensor([True, False]))
    what = "transplant_state of the text's two trials"
    expected = torch.tensor([[7.0, 8.0], [3.0, 4.0]])
    report.close(what, student.call("transplant_state", *case), expected)
    report.note("trial 0 goes on with trial 1's state, trial 1 with its own")

    handed = student.keep(state), student.keep(state + 100)
    student.call("transplant_state", *handed, torch.tensor([1, 2, 0]), torch.tensor([True, False, True]))
    for name, ref, before in (("states", handed[0], state), ("kept states", handed[1], state + 100)):
        after = student.attribute(ref, "data")
        report.close(f"the {name} that were handed in, afterwards", after, before)
    report.note("nothing handed in was written into")
