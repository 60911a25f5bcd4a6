from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from rl2lib.evaluation.evaluate import play
from rl2lib.experiments.quickstart import SMOKE, QuickstartConfig, run
from rl2lib.experiments.recipes import (
    Recipe,
    equivariant_bandits,
    gru_bandit_n10,
    pair_memory_mdps,
    planning_mdps,
)
from rl2lib.training.loop import TrainingConfig, train

RECIPES: dict[str, Callable[[int], Recipe]] = {
    "gru": gru_bandit_n10,
    "gru, critic told": lambda seed: gru_bandit_n10(seed, critic_sees_task=True),
    "equivariant": lambda seed: equivariant_bandits(10, 4, seed),
    "pair memory": lambda seed: pair_memory_mdps(2, seed),
    "planning": lambda seed: planning_mdps(2, seed=seed),
    "planning at every step": lambda seed: planning_mdps(2, "step", seed),
}


def small(recipe: Recipe, iterations: int = 2) -> Recipe:
    return replace(recipe, training=TrainingConfig(iterations, 16), ppo=replace(recipe.ppo, epochs=1))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_its_policy(name: str) -> None:
    recipe = small(RECIPES[name](0))
    before = {key: value.clone() for key, value in recipe.policy.state_dict().items()}
    training = train(recipe.learner(), recipe.distribution, recipe.env, recipe.training)
    assert len(training.history["trial_return"]) == 2
    changed = [key for key, value in recipe.policy.state_dict().items() if not torch.equal(value, before[key])]
    assert len(changed) >= len(before) - 1, "the planner's last bias shifts all values alike"
    if hasattr(recipe.baseline, "fit"):
        assert recipe.baseline.state_dict()["weight"].any()


@pytest.mark.parametrize("name", RECIPES)
def test_a_seed_fixes_the_weights_and_the_run(name: str) -> None:
    first, again, other = (RECIPES[name](seed) for seed in (3, 3, 4))
    assert first.training == again.training and first.training.seed == 3 and other.training.seed == 4
    weights, same, different = (torch.cat([p.flatten() for p in r.policy.parameters()]) for r in (first, again, other))
    assert torch.equal(weights, same) and not torch.equal(weights, different)


def test_the_grus_recipe_is_the_quickstart() -> None:
    config = QuickstartConfig()
    recipe = gru_bandit_n10()
    assert recipe.ppo == config.ppo
    assert (recipe.training.iterations, recipe.training.trials_per_iteration) == (150, 1024)
    quick = replace(SMOKE, hidden_size=64, iterations=1, num_test_tasks=16, trials_per_iteration=64)
    recipe = replace(recipe, ppo=quick.ppo, training=TrainingConfig(1, 64, quick.seed))
    train(recipe.learner(), recipe.distribution, recipe.env, recipe.training)
    expected = run(quick, progress=False).policy.state_dict()
    for key, value in recipe.policy.state_dict().items():
        torch.testing.assert_close(value, expected[key])


@pytest.mark.parametrize("name", ["equivariant", "pair memory", "planning"])
def test_a_killed_run_of_a_structured_policy_resumes_with_the_same_weights(name: str, tmp_path) -> None:
    """The fitted baseline and the state of the loop come back from the checkpoint."""
    whole = small(RECIPES[name](0), iterations=4)
    train(whole.learner(), whole.distribution, whole.env, whole.training)
    every = replace(whole.training, checkpoint_every=2)
    cut = replace(small(RECIPES[name](0)), training=every)
    learner = cut.learner()
    update, calls = learner.update, []

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return update(*args, **kwargs)

    learner.update = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        train(learner, cut.distribution, cut.env, cut.training, folder=tmp_path)
    resumed = replace(small(RECIPES[name](1)), training=every)
    train(resumed.learner(), resumed.distribution, resumed.env, resumed.training, folder=tmp_path)
    for key, value in resumed.policy.state_dict().items():
        assert torch.equal(value, whole.policy.state_dict()[key]), key


@pytest.mark.slow
def test_the_equivariant_policy_is_ahead_of_chance_in_seconds() -> None:
    recipe = equivariant_bandits(10, 5)
    recipe = replace(recipe, training=TrainingConfig(iterations=25, trials_per_iteration=128))
    train(recipe.learner(), recipe.distribution, recipe.env, recipe.training, threads=1)
    tasks = recipe.distribution.sample(2_000, torch.Generator().manual_seed(1))
    trajectory = play(recipe.policy.acting("greedy"), recipe.env, tasks, seed=0)
    assert trajectory.trial_return(expected=True).mean() > 5.5
