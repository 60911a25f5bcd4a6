"""Visible checks of notebook 05: numbers by hand, a scripted training run, replayed teachers; never the reference."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import CountingAgent, Greedy, Random
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.lab.checks.training_bench import STREAMS, TrainingBench
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator, Lib, Ref
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import StepInput, Trajectory

# --------------------------------------------------------------------------------------- train_bandit_agent


def train_bandit_agent(student: Handle, report: Report) -> None:
    """A scripted run, of which everything is written down; then real bandits, with real streams."""
    bench = TrainingBench(num_pulls=4)
    what = "train_bandit_agent with 3 iterations of 5 trials and 7 test tasks"
    got = bench.call(student, 3, 5, 7)
    bench.judge(report, what, got, 3, 5, 7)
    curve_is_a_tensor(report, what, got)
    report.note("fresh tasks for every update, and others for the score")
    report.note("each trial starts from a fresh state")
    real_streams(student, report, seeds=(5, 6, 7, 8))
    report.note("each generator is used for what its name says")


def curve_is_a_tensor(report: Report, what: str, got: Any) -> None:
    """Refuse a list of numbers: the notebook stacks the curves of several seeds."""
    report.true(
        f"{what}: the curve",
        isinstance(got[0], Tensor),
        expected="a torch tensor [num_iterations]",
        got=f"a {type(got[0]).__name__}",
    )


def real_streams(student: Handle, report: Report, seeds: tuple[int, int, int, int]) -> None:
    """Play at random on real bandits: with the same four streams the same numbers must come."""
    arguments = (2, 4, 6)
    what = "train_bandit_agent of random play, 2 iterations of 4 trials and 6 test tasks"
    bench = TrainingBench(1)
    got = student.call(
        "train_bandit_agent",
        Lib("rl2lib.agents.bandit.Random", 3),
        bench.update_callback(),  # it only writes down
        Lib("rl2lib.tasks.bandit.IndependentBandits", 3),
        Lib("rl2lib.tasks.bandit.BanditEnv", 3, 5),
        *arguments,
        {name: Generator(seed) for name, seed in zip(STREAMS, seeds, strict=True)},
    )
    curve, score = _by_the_book(arguments, seeds)
    report.true(what, isinstance(got, tuple | list) and len(got) == 2, expected="curve and score", got="something else")
    found, scored = torch.tensor([float(x) for x in got[0]]), report.number(f"{what}: the score", got[1])
    report.close(f"{what}: the curve", found, curve, atol=1e-4)
    report.close(f"{what}: the score", scored, score, atol=1e-4)


def _by_the_book(sizes: tuple[int, int, int], seeds: tuple[int, int, int, int]) -> tuple[Tensor, float]:
    """Play what the exercise asks for."""
    training, testing, policy, luck = (torch.Generator().manual_seed(seed) for seed in seeds)
    distribution, env, agent = IndependentBandits(3), BanditEnv(3, 5), Random(3)
    means = []
    for number, size in enumerate([sizes[1]] * sizes[0] + [sizes[2]]):
        tasks = distribution.sample(size, training if number < sizes[0] else testing)
        trial = rollout(agent, env, tasks, policy_generator=policy, env_generator=luck)
        means.append(trial.trial_return(expected=True).mean())
    return torch.stack(means[:-1]), float(means[-1])


# --------------------------------------------------------------------------------------- normalised_score


def _compare_scores(report: Report, what: str, got: Any, expected: dict[str, float]) -> None:
    if isinstance(got, dict):
        got = {name: report.number(f"{what}[{name!r}]", value) for name, value in got.items()}
    report.close(what, got, expected, atol=1e-5)


def normalised_score(student: Handle, report: Report) -> None:
    """The table of the text; then greedy in random's place."""
    scores = {
        "random": torch.tensor([4.0, 6.0]),
        "RL²": torch.tensor([5.0, 7.5]),
        "greedy": torch.tensor([6.0, 7.0]),
        "optimal": torch.tensor([6.5, 7.5]),
        "told the task": torch.tensor([9.0, 8.0]),
        "worst arm": torch.tensor([2.0, 3.0]),
    }
    what = 'normalised_score(scores, "random", "optimal") of the table in the text'
    expected = {"random": 0.0, "RL²": 0.625, "greedy": 0.75, "optimal": 1.0, "told the task": 1.75, "worst arm": -1.25}
    got = student.call("normalised_score", scores, "random", "optimal")
    _compare_scores(report, what, got, expected)
    report.note("RL²: (6.25 - 5) / (7 - 5) = 0.625; told the task: 1.75, above the reference and so above 1")

    what = 'normalised_score(scores, "greedy", "optimal"): the part that exploration earns'
    got = student.call("normalised_score", scores, "greedy", "optimal")
    expected = {"random": -3.0, "RL²": -0.5, "greedy": 0.0, "optimal": 1.0, "told the task": 4.0, "worst arm": -8.0}
    _compare_scores(report, what, got, expected)
    report.note("with greedy in random's place the same number says what exploration earns")


