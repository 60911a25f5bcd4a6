"""Learning by imitation: cross-entropy on what a teacher would have done at every step of a trial.

A teacher is any policy: an index, a belief's optimal play, posterior sampling, an oracle that is told the task.
The student sees the step inputs only, so what it can learn from a teacher who knows more is the best guess at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.nested import select_rows, shuffled_rows
from rl2lib.training.learner import Learner, descend
from rl2lib.training.losses import entropy, imitation_loss, masked_mean
from rl2lib.training.schedules import Schedule, as_schedule
from rl2lib.training.truncation import unroll
from rl2lib.types import Policy, StepInput, TellsTies, Trajectory, as_agent


@dataclass(frozen=True)
class ImitationConfig:
    """Settings of imitation.

    Attributes:
        player: who plays the trials. "teacher": behaviour cloning, which never shows the student where its own
            mistakes lead; "student": DAgger, where the teacher says what it would have done there.
        accept_ties: accept every action that the teacher calls optimal (`optimal_actions`), not only its choice.
        epochs: passes over a batch of trials.
        minibatch_trials: whole trials in a minibatch.
        learning_rate: of Adam; a bare number falls linearly to zero over training.
        max_grad_norm: gradients are clipped to this norm.
        bptt_steps: how far back a gradient may go; None: to the trial's start.
    """

    player: Literal["teacher", "student"] = "student"
    accept_ties: bool = False
    epochs: int = 1
    minibatch_trials: int = 128
    learning_rate: Schedule | float = 1e-3
    max_grad_norm: float = 1.0
    bptt_steps: int | None = None


class _Lesson(NamedTuple):
    inputs: StepInput
    labels: Tensor  # [B, T] int64, or [B, T, A] bool where ties are accepted
    mask: Tensor


class Imitation(Learner):
    """Behaviour cloning or DAgger (Ross et al. 2011), on fresh trials at every iteration: none is kept.

    Args:
        policy: the student.
        teacher: whom it imitates; it is handed the tasks if it sees them.
        config: the settings.

    Raises:
        ValueError: if there is no such player, or ties are wanted of a teacher that cannot tell them.
    """

    def __init__(self, policy: SoftmaxPolicy, teacher: Policy[Any], config: ImitationConfig) -> None:
        if config.player not in ("teacher", "student"):
            raise ValueError(f'player: expected "teacher" or "student", got {config.player!r}')
        if config.accept_ties and not isinstance(teacher, TellsTies):
            raise ValueError(f"accept_ties: {type(teacher).__name__} has no optimal_actions; set accept_ties=False")
        self.policy, self.teacher, self.config = policy, teacher, config
        self.rates = {"policy": as_schedule(config.learning_rate)}
        self.modules: dict[str, nn.Module] = {"policy": policy}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "policy": torch.optim.Adam(policy.parameters(), self.rates["policy"](0.0))
        }

    @property
    def player(self) -> Policy[Any]:
        """Teacher or student; the history's returns are the player's."""
        return self.teacher if self.config.player == "teacher" else self.policy

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take `epochs` passes over the trials, relabelled by the teacher; see `Learner.update`.

        The history's "agreement" is how often the student's likeliest action is one that the teacher accepts.
        """
        config = self.config
        self.anneal(progress)
        lesson = _Lesson(trajectory.step_inputs(), self._labels(trajectory, tasks, generator), trajectory.mask)
        minibatches = shuffled_rows(len(lesson.mask), config.epochs, config.minibatch_trials, generator)
        steps = [self._step(select_rows(lesson, rows)) for rows in minibatches]
        cross_entropy, agreement, spread = torch.stack(steps).mean(dim=0).tolist()
        return {"cross_entropy": cross_entropy, "agreement": agreement, "entropy": spread}

    def _labels(self, trajectory: Trajectory, tasks: Any, generator: torch.Generator) -> Tensor:
        if isinstance(self.teacher, TellsTies) and self.config.accept_ties:
            return label_ties(self.teacher, trajectory, tasks, generator)
        if self.config.player == "teacher":
            return trajectory.action  # it has said already what it would do
        return label(self.teacher, trajectory, tasks, generator)

    def _step(self, few: _Lesson) -> Tensor:
        logits = unroll(self.policy, few.inputs, self.config.bptt_steps)
        ties = few.labels.dtype == torch.bool
        accepted = few.labels if ties else nn.functional.one_hot(few.labels, logits.shape[-1]).bool()
        loss = imitation_loss(logits, accepted, few.mask)
        descend(loss, "policy", self.policy, self.optimisers["policy"], self.config.max_grad_norm)
        logits = logits.detach()
        agrees = accepted.gather(-1, logits.argmax(dim=-1, keepdim=True)).squeeze(-1)
        return torch.stack([loss.detach(), masked_mean(agrees.to(loss.dtype), few.mask), entropy(logits, few.mask)])


def label(teacher: Policy[Any], trajectory: Trajectory, tasks: Any, generator: torch.Generator) -> Tensor:
    """Return what a teacher would have done at every step of given trials, [B, T] int64.

    Its state is replayed over the trials' step inputs: it is told what was played and what came of it, and its
    own choices go nowhere. Zero beyond a trial's end.

    Args:
        teacher: handed the tasks if it sees them.
        trajectory: whole trials, whoever played them.
        tasks: the tasks they were played on.
        generator: the teacher's randomness.
    """
    actions = [action for action, _ in _replay(teacher, trajectory, tasks, generator)]
    return torch.stack(actions, dim=1) * trajectory.mask


def label_ties(teacher: TellsTies[Any], trajectory: Trajectory, tasks: Any, generator: torch.Generator) -> Tensor:
    """Return all actions that a teacher calls optimal at every step of given trials, [B, T, A] bool.

    Args:
        teacher: as for `label`.
        trajectory: as for `label`.
        tasks: as for `label`.
        generator: as for `label`.
    """
    sets = [teacher.optimal_actions(state) for _, state in _replay(teacher, trajectory, tasks, generator)]
    return torch.stack(sets, dim=1)


@torch.no_grad()
def _replay(
    teacher: Policy[Any], trajectory: Trajectory, tasks: Any, generator: torch.Generator
) -> Iterator[tuple[Tensor, Any]]:
    inputs = trajectory.step_inputs()
    agent = as_agent(teacher)
    state = agent.initial_state(len(trajectory.mask), tasks if agent.sees_task else None)
    for t in range(trajectory.mask.shape[1]):
        action, state = agent.act(state, StepInput(*(part[:, t] for part in inputs)), generator)
        yield action, state
