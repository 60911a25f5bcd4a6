"""Every agent by its id, played a trial where it belongs."""

import pytest

from rl2lib.agents.catalogue import AGENTS, make_agent
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.catalogue import make_task
from rl2lib.tasks.sampling import make_generators

ARMS = {"num_arms": 3}
SIZES = {"num_states": 10, "num_actions": 5, "horizon": 10}
BANDIT = ("independent-bandits", {"num_arms": 3, "num_pulls": 4})
SETTINGS = {
    "gittins": (BANDIT, ARMS | {"num_pulls": 4}),
    "finite-horizon-gittins": (BANDIT, ARMS | {"num_pulls": 4}),
    "bayes-optimal": (BANDIT, ARMS | {"num_pulls": 4}),
    "bandit-oracle": (BANDIT, {}),
    "dependent-bandit-optimal": (("two-point-bandits", {}), None),
    "corridor-optimal": (("corridor", {}), {}),
    "corridor-oracle": (("corridor", {}), {}),
    "two-step-optimal": (("two-step", {"episodes_per_trial": 3}), {"episodes_per_trial": 3}),
    "two-step-model-free": (("two-step", {"episodes_per_trial": 3}), {}),
    "harlow-optimal": (("harlow", {}), {}),
    "mdp-oracle": (("random-mdps", {"episodes_per_trial": 2}), {"horizon": 10}),
}
MDP_AGENTS = ("mdp-greedy", "mdp-epsilon-greedy", "psrl", "opsrl", "beb", "ucrl2", "transition-blind")
SETTINGS |= {name: (("random-mdps", {"episodes_per_trial": 2}), SIZES) for name in MDP_AGENTS}


@pytest.mark.parametrize("agent_id", AGENTS)
def test_every_agent_plays(agent_id: str) -> None:
    (task_id, task_options), options = SETTINGS.get(agent_id, (BANDIT, ARMS))
    distribution, env = make_task(task_id, **task_options)
    if options is None:
        options = {"distribution": distribution, "num_pulls": 10}
    tasks = distribution.sample(6, make_generators(0, "tasks")["tasks"])
    trajectory = play(make_agent(agent_id, **options), env, tasks, seed=0)
    assert trajectory.mask[:, 0].all() and bool(trajectory.trial_end.any(dim=1).all())


def test_unknown_ids_and_options_are_met_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"got 'tompson'; did you mean 'thompson'\?"):
        make_agent("tompson", num_arms=3)
    with pytest.raises(ValueError, match=r"got 'zzz'; there are random, greedy"):
        make_agent("zzz")
    with pytest.raises(TypeError, match=r"ucb1: no option is called 'num_arm'; did you mean 'num_arms'\?"):
        make_agent("ucb1", num_arm=3)
    with pytest.raises(TypeError, match="psrl: expected num_states, num_actions, horizon to be given"):
        make_agent("psrl")