# --------------------------------------------------------------------------------------- imitate


def trials_to_imitate(generator: torch.Generator, num_arms: int, shape: tuple[int, int]) -> Trajectory:
    """Return trials of a bandit, of different lengths, whoever played them."""
    size, steps = shape
    lengths = torch.randint(2, steps + 1, (size,), generator=generator)
    lengths[0] = steps
    mask = torch.arange(steps) < lengths[:, None]
    return Trajectory(
        observation=torch.zeros(size, steps, 1),
        action=torch.randint(num_arms, shape, generator=generator) * mask,
        reward=torch.randint(2, shape, generator=generator).float() * mask,
        episode_end=mask.clone(),
        timed_out=torch.zeros_like(mask),
        trial_end=torch.arange(steps) == lengths[:, None] - 1,
        mask=mask,
    )


def _imitation_loss(policy: RecurrentPolicy, teacher: CountingAgent, trial: Trajectory) -> Tensor:
    """Return the loss of a policy that imitates a teacher without luck."""
    inputs, unused = trial.step_inputs(), torch.Generator()
    state, labels = teacher.initial_state(len(trial.mask)), []
    for t in range(trial.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), unused)
        labels.append(action)
    log_prob = policy.unroll(inputs)[0].log_softmax(-1).gather(-1, torch.stack(labels, dim=1)[..., None])[..., 0]
    return -log_prob[trial.mask].mean()


