import pytest
import torch

from rl2lib.types import StepInput, Trajectory, expect_kind, expect_shape


def two_trials() -> Trajectory:
    """Trials of three and two steps; the first has an episode's end in its middle."""
    ends = torch.tensor([[False, True, True], [False, True, False]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    return Trajectory(
        observation=torch.arange(6.0).reshape(2, 3, 1),
        action=torch.tensor([[2, 1, 0], [1, 2, 0]]),
        reward=torch.tensor([[0.5, 1.0, -1.0], [2.0, 3.0, 0.0]]),
        episode_end=ends,
        timed_out=torch.zeros_like(ends),
        trial_end=torch.tensor([[False, False, True], [False, True, False]]),
        mask=mask,
        expected_reward=torch.tensor([[0.25, 0.5, 0.0], [1.0, 1.0, 0.0]]),
    )


def test_a_trials_first_input_is_all_placeholders() -> None:
    first = StepInput.first(torch.tensor([[3.0], [4.0]]))
    assert first.observation.tolist() == [[3.0], [4.0]]
    assert first.prev_action.tolist() == [0, 0] and first.prev_action.dtype == torch.int64
    assert first.prev_reward.tolist() == [0.0, 0.0] and first.prev_end.tolist() == [0.0, 0.0]


def test_step_inputs_are_the_trajectory_one_step_late() -> None:
    inputs = two_trials().step_inputs()
    assert inputs.observation[0, :, 0].tolist() == [0.0, 1.0, 2.0]
    assert inputs.prev_action.tolist() == [[0, 2, 1], [0, 1, 2]]
    assert inputs.prev_reward.tolist() == [[0.0, 0.5, 1.0], [0.0, 2.0, 3.0]]
    assert inputs.prev_end.tolist() == [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    assert inputs.prev_end.dtype == torch.float32


def test_trial_return_sums_sampled_or_expected_rewards() -> None:
    assert two_trials().trial_return().tolist() == [0.5, 5.0]
    assert two_trials().trial_return(expected=True).tolist() == [0.75, 2.0]
    with pytest.raises(ValueError, match="does not tell"):
        two_trials()._replace(expected_reward=None).trial_return(expected=True)


def test_select_takes_whole_trials_in_the_given_order() -> None:
    swapped = two_trials().select(torch.tensor([1, 0, 1]))
    assert swapped.action[:, 0].tolist() == [1, 2, 1]
    assert two_trials()._replace(expected_reward=None).select(torch.tensor([0])).expected_reward is None


def test_a_wrong_shape_is_told_with_both_shapes_and_the_likely_cause() -> None:
    with pytest.raises(ValueError, match=r"reward: expected \[B, T\] = \(2, 3\), got \(3, 2\); .*batch-first"):
        expect_shape("reward", torch.zeros(3, 2), "[B, T]", (2, 3))
    with pytest.raises(ValueError, match=r"got \(4,\)$"):
        expect_shape("reward", torch.zeros(4), "[B, T]", (2, 3))


def test_what_must_be_of_a_class_is_returned_or_named() -> None:
    assert expect_kind("steps", 3, int) == 3
    with pytest.raises(TypeError, match=r"steps: expected a int, got str"):
        expect_kind("steps", "3", int)
