"""Visible checks of notebook 03: hand numbers, torch's own cells, and who may depend on what; never the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rl2lib.lab.checks.causality import line_network, line_probes, random_line_weights, unroll_probes
from rl2lib.lab.checks.initialised import check_initialised
from rl2lib.lab.checks.modules import require_class
from rl2lib.lab.checks.scripted import (
    ScriptedEnv,
    ScriptedPolicy,
    check_sampling,
    check_scripted_unroll,
    check_second_trial,
    check_states_and_inputs,
    play,
)
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator, Ref
from rl2lib.types import StepInput, Trajectory

# --------------------------------------------------------------------------------------- learn_lines


def learn_lines(student: Handle, report: Report) -> None:
    """A network that echoes 10 x_t + (what it was told); then the probes on random weights."""
    weights = {
        # update gate 0 (bias -30), so that the state is the candidate; tanh(v / 200) is v / 200 to four digits
        "weight_ih_l0": torch.tensor([[0.0, 0]] * 4 + [[0.005, 0], [0, 0.005]]),
        "weight_hh_l0": torch.zeros(6, 2),
        "bias_ih_l0": torch.tensor([0.0, 0, -30, -30, 0, 0]),
        "bias_hh_l0": torch.zeros(6),
        "weight": torch.tensor([[2000.0, 200.0]]),
        "bias": torch.zeros(1),
    }
    x = torch.tensor([[0.5, -0.5, 0.0], [0.1, 0.2, 0.3]])
    y = torch.tensor([[2.0, 0.0, 1.0], [1.0, -1.0, 0.5]])
    late = torch.tensor([[0.0, 2, 0], [0, 1, -1]])
    what = "learn_lines with a network that predicts 10 x_t + y_{t-1}, on the line of the text and another"
    report.close(what, student.call("learn_lines", *line_network(student, weights), x, y), 10 * x + late, atol=2e-3)
    report.note("fed are (0.5, 0), (-0.5, 2), (0, 0): the table of exercise 3.1")
    generator = torch.Generator().manual_seed(3)
    x, y = torch.randn(2, 3, 5, generator=generator)
    line_probes(student, random_line_weights(4, generator), x, y, report)
    report.note("weights stay, gradients flow, later predictions remember, earlier ones and other lines do not notice")


# --------------------------------------------------------------------------------------- gru_step, lstm_step


def _random_cell(gates: int, hidden: int, features: int) -> list[Tensor]:
    """Draw w_ih, w_hh, b_ih and b_hh of a cell with that many gates."""
    generator = torch.Generator().manual_seed(gates)
    shapes = ((gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,))
    return [torch.randn(shape, generator=generator) for shape in shapes]


def gru_step(student: Handle, report: Report) -> None:
    """The unit of the text, then torch's cell, then a gate that keeps everything."""
    nothing = torch.zeros(3)
    one = (
        torch.ones(1, 1),
        torch.full((1, 1), 0.5),
        torch.tensor([[0.0], [math.log(3)], [1.0]]),
        torch.tensor([[0.0], [0.0], [2.0]]),
    )
    what = "gru_step of the worked example (x = 1, h = 0.5)"
    got = student.call("gru_step", *one, nothing, nothing)
    report.close(what, got, torch.tensor([[0.6013]]), atol=1e-4)
    report.note("the worked example: 0.6013")

    generator = torch.Generator().manual_seed(0)
    x, h = torch.randn(2, 3, generator=generator), torch.randn(2, 4, generator=generator)
    weights = _random_cell(3, hidden=4, features=3)
    what = "gru_step with F = 3, H = 4 and random weights, against torch's GRUCell"
    expected = torch.gru_cell(x, h, *weights)
    report.close(what, student.call("gru_step", x, h, *weights), expected, atol=1e-5)
    report.note("equal to torch's GRUCell, gates in the order r, z, n")

    w_ih, w_hh, b_ih, b_hh = weights
    b_ih = b_ih.clone()
    b_ih[4:8] = 60.0
    what = "gru_step when the update gate is 1 for every unit: the new state"
    report.close(what, student.call("gru_step", x, h, w_ih, w_hh, b_ih, b_hh), h, atol=1e-5)
    (gradient,) = student.grad("gru_step", [x, h, w_ih, w_hh, b_ih, b_hh], [1], cotangent=torch.ones_like(h))
    report.true(
        "the gradient with respect to the old state, when the update gate is 1",
        gradient is not None and torch.allclose(gradient, torch.ones_like(h), atol=1e-4),
        expected="1 for every unit",
        got="another one, or none",
    )
    report.note("z = 1 keeps the state as it is, and lets the gradient through")


