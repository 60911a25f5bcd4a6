import pytest
import torch

from rl2lib.agents.grid import GridSearcher, distances
from rl2lib.agents.grid_baseline import NUM_GRID_FEATURES, GridBaseline
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.catalogue import make_task
from rl2lib.tasks.gridworld import GridEnv
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import StepInput


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_features_by_hand() -> None:
    env = GridEnv(3, horizon=4, episodes_per_trial=2, random_start=True)
    distribution, _ = make_task("goal-grid", size=3)
    tasks = distribution.sample(1, generator())._replace(goal=torch.tensor([8]))
    cells = torch.tensor([[5, 4, 0, 7]])  # one episode times out after a step, the second finds the goal
    inputs = StepInput(
        torch.nn.functional.one_hot(cells, 9).to(torch.float32),
        torch.zeros(1, 4, dtype=torch.int64),
        torch.tensor([[0.0, -0.04, 0.96, -0.04]]),
        torch.tensor([[0.0, 1.0, 1.0, 0.0]]),
    )
    baseline = GridBaseline(env, 4, generator=generator())
    found = baseline.features(inputs, tasks)
    way = [1 / 3, 2 / 3, 4 / 3, 1 / 3]
    torch.testing.assert_close(found[0, :, 0], torch.tensor(way))
    assert found[0, :, 1].tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(found[0, :, 2], torch.tensor([0, 0, way[2], way[3]]))
    assert found[0, :, 3].tolist() == [0, 0, 0, 0.25]
    assert found[0, :, 4].tolist() == [1, 0.5, 0, 0]
    assert found.shape[-1] == NUM_GRID_FEATURES
    assert baseline.values(inputs, tasks).shape == (1, 4)
    with pytest.raises(ValueError, match="sees the task"):
        baseline.values(inputs)


def test_it_can_tell_the_return_of_whoever_walks_the_shortest_way() -> None:
    distribution, env = make_task("one-shot-navigation", size=5, horizon=60, episodes_per_trial=3)
    assert isinstance(env, GridEnv)
    tasks = distribution.sample(256, make_generators(0, "tasks")["tasks"])
    trials = play(GridSearcher(env), env, tasks, seed=0)
    baseline = GridBaseline(env, generator=generator())
    features = baseline.features(trials.step_inputs(), tasks)
    # in the last episode of a trial whose goal is known the return is linear in the way that is left
    last = (features[..., 1] == 1) & (features[..., 4] <= 1 / 3 + 1e-6) & (features[..., 4] > 1e-6) & trials.mask
    to_go = trials.reward.flip(1).cumsum(1).flip(1)
    way = distances(env)[tasks.goal[:, None], trials.observation.argmax(-1)]
    torch.testing.assert_close(to_go[last], 1 - 0.04 * way[last].to(torch.float32))
    torch.testing.assert_close(features[..., 0][last], way[last] / 5)
    assert not any(name.startswith("scaled") for name in baseline.state_dict())
