from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from rl2lib.agents.value_iteration import backward_induction, extended_value_iteration
from rl2lib.tasks import sampling


def random_mdps(num: int, states: int, actions: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    transition = sampling.dirichlet(torch.ones(num, states, actions, states), generator)
    return transition, torch.randn(num, states, actions, generator=generator)


def jar() -> tuple[torch.Tensor, torch.Tensor]:
    """Save or spend: saving pays 0 and moves to a state worth 5 once, spending pays 1 and stays; from there, back.

    With one step left spending is right, with two saving: no policy that ignores the time does both.
    """
    transition = torch.zeros(1, 2, 2, 2)
    transition[0, 0, 0, 0] = transition[0, 0, 1, 1] = 1.0
    transition[0, 1, :, 0] = 1.0
    return transition, torch.tensor([[[1.0, 0.0], [5.0, 5.0]]])


def test_a_chain_by_hand() -> None:
    values = backward_induction(*jar(), 3)
    assert values.tolist() == [[[[1, 0], [5, 5]], [[2, 5], [6, 6]], [[6, 6], [10, 10]]]]


def test_no_stationary_policy_earns_it() -> None:
    """In five steps: save, spend it, save, spend it, and with one step left spend."""
    transition, reward = jar()
    stationary = []
    for policy in product(range(2), repeat=2):
        state, earned = 0, 0.0
        for _ in range(5):
            earned += reward[0, state, policy[state]].item()
            state = int(transition[0, state, policy[state]].argmax())
        stationary.append(earned)
    assert max(stationary) == 10.0
    assert backward_induction(transition, reward, 5)[0, 4, 0].max().item() == 11.0


def test_values_equal_a_plain_recursion() -> None:
    transition, reward = random_mdps(2, 3, 2)

    def value(mdp: int, state: int, action: int, left: int) -> float:
        following = 0.0
        for other in range(3 if left else 0):
            best = max(value(mdp, other, a, left - 1) for a in range(2))
            following += transition[mdp, state, action, other].item() * best
        return reward[mdp, state, action].item() + following

    ours = backward_induction(transition, reward, 4)
    for mdp, left, state, action in product(range(2), range(4), range(3), range(2)):
        assert ours[mdp, left, state, action].item() == pytest.approx(value(mdp, state, action, left), abs=1e-5)


def test_rewards_may_depend_on_the_steps_left() -> None:
    transition, reward = random_mdps(2, 3, 2)
    bonus = torch.tensor([0.0, 10.0, 100.0])[None, :, None, None]
    with_bonus = backward_induction(transition, reward[:, None] + bonus, 3)
    plain = backward_induction(transition, reward, 3)
    expected = plain + torch.tensor([0.0, 10.0, 110.0])[None, :, None, None]
    torch.testing.assert_close(with_bonus, expected)


def test_optimism_by_hand() -> None:
    """P = (.5, .3, .2), the states worth 0, 1 and 2: a slack of .4 moves .2 from the first to the last."""
    transition = torch.tensor([0.5, 0.3, 0.2]).expand(1, 3, 1, 3)
    reward = torch.tensor([[[0.0], [1.0], [2.0]]])
    values = extended_value_iteration(transition, reward, torch.full((1, 3, 1), 0.4), 2)
    torch.testing.assert_close(values[0, 1, :, 0], torch.tensor([1.1, 2.1, 3.1]))
    everything = extended_value_iteration(transition, reward, torch.full((1, 3, 1), 3.0), 2)
    torch.testing.assert_close(everything[0, 1, :, 0], torch.tensor([2.0, 3.0, 4.0]))
    nothing = extended_value_iteration(transition, reward, torch.zeros(1, 3, 1), 5)
    torch.testing.assert_close(nothing, backward_induction(transition, reward, 5))


def test_optimism_is_the_linear_programmes_optimum() -> None:
    """Maximise q·v over distributions q with |q - p| ≤ slack, by SciPy."""
    transition, reward = random_mdps(3, 4, 2, seed=3)
    slack = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(1))
    values = extended_value_iteration(transition, reward, slack, 2)
    worth = reward.amax(dim=-1).numpy()
    for mdp, state, action in product(range(3), range(4), range(2)):
        p, eye = transition[mdp, state, action].numpy(), np.eye(4)
        # variables: q and the distances d ≥ |q - p|
        above = np.block([[eye, -eye], [-eye, -eye], [np.zeros(4), np.ones(4)]])
        solved = linprog(
            np.r_[-worth[mdp], np.zeros(4)],
            A_ub=above,
            b_ub=np.r_[p, -p, slack[mdp, state, action].item()],
            A_eq=np.r_[np.ones(4), np.zeros(4)][None],
            b_eq=[1.0],
        )
        expected = reward[mdp, state, action].item() - solved.fun
        assert values[mdp, 1, state, action].item() == pytest.approx(expected, abs=1e-5)


def test_compounding_is_the_same_backup_done_in_place() -> None:
    """Against a literal loop that keeps each moved distribution for the next backup, unless it collapsed."""
    transition, reward = random_mdps(2, 4, 2, seed=5)
    slack = 0.5 * torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(2))
    ours = extended_value_iteration(transition, reward, slack, 4, compounding=True)
    for mdp in range(2):
        kept = transition[mdp].double().numpy().copy()
        worth = np.zeros(4)
        for left in range(4):
            order = np.argsort(worth, kind="stable")
            values = np.zeros((4, 2))
            for state, action in product(range(4), range(2)):
                p = kept[state, action].copy()
                best, extra = order[-1], slack[mdp, state, action].item() / 2
                collapsed = p[best] + extra > 1
                if collapsed:
                    p = np.eye(4)[best]
                else:
                    p[best] += extra
                    for worst in order:
                        taken = min(p[worst], max(p.sum() - 1, 0.0))
                        p[worst] -= taken
                    kept[state, action] = p
                values[state, action] = reward[mdp, state, action].item() + p @ worth
            np.testing.assert_allclose(ours[mdp, left].numpy(), values, atol=1e-5)
            worth = values.max(axis=1)
    plain = extended_value_iteration(transition, reward, slack, 4)
    assert (ours[:, 2:] - plain[:, 2:]).abs().max() > 1e-3


def test_wrong_shapes_are_refused() -> None:
    transition, reward = random_mdps(2, 3, 2)
    with pytest.raises(ValueError, match=r"transition: expected \[B, S, A, S\]"):
        backward_induction(transition[..., :2], reward, 2)
    with pytest.raises(ValueError, match=r"reward: expected \[B, S, A\]"):
        backward_induction(transition, reward[..., :1], 2)
    with pytest.raises(ValueError, match=r"reward: expected \[B, T, S, A\]"):
        backward_induction(transition, reward[:, None], 2)
    with pytest.raises(ValueError, match="slack"):
        extended_value_iteration(transition, reward, reward[..., 0], 2)
    with pytest.raises(ValueError, match="num_steps"):
        backward_induction(transition, reward, 0)