def lstm_step(student: Handle, report: Report) -> None:
    """The unit of the text, then torch's cell."""
    ln3, nothing = math.log(3), torch.zeros(4)
    x, h, c = torch.ones(1, 1), torch.full((1, 1), 0.5), torch.full((1, 1), 2.0)
    w_ih, w_hh = torch.tensor([[0.0], [ln3], [1.0], [-ln3]]), torch.tensor([[0.0], [0.0], [1.0], [0.0]])
    what = "lstm_step of the worked example (x = 1, h = 0.5, c = 2): (h, c)"
    got = student.call("lstm_step", x, (h, c), w_ih, w_hh, nothing, nothing)
    expected = (torch.tensor([[0.2401]]), torch.tensor([[1.9526]]))
    report.close(what, got, expected, atol=1e-4)
    report.note("the worked example: h = 0.2401, c = 1.9526")

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, generator=generator)
    h, c = torch.randn(2, 2, 5, generator=generator)
    weights = _random_cell(4, hidden=5, features=3)
    what = "lstm_step with F = 3, H = 5 and random weights, against torch's LSTMCell: (h, c)"
    got = student.call("lstm_step", x, (h, c), *weights)
    report.close(what, got, torch.lstm_cell(x, (h, c), *weights), atol=1e-5)
    report.note("equal to torch's LSTMCell, gates in the order i, f, g, o")


# --------------------------------------------------------------------------------------- initialise


def initialise(student: Handle, report: Report) -> None:
    """One network of 7 inputs, 64 units and 6 actions: its weights in force, then its parameters."""
    check_initialised(student, report, (7, 64, 6), seed=1)


# --------------------------------------------------------------------------------------- RecurrentPolicy

LEAKY_COUNTER = {
    "gru.weight_ih": torch.tensor([[0, 0, 20, 20, 0], [0, 0, 0, 0, -7.8], [0, 0, -2, -2, 0]]),
    "gru.weight_hh": torch.zeros(3, 1),
    "gru.bias_ih": torch.tensor([-30.0, 10, 1]),
    "gru.bias_hh": torch.tensor([0.0, 0, 4]),
    "head.weight": torch.tensor([[-10.0], [10.0]]),
    "head.bias": torch.zeros(2),
}


def leaky_state(h: Tensor, fed: Sequence[Tensor], bias: Tensor | float = 1.0) -> Tensor:
    """Return the state [B] that follows in the leaky counter of section 3.4."""
    action, reward, flag = fed
    z = torch.sigmoid(10 - 7.8 * flag)
    both = torch.sigmoid(20 * (action + reward) - 30)
    return z * h + (1 - z) * torch.tanh(bias - 2 * action - 2 * reward + 4 * both)


def _logits(h: Tensor) -> Tensor:
    return torch.stack([-10 * h, 10 * h], dim=-1)


def policy_parameters(student: Handle, report: Report, policy: Ref, expected: dict[str, tuple[int, ...]]) -> None:
    """Require the contract's parameter names and shapes."""
    found = {name: tuple(value.shape) for name, value in student.state_dict(policy).items()}
    cause = ""
    if any(name.endswith("_l0") for name in found):
        cause = "nn.GRU is the layer for whole sequences. One step at a time is a GRUCell."
    elif set(found) != set(expected):
        cause = "The parts are called gru (a GRUCell) and head (a Linear), both with biases; nothing else has weights."
    elif found["gru.weight_ih"][1:] != expected["gru.weight_ih"][1:]:
        cause = "The GRU reads the embedding, so its input is self.embedding.size wide (exercise 3.5)."
    if found != expected:
        report.fail("the parameters of RecurrentPolicy", _listed(expected), _listed(found), cause=cause)


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items())) or "none"


