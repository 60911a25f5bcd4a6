import pytest

from rl2lib.agents.optimism import UCRL2
from rl2lib.agents.posterior import FLAT, NO_PRIOR, TABULARL, TRUE_PRIOR
from rl2lib.agents.tabular import OPSRL, EpsilonGreedy
from rl2lib.agents.tabular_variants import GRIDS, TUNED, VARIANTS, Scalings, Variant, tabular_agents
from rl2lib.evaluation.evaluate import Comparison, evaluate
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.types import Policy


def test_the_published_column_is_the_classes_own() -> None:
    agents = tabular_agents("as published")
    assert list(agents) == ["PSRL", "OPSRL", "UCRL2", "BEB", "ε-greedy", "Greedy"]
    assert [agent.prior for agent in agents.values()] == [TABULARL, TABULARL, NO_PRIOR, TABULARL, FLAT, FLAT]
    assert {agent.update for agent in agents.values()} == {"episode"}
    ucrl2 = agents["UCRL2"]
    assert isinstance(ucrl2, UCRL2) and ucrl2.compounding


@pytest.mark.parametrize(("variant", "update"), [("true prior", "episode"), ("true prior, every step", "step")])
def test_the_other_columns_have_the_true_prior(variant: Variant, update: str) -> None:
    agents = tabular_agents(variant, 4, 3, 6)
    assert ("PSRL" in agents) == ("OPSRL" in agents) == (update == "episode"), "samplers keep to their sample"
    assert {"UCRL2", "BEB", "ε-greedy", "Greedy", "Transition-blind"} <= set(agents)
    for agent in agents.values():
        assert agent.prior == TRUE_PRIOR and agent.update == update
        assert (agent.num_states, agent.num_actions, agent.horizon) == (4, 3, 6)


def test_every_grid_reaches_the_agent_it_is_for() -> None:
    attribute = {"OPSRL": "num_samples", "UCRL2": "scaling", "BEB": "scaling", "ε-greedy": "epsilon"}
    for label, (field, values) in GRIDS.items():
        for value in (values[1], values[-1]):
            agent = tabular_agents("true prior", scalings=Scalings()._replace(**{field: value}))[label]
            assert getattr(agent, attribute.get(label, "c")) == value, label
    assert {field for field, _ in GRIDS.values()} == set(Scalings._fields)
    for label, size in {"OPSRL": 20, "UCRL2": 21, "BEB": 21, "ε-greedy": 10}.items():
        assert len(GRIDS[label][1]) == size, "as in the published search"


def test_what_is_tuned_lies_on_the_grids() -> None:
    assert tuple(TUNED) == VARIANTS
    for scalings in TUNED.values():
        for field, values in GRIDS.values():
            assert getattr(scalings, field) in values
    agents = tabular_agents("as published")
    opsrl, greedy = agents["OPSRL"], agents["ε-greedy"]
    assert isinstance(opsrl, OPSRL) and opsrl.num_samples == TUNED["as published"].num_samples
    assert isinstance(greedy, EpsilonGreedy) and greedy.epsilon == TUNED["as published"].epsilon


def test_another_column_is_refused() -> None:
    with pytest.raises(ValueError, match="variant: expected one of 'as published', 'true prior'"):
        tabular_agents("published")  # type: ignore[arg-type]


BETTER = ["UCRL2", "BEB", "ε-greedy", "Greedy", "Transition-blind"]


@pytest.fixture(scope="module")
def columns() -> dict[str, Comparison]:
    tasks = RandomMDPs().sample(500, make_generators(79, "tasks")["tasks"])
    env, results = TabularEnv(episodes_per_trial=10), {}
    for variant in VARIANTS:
        agents: dict[str, Policy] = dict(tabular_agents(variant))
        if variant != "as published":
            agents = {label: agents[label] for label in BETTER}  # the samplers take longest and are not looked at
        results[variant] = evaluate(agents, env, tasks, seed=0)
    return results


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "expected"),
    # Duan et al. 2016, table 2, n = 10; errors .8
    [("PSRL", 138.1), ("OPSRL", 144.1), ("UCRL2", 146.6), ("BEB", 150.2), ("ε-greedy", 132.8), ("Greedy", 134.8)],
)
def test_as_published(columns: dict[str, Comparison], label: str, expected: float) -> None:
    assert columns["as published"][label].score.mean == pytest.approx(expected, abs=4)  # three standard errors of both


@pytest.mark.slow
def test_the_true_prior_helps_and_so_does_planning_every_step(columns: dict[str, Comparison]) -> None:
    published, true_prior, every_step = (columns[variant] for variant in VARIANTS)
    for label in BETTER[:-1]:
        gains = [
            true_prior.scores[label] - published.scores[label],
            every_step.scores[label] - true_prior.scores[label],
        ]
        for gain in gains:
            assert gain.mean() > 2 * gain.std() / len(gain) ** 0.5, label
    assert every_step["Transition-blind"].score.mean > max(published[label].score.mean for label in published.scores)
