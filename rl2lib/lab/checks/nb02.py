"""Visible checks of notebook 02: the corridor trial and small vectors by hand, never the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.checks.modules import parameters, require_class, update
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import FORGOTTEN_RETURN, Report
from rl2lib.lab.values import Ref
from rl2lib.types import StepInput

FIELDS = StepInput._fields


def _step_input(report: Report, what: str, value: Any) -> StepInput:
    """Require a StepInput, and say how to make one where four plain tensors came."""
    if isinstance(value, tuple) and not isinstance(value, StepInput) and len(value) == 4:
        report.fail(what, "a StepInput", "a plain tuple of four", cause="Wrap it: StepInput(o, a, r, d).")
    if not isinstance(value, StepInput):
        if value is None:
            report.fail(what, "a StepInput", "None", cause=FORGOTTEN_RETURN)
        kind = value.type_name if isinstance(value, Ref) else type(value).__name__
        report.fail(what, "a StepInput", f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}")
    return value


# --------------------------------------------------------------------------------------- trial_start_input


def trial_start_input(student: Handle, report: Report) -> None:
    """Two corridors, then three observations that are vectors."""
    cells = torch.tensor([2, 2])
    call = "trial_start_input(tensor([2, 2]))"
    got = _step_input(report, call, student.call("trial_start_input", cells))
    report.close(f"{call}.observation", got.observation, cells)
    report.close(f"{call}.prev_action", got.prev_action, torch.zeros(2, dtype=torch.int64))
    report.close(f"{call}.prev_reward", got.prev_reward, torch.zeros(2))
    report.close(f"{call}.prev_end", got.prev_end, torch.zeros(2))
    report.note("two corridors: the real first cell, placeholders 0, 0, 0")

    vectors = torch.tensor([[0.5, -1.0, 2.0, 0.0], [0.0, 1.0, 0.0, 3.0], [4.0, 0.25, -2.0, 1.0]])
    call = "trial_start_input of observations of shape [3, 4]"
    got = _step_input(report, call, student.call("trial_start_input", vectors))
    report.close(f"{call}: observation", got.observation, vectors)
    for name in FIELDS[1:]:
        zero = torch.zeros(3, dtype=torch.int64 if name == "prev_action" else torch.float32)
        report.close(f"{call}: {name}", getattr(got, name), zero)
    report.note("one placeholder a trial, whatever an observation looks like")


# --------------------------------------------------------------------------------------- shift_to_inputs

# Two corridors: the first pays at cell 4 (the table of section 2.1), the second at cell 0.
PAPER_TRIAL = {
    "first_observation": torch.tensor([2, 2]),
    "actions": torch.tensor([[1, 1, 1, 0, 1, 1], [1, 0, 0, 0, 0, 1]]),
    "rewards": torch.tensor([[0.0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]]),
    "episode_ends": torch.tensor([[0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 1, 0]]).bool(),
    "observations": torch.tensor([[3, 2, 3, 2, 2, 3], [3, 2, 2, 1, 2, 3]]),
    "final_observations": torch.tensor([[3, 4, 3, 2, 3, 3], [3, 2, 1, 1, 0, 3]]),
}
PAPER_INPUTS = StepInput(
    observation=torch.tensor([[2, 3, 2, 3, 2, 2], [2, 3, 2, 2, 1, 2]]),
    prev_action=torch.tensor([[0, 1, 1, 1, 0, 1], [0, 1, 0, 0, 0, 0]]),
    prev_reward=torch.tensor([[0.0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1]]),
    prev_end=torch.tensor([[0.0, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1]]),
)


def shift_to_inputs(student: Handle, report: Report) -> None:
    """The paper trial beside one more, column by column; then images; then the past that must not change."""
    call = "shift_to_inputs of the corridor trials"
    got = _step_input(report, call, student.call("shift_to_inputs", **PAPER_TRIAL))
    for name in FIELDS:
        what = f"{call}: {name}"
        report.close(what, getattr(got, name), getattr(PAPER_INPUTS, name))
    report.note("the table of exercise 2.2 and a second trial, whose goal is cell 0")

    # Nothing that happens at the last step may be seen: change it, and the inputs stay.
    changed = {name: values.clone() for name, values in PAPER_TRIAL.items()}
    for name in ("actions", "rewards", "observations", "final_observations"):
        changed[name][:, -1] = 0 if name == "actions" else 4
    changed["episode_ends"][:, -1] = True
    again = _step_input(report, call, student.call("shift_to_inputs", **changed))
    for name in FIELDS:
        report.close(f"{call}: {name}, when only the last step is changed", getattr(again, name), getattr(got, name))
    report.note("the result of the last step is fed nowhere")

    images = torch.arange(2 * 3 * 4, dtype=torch.float32).reshape(1, 3, 2, 4)
    record = {
        "first_observation": -images[:, 0],
        "actions": torch.tensor([[2, 0, 1]]),
        "rewards": torch.tensor([[-1.5, 0.25, 7.0]]),
        "episode_ends": torch.zeros(1, 3, dtype=torch.bool),
        "observations": images,
        "final_observations": images,
    }
    right = StepInput(
        torch.cat([-images[:, :1], images[:, :2]], dim=1),
        torch.tensor([[0, 2, 0]]),
        torch.tensor([[0.0, -1.5, 0.25]]),
        torch.zeros(1, 3),
    )
    call = "shift_to_inputs of one trial of 3 steps with 2x4 images"
    got = _step_input(report, call, student.call("shift_to_inputs", **record))
    for name in FIELDS:
        report.close(f"{call}: {name}", getattr(got, name), getattr(right, name))
    report.note("observations of any shape")


# --------------------------------------------------------------------------------------- embed_bandit


def _row(*entries: float) -> Tensor:
    return torch.tensor([entries], dtype=torch.float32)


def embed_bandit(student: Handle, report: Report) -> None:
    """Two rows by hand, then a batch of trials against its steps one by one."""
    nothing = torch.zeros(1, 1)

    def embed(action: int, reward: float, flag: float) -> Any:
        inputs = (nothing, torch.tensor([action]), torch.tensor([reward]), torch.tensor([flag]))
        return student.call("embed_bandit", *inputs, 3)

    what = "embed_bandit of arm 2, reward 0.5, flag 1, with 3 arms"
    report.close(what, embed(2, 0.5, 1.0), _row(0, 0, 0, 1, 0.5, 1))
    report.note("arm 2 paid 0.5: [0 | 0, 0, 1 | 0.5 | 1]")

    what = "embed_bandit of arm 0, reward 0.25, flag 1, with 3 arms"
    got = embed(0, 0.25, 1.0)
    if isinstance(got, Tensor) and tuple(got.shape) == (1, 4):
        cause = "F.one_hot guesses the number of arms from the largest arm it sees. Tell it: num_actions."
        report.fail(what, "shape (1, 6)", "shape (1, 4)", cause=cause)
    report.close(what, got, _row(0, 1, 0, 0, 0.25, 1))

    what = "embed_bandit of a trial's first input (action 0, reward 0, flag 0), with 3 arms"
    report.close(what, embed(0, 0.0, 0.0), _row(0, 1, 0, 0, 0, 0))
    report.note("action 0 is a name like the others: [0 | 1, 0, 0 | 0 | 0]")

    what = "embed_bandit of arm 1, reward -3, flag 1, with 3 arms"
    report.close(what, embed(1, -3.0, 1.0), _row(0, 0, 1, 0, -3, 1))
    report.note("the reward goes in as it is")

    # [B, T] = [2, 3], K = 2
    actions, rewards = torch.tensor([[0, 1, 1], [0, 0, 1]]), torch.tensor([[0.0, 1, 0], [0, 0.5, 2]])
    flags = torch.tensor([[0.0, 1, 1], [0, 1, 1]])
    what = "embed_bandit with leading dimensions [B, T] = [2, 3] and 2 arms"
    got = student.call("embed_bandit", torch.zeros(2, 3, 1), actions, rewards, flags, 2)
    expected = torch.tensor(
        [
            [[0, 1, 0, 0, 0], [0, 0, 1, 1, 1], [0, 0, 1, 0, 1]],
            [[0, 1, 0, 0, 0], [0, 1, 0, 0.5, 1], [0, 0, 1, 2, 1]],
        ]
    )
    report.close(what, got, expected)
    report.note("one step or whole trials: only the last dimension is built")


# --------------------------------------------------------------------------------------- embed_tabular


def embed_tabular(student: Handle, report: Report) -> None:
    """Two rows of the corridor trial, then all of it."""

    def embed(state: int, action: int, reward: float, flag: float) -> Any:
        inputs = (torch.tensor([state]), torch.tensor([action]), torch.tensor([reward]), torch.tensor([flag]))
        return student.call("embed_tabular", *inputs, 5, 2)

    # First of all, since single steps cannot show it (and would give 0/0): rewards standardised over the batch.
    whole = student.call("embed_tabular", *PAPER_INPUTS, 5, 2)
    if isinstance(whole, Tensor) and whole.shape == (2, 6, 9):
        what = "embed_tabular of the two corridor trials: the reward column"
        report.close(what, whole[..., 7], PAPER_INPUTS.prev_reward)

    what = "embed_tabular of cell 2, action 1, reward 1, flag 1 (S = 5, A = 2)"
    got = embed(2, 1, 1.0, 1.0)
    if isinstance(got, Tensor) and tuple(got.shape) == (1, 5):
        cause = "The state's number takes one column. A state is a name: one-hot, S columns (section 2.3)."
        report.fail(what, "shape (1, 9)", "shape (1, 5)", cause=cause)
    report.close(what, got, _row(0, 0, 1, 0, 0, 0, 1, 1, 1))
    report.note("t = 2 of the paper trial: [0, 0, 1, 0, 0 | 0, 1 | 1 | 1]")

    what = "embed_tabular of cell 2, action 0, reward 0, flag 0 (S = 5, A = 2)"
    report.close(what, embed(2, 0, 0.0, 0.0), _row(0, 0, 1, 0, 0, 1, 0, 0, 0))

    what = "embed_tabular of cell 4, action 0, reward -20, flag 0 (S = 5, A = 2)"
    report.close(what, embed(4, 0, -20.0, 0.0), _row(0, 0, 0, 0, 1, 1, 0, -20, 0))
    report.note("a trial's first input, and a reward of -20 as it is")

    what = "embed_tabular of the two corridor trials, [B, T] = [2, 6]"
    got = report.tensor(what, student.call("embed_tabular", *PAPER_INPUTS, 5, 2), (2, 6, 9), torch.float32)
    report.close(f"{what}: the reward column", got[..., 7], PAPER_INPUTS.prev_reward)
    report.close(f"{what}: the flag column", got[..., 8], PAPER_INPUTS.prev_end)
    report.close(f"{what}: the hot state column", got[..., :5].argmax(dim=-1), PAPER_INPUTS.observation)
    report.close(f"{what}: the hot action column", got[..., 5:7].argmax(dim=-1), PAPER_INPUTS.prev_action)
    report.close(f"{what}: the sum over state and action columns", got[..., :7].sum(dim=-1), torch.full((2, 6), 2.0))
    report.note("whole trials at once")


# --------------------------------------------------------------------------------------- JointEmbedding


def _set_all(student: Handle, module: Ref, own: Mapping[str, Tensor], value: float) -> None:
    update(student, module, {name: torch.full_like(entry, value) for name, entry in own.items()})


def JointEmbedding(student: Handle, report: Report) -> None:
    """The 27 parameters of the text, all set to 0.1, and the 0.22 they give; then trials; then gradients."""
    image = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]])  # [B, C, H, W] = [1, 1, 2, 2]
    inputs = (image, torch.tensor([1]), torch.tensor([5.0]), torch.tensor([1.0]))
    name = "JointEmbedding((1, 2, 2), num_actions=3, action_dim=2, joint_dim=3)"
    require_class(student, report, "JointEmbedding")
    module = student.construct("JointEmbedding", (1, 2, 2), 3, 2, 3)
    got = student.method(module, "__call__", *inputs)
    what = f"the output of {name} for one image"
    report.true(
        what,
        not (isinstance(got, torch.Tensor) and tuple(got.shape) == (1, 4)),
        expected="J + 2 = 5 columns",
        got="J + 1 = 4 columns",
    )
    inside = isinstance(got, torch.Tensor) and tuple(got.shape) == (1, 3)
    report.true(
        what, not inside, expected="J + 2 = 5 columns: reward and flag join after the layer", got="J = 3 columns"
    )
    report.tensor(what, got, (1, 5), torch.float32)
    report.close(f"{what}: the last two columns", got[:, -2:], torch.tensor([[5.0, 1.0]]))
    minus = student.method(module, "__call__", image, inputs[1], torch.tensor([-5.0]), inputs[3])
    report.tensor(what, minus, (1, 5), torch.float32)
    report.close(f"{what}, with reward -5: the last two columns", minus[:, -2:], torch.tensor([[-5.0, 1.0]]))
    report.note("reward and flag leave as they came, in the last two columns")

    own = parameters(student, module, inputs, 5)
    size = sum(values.numel() for values in own.values())
    report.close(f"the number of parameters of {name}", size, 27)

    _set_all(student, module, own, 0.1)
    got = student.method(module, "__call__", *inputs)
    what = f"the output of {name} with all 27 parameters 0.1, image (0.1, 0.2, 0.3, 0.4), reward 5, flag 1"
    report.close(what, got, _row(0.22, 0.22, 0.22, 5, 1))
    _set_all(student, module, own, -0.1)
    got = student.method(module, "__call__", *inputs)
    report.close(what.replace("0.1, image", "-0.1, image"), got, _row(0, 0, 0, 5, 1))
    # A dark image: -0.1 * -1 + (-0.1 * -0.1 twice) - 0.1 = 0.02; a ReLU on the action's vector would make it 0.
    got = student.method(module, "__call__", -image, *inputs[1:])
    report.close(what.replace("0.1, image (", "-0.1, image -("), got, _row(0.02, 0.02, 0.02, 5, 1))
    report.note("27 parameters; all at 0.1 give 0.22, all at -0.1 are cut off by the ReLU")

    _set_all(student, module, own, 0.1)
    reached = []
    for action in range(3):
        arguments = (image, torch.tensor([action]), *inputs[2:])
        (gradients,) = student.grad((module, "__call__"), arguments, [module], cotangent=torch.ones(1, 5))
        reached.append(sum(int((entry != 0).sum()) for entry in gradients.values() if entry is not None))
    # All 21 of the joint layer, and the 2 of this action's vector.
    what = "how many of the 27 parameters the gradient reaches when the previous action is 0, 1 and 2"
    report.close(what, reached, [23, 23, 23])
    report.note("every action has a vector of its own, and it learns; action 0 too")

    images = torch.arange(24, dtype=torch.float32).reshape(2, 3, 1, 2, 2) / 24
    batch = (images, torch.tensor([[0, 1, 2], [2, 0, 1]]), torch.arange(6.0).reshape(2, 3), torch.zeros(2, 3))
    got = student.method(module, "__call__", *batch)
    what = "the output for whole trials, [B, T] = [2, 3]"
    report.tensor(what, got, (2, 3, 5), torch.float32)
    one = student.method(module, "__call__", *(values[1] for values in batch))
    report.close(f"{what}: its second trial, and that trial fed alone", got[1], one)
    report.note("one step or whole trials")


# --------------------------------------------------------------------------------------- explain_placeholder


def explain_placeholder(student: Handle, report: Report) -> None:
    """The paper trial for each kind of memory, then a trial in which only the flag warns."""

    def mark(inputs: StepInput, start: list[int], sees_flag: bool, memory: str) -> Any:
        return student.call("explain_placeholder", inputs, torch.tensor(start), sees_flag, memory)

    def marks(*steps: int, length: int = 6) -> Tensor:
        row = torch.zeros(1, length, dtype=torch.bool)
        row[0, list(steps)] = True
        return row

    paper = StepInput(*(values[:1] for values in PAPER_INPUTS))
    what = 'explain_placeholder of the paper trial, sees_flag=True, memory="none"'
    report.close(what, mark(paper, [2], True, "none"), marks(0, 4))
    report.note("t = 4 looks exactly like t = 0 to an agent without memory")

    for memory in ("episode", "trial"):
        what = f'explain_placeholder of the paper trial, sees_flag=True, memory="{memory}"'
        report.close(what, mark(paper, [2], True, memory), marks(0))
    report.note("an agent that remembers step 3 is not fooled at step 4")

    # Not a corridor: a stream made so that every column decides somewhere. New episodes begin at t = 2 and 4.
    stream = StepInput(
        observation=torch.tensor([[2, 1, 2, 1, 2, 2]]),
        prev_action=torch.tensor([[0, 0, 0, 0, 0, 0]]),
        prev_reward=torch.tensor([[0.0, 0, 1, 0, 0, 0]]),
        prev_end=torch.tensor([[0.0, 0, 1, 0, 1, 0]]),
    )
    told = "cells 2 1 2 1 2 2, all actions 0, reward 1 only before t = 2, episodes starting at t = 2 and 4"
    cases = [
        (True, "none", marks(0, 5)),
        (False, "none", marks(0, 4, 5)),
        (True, "episode", marks(0)),
        (False, "episode", marks(0, 4)),
        (False, "trial", marks(0)),
    ]
    for sees_flag, memory, right in cases:
        what = f'explain_placeholder ({told}), sees_flag={sees_flag}, memory="{memory}"'
        report.close(what, mark(stream, [2], sees_flag, memory), right)
    report.note("without the flag only the state can tell; RL² keeps its state for the whole trial")

    both = mark(stream, [1, 2], False, "none")
    what = f'explain_placeholder ({told}) when episodes may start in cell 1 or 2, sees_flag=False, memory="none"'
    report.close(what, both, marks(0, 1, 3, 4, 5))