def RecurrentPolicy(student: Handle, report: Report) -> None:
    """The leaky counter's weights and two rows by hand; then purity, names of arms, and gradients."""
    require_class(student, report, "RecurrentPolicy")
    policy = student.construct("RecurrentPolicy", (1,), 2, 1)
    policy_parameters(student, report, policy, {name: tuple(value.shape) for name, value in LEAKY_COUNTER.items()})
    student.load_state_dict(policy, LEAKY_COUNTER)
    first = student.method(policy, "initial_state", 3)
    report.close("initial_state(3) of a policy with H = 1", first, torch.zeros(3, 1))
    report.note("six parameters under the agreed names; a fresh state of zeros")

    # Button 1 paid; the placeholders of a trial's start; a reward in the middle of an episode.
    old = torch.tensor([[0.1], [-0.02], [0.05]])
    action, reward, flag = torch.tensor([1, 0, 0]), torch.tensor([1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    inputs = StepInput(torch.zeros(3, 1), action, reward, flag)
    h, a, r, d = old.squeeze(1), action.float(), reward, flag
    new = leaky_state(h, (a, r, d))
    told = "the leaky counter's step from states 0.1, -0.02, 0.05, told (a, r, d) = (1, 1, 1), (0, 0, 0), (0, 1, 0)"
    log_probs, state = step_results(student, report, told, policy, old, inputs)
    report.close(f"{told}: the new state", state, new[:, None], atol=1e-5)
    logits = _logits(new)
    report.close(f"{told}: the log-probabilities", log_probs, logits.log_softmax(dim=1), atol=1e-4)
    report.note("the leaky counter, by hand: the news is taken in first, then the action is chosen")

    other = torch.tensor([[-0.3], [0.4], [0.2]])
    step_results(student, report, told, policy, other, inputs)
    again = step_results(student, report, told, policy, old, inputs)
    report.true(
        f"{told}, called again after a step from other states",
        torch.allclose(again[1], state) and torch.allclose(again[0], log_probs),
        expected="the same results as at first",
        got="other results",
    )
    report.note("the same arguments give the same results: nothing is kept inside")
    _arms_are_names(student, report)
    _gradient_through_the_state(student, report, policy)


def step_results(
    student: Handle, report: Report, what: str, policy: Ref, state: Tensor, inputs: StepInput
) -> tuple[Any, Any]:
    """Call `step` and require two results."""
    got = student.method(policy, "step", state, inputs)
    if not (isinstance(got, tuple | list) and len(got) == 2):
        report.close(what, got, (torch.zeros(len(state), 2), state))
    return got[0], got[1]


def _arms_are_names(student: Handle, report: Report) -> None:
    """Rename three arms in the inputs and in the weights that read and name them."""
    generator = torch.Generator().manual_seed(8)
    policy = student.construct("RecurrentPolicy", (2,), 3, 4)
    weights = {
        name: torch.randn(value.shape, generator=generator) for name, value in student.state_dict(policy).items()
    }
    order = torch.tensor([2, 0, 1])  # arm i is called order[i] from now on
    back = order.argsort()
    renamed = {name: value.clone() for name, value in weights.items()}
    renamed["gru.weight_ih"][:, 2:5] = weights["gru.weight_ih"][:, 2:5][:, back]
    renamed["head.weight"], renamed["head.bias"] = weights["head.weight"][back], weights["head.bias"][back]
    action = torch.tensor([0, 1, 2])
    state, observation = torch.randn(3, 4, generator=generator), torch.randn(3, 2, generator=generator)
    inputs = StepInput(observation, action, torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0.0, 1.0, 0.0]))
    student.load_state_dict(policy, weights)
    told = "step with 3 arms and random weights"
    before, _ = step_results(student, report, told, policy, state, inputs)
    student.load_state_dict(policy, renamed)
    after, _ = step_results(student, report, told, policy, state, inputs._replace(prev_action=order[action]))
    before = report.tensor(told, before, (3, 3), torch.float32)
    what = "the log-probabilities when the arms get other names, in inputs and weights"
    report.close(what, after, before[:, back], atol=1e-4)
    report.note("arms are names: rename them everywhere, and the distribution is renamed")


def _gradient_through_the_state(student: Handle, report: Report, policy: Ref) -> None:
    """Step 2 closes the update gate (flag 0), so that its log-probability depends on the candidate of step 1 only."""

    def told(action: int, reward: float, flag: float) -> StepInput:
        return StepInput(torch.zeros(1, 1), torch.tensor([action]), torch.tensor([reward]), torch.tensor([flag]))

    stream = [told(1, 1.0, 1.0), told(0, 0.0, 0.0)]
    (found,) = student.grad("last_log_prob", [policy, stream, torch.tensor([1])], [policy], cotangent=torch.ones(1))
    gradient = found["gru.bias_ih"]
    report.true(
        "the gradient of the second step's log-probability with respect to what the GRU wrote at the first step",
        gradient is not None and abs(float(gradient[2])) > 1e-3,
        expected="a gradient that is not zero",
        got="none, or zero",
    )
    report.note("gradients run through the state, from step to step")


# --------------------------------------------------------------------------------------- run_trial