class ImitationBench:
    """A learner's `imitate` on a library policy whose weights we know.

    Args:
        student: the handle.
        seed: of the policy's weights.
        num_arms: K.
        hidden_size: H.
    """

    def __init__(self, student: Handle, seed: int, num_arms: int, hidden_size: int = 6) -> None:
        self.student = student
        shape = ((1,), num_arms, hidden_size)
        self.policy = RecurrentPolicy(*shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            self.policy.head.weight.mul_(4.0)  # decided enough that inputs make a difference
        self.inside: Ref = student.keep(Lib("rl2lib.agents.recurrent.RecurrentPolicy", *shape, generator=Generator(0)))
        student.load_state_dict(self.inside, self.policy.state_dict())

    def loss(self, teacher: Lib, trial: Trajectory) -> Any:
        """Call the learner's function."""
        return self.student.call("imitate", self.inside, teacher, trial, Generator(1))

    def gradient(self, teacher: Lib, trial: Trajectory) -> dict[str, Tensor | None]:
        """Return its gradient in the policy's weights, by name."""
        arguments = (self.inside, teacher, trial, Generator(1))
        return dict(self.student.grad("imitate", arguments, [self.inside])[0])


def imitate(student: Handle, report: Report) -> None:
    """A greedy teacher beside trials that somebody else played, of different lengths; then where the gradient goes."""
    bench = ImitationBench(student, seed=2, num_arms=3)
    trial = trials_to_imitate(torch.Generator().manual_seed(3), 3, (6, 5))
    teacher = Lib("rl2lib.agents.bandit.Greedy", 3)
    loss = _imitation_loss(bench.policy, Greedy(3), trial)
    what = "imitate with a greedy teacher, on six trials of two to five pulls that somebody else played"
    got = bench.loss(teacher, trial)
    if isinstance(got, float):
        report.fail(what, "a scalar tensor", "a float", cause="Gradient must flow: leave out `.item()`.")
    report.close(what, got, loss.detach(), atol=1e-5)
    report.note("the teacher is told what was played, and says what it would have done")
    report.note("the student reads the same inputs, and nothing of the teacher's choice")

    gradient = bench.gradient(teacher, trial)
    expected = torch.autograd.grad(loss, list(bench.policy.parameters()))
    names = [name for name, _ in bench.policy.named_parameters()]
    for name, value in zip(names, expected, strict=True):
        report.gradient(f"the gradient of imitate in {name}", gradient[name], value, atol=1e-5)
    report.note("gradient reaches every weight of the student")


# --------------------------------------------------------------------------------------- dependent_bandit


def dependent_bandit(student: Handle, report: Report) -> None:
    """The example of the text beside arms that were never pulled; then a bandit that nobody touched."""
    successes = torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 4.0]])
    failures = torch.tensor([[1.0, 2.0], [0.0, 0.0], [5.0, 1.0]])
    what = "dependent_bandit of successes ((3, 0), (0, 2), (1, 4)) and failures ((1, 2), (0, 0), (5, 1))"
    expected = torch.tensor([[0.75, 0.25], [0.25, 0.75], [3 / 13, 10 / 13]])
    got = student.call("dependent_bandit", successes, failures)
    report.close(what, got, expected)
    report.note("three successes of arm 0 and two failures of arm 1: five pulls of six speak for p")
    nothing = torch.zeros(2, 2)
    got = student.call("dependent_bandit", nothing, nothing)
    report.close("dependent_bandit before any pull", got, torch.full((2, 2), 0.5))
    report.note("before any pull both means are a half")


# --------------------------------------------------------------------------------------- eleven_arms


def _search_value(num_pulls: int) -> float:
    """What trying the ten candidates one after the other earns, staying with the target once it is found."""
    worth = [(j - 1) + 5 * (num_pulls - j + 1) if j <= num_pulls else num_pulls for j in range(1, 11)]
    return sum(worth) / 10


def eleven_arms(student: Handle, report: Report) -> None:
    """The corners by hand, then points between, other lengths, and the derivatives."""
    corners = {
        (1.0, 1.0): (20.55, "pays and reads rightly: .55 + 4 · 5"),
        (0.0, 0.3): (11.0, "never pays: it searches"),
        (1.0, 0.0): (4.55, "pays and always misreads: .55 + 4 · 1"),
    }
    for (sure, right), (expected, words) in corners.items():
        arguments = (torch.tensor([sure]), torch.tensor([right]))
        got = student.call("eleven_arms", *arguments, 5)
        what = f"eleven_arms(pay=({sure:g}), read=({right:g}), 5)"
        report.close(what, got, torch.tensor([expected]), atol=1e-5)
        report.note(f"{words}: {expected:g}")
    pay, read = torch.tensor([0.1, 0.5, 0.9]), torch.tensor([0.1, 0.5, 0.4])
    for num_pulls in (5, 2, 12):
        informed = 0.55 + (num_pulls - 1) * (1 + 4 * read)
        wanted = pay * informed + (1 - pay) * _search_value(num_pulls)
        what = f"eleven_arms(pay=(.1, .5, .9), read=(.1, .5, .4), {num_pulls})"
        got = student.call("eleven_arms", pay, read, num_pulls)
        report.close(what, got, wanted, atol=1e-5)
    gradient = student.grad("eleven_arms", (pay, read, 5), [0, 1], cotangent=torch.ones(3))
    slopes = (0.55 + 4 * (1 + 4 * read) - 11.0, 16 * pay)
    for name, found, slope in zip(("pay", "read"), gradient, slopes, strict=True):
        missing = "none: use tensor arithmetic, no float() or item()"
        report.gradient(f"the gradient of eleven_arms in {name}", found, slope, atol=1e-4, missing=missing)
    report.note("and it can be differentiated: the section's arrows are these gradients")
