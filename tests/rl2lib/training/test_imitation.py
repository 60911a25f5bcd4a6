from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.bandit import Oracle, Thompson
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.imitation import Imitation, ImitationConfig, label, label_ties
from rl2lib.training.losses import imitation_loss
from rl2lib.types import Policy, StepInput, Trajectory

ARMS, PULLS, TRIALS = 3, 5, 40
TEACHERS: list[Policy[Any]] = [BayesOptimal(ARMS, PULLS), Thompson(ARMS), Oracle()]


def make_student() -> RecurrentPolicy:
    return RecurrentPolicy((1,), ARMS, 8, generator=torch.Generator().manual_seed(0))


def played(player: Policy[Any]) -> tuple[Trajectory, Tensor]:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(ARMS).sample(TRIALS, g["tasks"])
    env = BanditEnv(ARMS, PULLS)
    return rollout(player, env, tasks, policy_generator=g["policy"], env_generator=g["env"]), tasks


@pytest.mark.parametrize(
    "teacher", [BayesOptimal(ARMS, PULLS), Thompson(ARMS), Oracle()], ids=lambda t: type(t).__name__
)
def test_a_teachers_labels_on_its_own_trials_are_its_actions(teacher: Policy[Any]) -> None:
    trials, tasks = played(teacher)
    again = make_generators(0, "policy")["policy"]  # the draws it made when it played
    assert torch.equal(label(teacher, trials, tasks, again), trials.action)


def test_labels_follow_what_was_played_and_not_what_the_teacher_would_have_played() -> None:
    class PlaysTheLastArmThatPaid:
        def initial_state(self, batch_size: int, tasks: Any = None) -> Tensor:
            assert tasks is None
            return torch.zeros(batch_size, dtype=torch.int64)

        def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
            state = torch.where(inputs.prev_reward > 0, inputs.prev_action, state)
            return state, state

    action = torch.tensor([[2, 1, 0, 0], [1, 2, 2, 0]])
    reward = torch.tensor([[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]])
    mask = torch.tensor([[True] * 4, [True, True, True, False]])
    blank = torch.zeros_like(mask)
    trials = Trajectory(torch.zeros(2, 4, 1), action, reward, ~blank, blank, blank, mask)
    found = label(PlaysTheLastArmThatPaid(), trials, torch.ones(2, 3), torch.Generator())
    assert found.tolist() == [[0, 0, 1, 1], [0, 1, 1, 0]], "a step beyond the trial's end has no label"


def test_the_loss_is_the_cross_entropy_by_hand_and_ties_share() -> None:
    prob = torch.tensor([[[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]]])
    mask = torch.tensor([[True, True, False]])
    one = torch.tensor([[[True, False, False], [False, False, True], [True, False, False]]])
    log = torch.tensor
    expected = -(log(0.7).log() + log(0.4).log()) / 2
    torch.testing.assert_close(imitation_loss(prob.log() + 5, one, mask), expected)
    two = torch.tensor([[[True, True, False], [False, False, True], [True, False, False]]])
    torch.testing.assert_close(imitation_loss(prob.log(), two, mask), -(log(0.9).log() + log(0.4).log()) / 2)
    logits = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(5, (4, 3), generator=torch.Generator().manual_seed(0))
    accepted = torch.nn.functional.one_hot(labels, 5).bool()
    reference = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(imitation_loss(logits, accepted, torch.ones(4, 3).bool()), reference)


def test_an_update_follows_the_cross_entropy_of_the_teachers_labels() -> None:
    student, teacher = make_student(), BayesOptimal(ARMS, PULLS)
    trials, tasks = played(student)
    labels = label(teacher, trials, tasks, torch.Generator())
    logits, _ = student.unroll(trials.step_inputs())
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    expected = torch.autograd.grad(loss, list(student.parameters()))
    learner = Imitation(student, teacher, ImitationConfig(max_grad_norm=1e9, minibatch_trials=TRIALS))
    metrics = learner.update(trials, tasks, progress=0.0, generator=torch.Generator())
    torch.testing.assert_close([p.grad for p in student.parameters()], list(expected))
    assert metrics["cross_entropy"] == pytest.approx(loss.item(), rel=1e-5)
    assert metrics["agreement"] == pytest.approx((logits.argmax(-1) == labels).float().mean().item())


def test_who_plays_is_the_configs_choice() -> None:
    student, teacher = make_student(), BayesOptimal(ARMS, PULLS)
    assert Imitation(student, teacher, ImitationConfig(player="student")).player is student
    assert Imitation(student, teacher, ImitationConfig(player="teacher")).player is teacher
    with pytest.raises(ValueError, match='player: expected "teacher" or "student"'):
        Imitation(student, teacher, ImitationConfig(player="both"))  # type: ignore[arg-type]


def test_ties_are_all_that_the_teacher_calls_optimal() -> None:
    teacher = BayesOptimal(ARMS, PULLS)
    trials, tasks = played(teacher)
    ties = label_ties(teacher, trials, tasks, torch.Generator())
    assert ties.shape == (TRIALS, PULLS, ARMS) and bool(ties[:, 0].all()), "nothing is known: any arm will do"
    assert bool(ties.gather(-1, trials.action[..., None]).all()) and not bool(ties.all())
    learner = Imitation(make_student(), teacher, ImitationConfig(accept_ties=True, epochs=60, learning_rate=0.03))
    metrics = learner.update(trials, tasks, progress=0.0, generator=torch.Generator().manual_seed(0))
    assert metrics["agreement"] > 0.8
    with pytest.raises(ValueError, match="accept_ties: Thompson has no optimal_actions"):
        Imitation(make_student(), Thompson(ARMS), ImitationConfig(accept_ties=True))