# The table of exercise 3.6, by step and row; what the environment answers after a trial's end is nonsense.
TABLE = ScriptedEnv(
    observations=torch.tensor([[[0.0], [0]], [[1], [2]], [[3], [4]], [[9], [5]], [[9], [9]]]),
    rewards=torch.tensor([[0.5, 1.0], [2.0, 0.0], [99.0, 3.0], [99.0, 4.0]]),
    episode_ends=torch.tensor([[1, 0], [1, 0], [0, 1], [1, 1]]).bool(),
    trial_ends=torch.tensor([[0, 0], [1, 0], [0, 0], [1, 1]]).bool(),
    num_actions=2,
)
TABLE_ACTIONS = torch.tensor([[1, 0], [0, 1], [0, 1], [1, 0]])


def run_trial(student: Handle, report: Report) -> None:
    """The table of the text, then frequencies, streams, and a second trial."""
    policy = ScriptedPolicy.choosing(TABLE_ACTIONS, num_actions=2)
    got = play(student, report, "run_trial of the table", policy, TABLE)
    check_states_and_inputs(report, policy, TABLE, "run_trial of the table")
    report.note("the state goes through episode ends; another row's end is not noticed; inputs are one step late")
    trajectory, _ = got
    what = "run_trial of the table: trajectory"
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]).bool()
    report.close(f"{what}.mask", trajectory.mask, mask)
    report.close(f"{what}.action", trajectory.action, TABLE_ACTIONS.T * mask)
    report.close(f"{what}.reward", trajectory.reward, TABLE.rewards.T * mask)
    report.close(
        f"{what}.observation", trajectory.observation, TABLE.observations[:4].transpose(0, 1) * mask[..., None]
    )
    report.note("a trial's last step counts, nothing after it does")
    check_sampling(student, report, torch.tensor([0.6, 0.3, 0.1]), rows=2000, seed=1)
    report.note("actions are drawn from the policy's probabilities, with its generator")
    check_second_trial(student, report, policy, TABLE)
    report.note("the next trial starts from a fresh state")


# --------------------------------------------------------------------------------------- unroll


def bandit_trials(action: Tensor, reward: Tensor, mask: Tensor) -> Trajectory:
    """Make a record of bandit trials [B, T], where every step ends an episode."""
    steps = action.shape[1]
    last = mask & ~F.pad(mask, (0, 1))[:, 1 : steps + 1]
    blank = torch.zeros_like(mask)
    return Trajectory(torch.zeros(*action.shape, 1), action * mask, reward * mask, mask, blank, last, mask)


def unroll(student: Handle, report: Report) -> None:
    """The leaky counter on the trial of the text and a shorter one; then its gradient, and the probes."""
    action = torch.tensor([[1, 1, 0], [0, 1, 0]])
    reward = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]]).bool()
    trials = bandit_trials(action, reward, mask)
    policy = student.construct("GivenPolicy", (1,), 2, 1, generator=Generator(0))
    # the library calls its memory a core, whatever its kind
    student.load_state_dict(policy, {name.replace("gru.", "core."): value for name, value in LEAKY_COUNTER.items()})
    columns = [column.float() for column in trials.step_inputs()[1:]]

    def log_probs(bias: Tensor) -> Tensor:
        h, logits = torch.zeros(2), []
        for t in range(3):
            h = leaky_state(h, [column[:, t] for column in columns], bias)
            logits.append(_logits(h))
        chosen = torch.stack(logits, dim=1).log_softmax(dim=-1).gather(2, action[..., None])
        return chosen.squeeze(-1) * mask

    bias = torch.ones((), requires_grad=True)
    right = log_probs(bias)
    told = "unroll of the leaky counter on actions 1, 1, 0 (rewards 1, 0, 0) and a trial that is over after two steps"
    report.close(told, student.call("unroll", policy, trials), right.detach(), atol=1e-4)
    report.note("the table of exercise 3.7: -0.693, -0.198, -0.621; zero beyond a trial's end")

    (whole,) = torch.autograd.grad(right.sum(), bias)
    (found,) = student.grad("unroll", [policy, trials], [policy], cotangent=torch.ones(2, 3))
    gradient = found["core.bias_ih"]
    what = "the gradient of the summed log-probabilities with respect to the candidate's bias"
    report.true(what, gradient is not None, expected="a gradient", got="none")
    report.close(what, gradient[2], whole, atol=1e-4)
    report.note("the gradient runs through all steps of the trial")
    generator = torch.Generator().manual_seed(5)
    network = student.construct("GivenPolicy", (1,), 3, 6, generator=Generator(4))
    action = torch.randint(3, (4, 6), generator=generator)
    everything = torch.ones(4, 6, dtype=torch.bool)
    unroll_probes(student, report, network, bandit_trials(action, torch.randn(4, 6, generator=generator), everything))
    report.note("change one reward: later steps of that trial move, earlier steps and other trials do not")
    check_scripted_unroll(student, report, trials, 2, generator)
    report.note("any policy will do that has initial_state and step")
