import pytest
import torch

from rl2lib.agents.harlow import HarlowOptimal
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.wang import HarlowEnv, HarlowTasks


@pytest.mark.parametrize("wrong_reward", [0.0, -1.0])
@pytest.mark.parametrize("image_size", [1, 8])
def test_one_guess_and_no_error_after_it(image_size: int, wrong_reward: float) -> None:
    tasks = HarlowTasks(image_size).sample(2_000, make_generators(0, "tasks")["tasks"])
    right = play(HarlowOptimal(), HarlowEnv(image_size, 10, wrong_reward=wrong_reward), tasks, seed=0).reward == 1
    assert bool(right[:, 1:].all())
    assert right[:, 0].double().mean().item() == pytest.approx(0.5, abs=0.045)


def test_the_guess_is_the_agents_own() -> None:
    tasks = HarlowTasks(2).sample(50, make_generators(0, "tasks")["tasks"])
    first = [play(HarlowOptimal(), HarlowEnv(2), tasks, seed=seed).action[:, 0] for seed in (0, 0, 1)]
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], first[2])
