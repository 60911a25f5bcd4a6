from typing import Any

import pytest
import torch

from rl2lib.agents.bandit import UCB1, Greedy, Oracle, Random, Thompson
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation.evaluate import Comparison, evaluate, play, scores
from rl2lib.evaluation.rows import Row
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import Step, Trajectory

ENV = BanditEnv(3, 8)
TASKS = IndependentBandits(3).sample(2_000, torch.Generator().manual_seed(0))


def test_rows_come_best_first_with_paired_differences() -> None:
    agents = {"random": Random(3), "greedy": Greedy(3), "oracle": Oracle()}
    result = evaluate(agents, ENV, TASKS, seed=0, random="random", reference="oracle")
    assert [row.agent for row in result.rows] == ["oracle", "greedy", "random"]
    torch.testing.assert_close(result.scores["oracle"], 8 * TASKS.amax(dim=1))
    told, greedy, random = result.rows
    assert greedy.behind == 0.0 and greedy.level_with_best, "the best of those who are not told the task"
    assert told.behind == pytest.approx(greedy.mean - told.mean) and not told.level_with_best
    assert random.behind == pytest.approx(greedy.mean - random.mean) and not random.level_with_best
    assert told.normalised is not None and told.normalised.mean == 1.0
    assert random.normalised is not None and random.normalised.mean == 0.0
    assert greedy.normalised is not None and greedy.normalised.mean == pytest.approx(
        (greedy.score.mean - random.score.mean) / (told.score.mean - random.score.mean)
    )


def test_where_everybody_is_told_the_task_one_of_them_is_the_best() -> None:
    assert evaluate({"oracle": Oracle()}, ENV, TASKS, seed=0)["oracle"].behind == 0.0


def test_expected_and_sampled_scores_share_a_mean_and_expected_ones_are_less_noisy() -> None:
    row = evaluate({"greedy": Greedy(3)}, ENV, TASKS, seed=0)["greedy"]
    sampled = mean_estimate(scores(Greedy(3), ENV, TASKS, seed=0, score=Trajectory.trial_return, chunk=None))
    assert row.score.standard_error < sampled.standard_error
    assert abs(row.score.mean - sampled.mean) < 4 * sampled.standard_error


def test_an_agents_result_does_not_depend_on_its_company() -> None:
    alone = evaluate({"thompson": Thompson(3)}, ENV, TASKS, seed=1)
    company = evaluate({"random": Random(3), "thompson": Thompson(3)}, ENV, TASKS, seed=1)
    assert torch.equal(alone.scores["thompson"], company.scores["thompson"])
    other = evaluate({"thompson": Thompson(3)}, ENV, TASKS, seed=2)
    assert not torch.equal(alone.scores["thompson"], other.scores["thompson"])


def test_two_names_for_one_agent_tie_exactly() -> None:
    result = evaluate({"one": UCB1(3), "two": UCB1(3)}, ENV, TASKS, seed=0)
    assert all(row.level_with_best and row.behind_se == 0.0 for row in result.rows)


def test_rows_say_how_actions_were_chosen_and_the_table_how_they_were_scored() -> None:
    policy = RecurrentPolicy((1,), 3, 4, generator=torch.Generator().manual_seed(0))
    agents = {"rnn greedy": policy.acting("greedy"), "rnn": policy, "ucb": UCB1(3)}
    result = evaluate(agents, ENV, TASKS, seed=0)
    assert {row.agent: row.actions for row in result.rows} == {
        "rnn greedy": "greedy",
        "rnn": "sampled",
        "ucb": "own rule",
    }
    table = result.table()
    assert "expected reward on the same 2,000 tasks" in table
    lines = table.splitlines()
    assert lines[2].startswith("| ucb") and "| best" in lines[2] and len({len(line) for line in lines[:5]}) == 1


def made() -> Comparison:
    """A comparison of given numbers: the second is level with the best, the third is not."""
    like: dict[str, Any] = {"mean": 6.61, "num_tasks": 10_000}
    rows = [
        Row("", "", "RL², greedy actions", actions="greedy", se=0.01, normalised_mean=1.0, behind=0.0, **like),
        Row("", "", "UCB1, c = 0.1", se=0.01, behind=0.01, behind_se=0.01, **like),
        Row("", "", "ε_greedy", se=0.01, behind=0.3, behind_se=0.1, **like),
    ]
    return Comparison(rows, {"RL², greedy actions": torch.zeros(10_000)}, "expected reward")


def test_the_table_reads_the_same_as_ever() -> None:
    lines = [
        "| agent               | actions  | trial return  | behind the best | normalised    |",
        "|---------------------|----------|---------------|-----------------|---------------|",
        "| RL², greedy actions | greedy   | 6.610 ± 0.020 | best            | 1.000 ± 0.000 |",
        "| UCB1, c = 0.1       | own rule | 6.610 ± 0.020 | 0.010 ± 0.020   |               |",
        "| ε_greedy            | own rule | 6.610 ± 0.020 | 0.300 ± 0.196   |               |",
        "",
        "Scored by expected reward on the same 10,000 tasks; ± is half a 95% interval.",
    ]
    assert made().table().split("\n") == lines
    assert made().table(bold=True).count("**6.610 ± 0.020**") == 2


def test_played_alone_it_plays_as_in_a_comparison() -> None:
    trajectory = play(Thompson(3), ENV, TASKS, seed=1)
    scores = evaluate({"random": Random(3), "thompson": Thompson(3)}, ENV, TASKS, seed=1).scores
    assert torch.equal(trajectory.trial_return(expected=True), scores["thompson"])
    assert not torch.equal(play(Thompson(3), ENV, TASKS, seed=2).action, trajectory.action)


def test_without_expected_rewards_it_scores_by_sampled_ones_and_says_so() -> None:
    class Silent(BanditEnv):
        def step(self, actions: torch.Tensor) -> Step:
            return super().step(actions)._replace(expected_reward=None)

    result = evaluate({"greedy": Greedy(3)}, Silent(3, 8), TASKS, seed=0)
    assert result.scored_by == "sampled reward"
    wanted = scores(Greedy(3), ENV, TASKS, seed=0, score=Trajectory.trial_return, chunk=None)
    assert torch.equal(result.scores["greedy"], wanted)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="at least one"):
        evaluate({}, ENV, TASKS, seed=0)
    with pytest.raises(ValueError, match="name both"):
        evaluate({"greedy": Greedy(3)}, ENV, TASKS, seed=0, random="greedy")
    with pytest.raises(ValueError, match="reference: expected one of greedy, got 'gready'"):
        evaluate({"greedy": Greedy(3)}, ENV, TASKS, seed=0, random="greedy", reference="gready")
    with pytest.raises(KeyError, match="not among greedy"):
        evaluate({"greedy": Greedy(3)}, ENV, TASKS, seed=0)["thompson"]
