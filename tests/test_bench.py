"""The benchmarks' machinery: registry, merging, writing, tables and what happens when something is missing."""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks import learning, memory, ours, profile, registry, report, runner, sb3, update
from benchmarks.machine import Machine
from benchmarks.measure import Benchmark, Figure, Measurement, Settings, Unavailable, median_seconds
from rl2lib import cli
from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.experiments.quickstart import SMOKE, stage
from rl2lib.lab import places
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.features import flat_step_input
from rl2lib.tasks.sampling import make_generators

SPEED = Figure("speed", "x", 2.0)
SECONDS = Figure("seconds", "s", 3.0, lower_is_better=True)
PLAIN = Figure("plain", "ms")
HERE = Machine("a processor", 2, "Linux x86_64", "2.0", {"float32, 1 thread": 100.0})
PAGE = "before\n<!-- figures -->\n<!-- /figures -->\nbetween\n<!-- profile -->\nold\n<!-- /profile -->\nafter\n"


def benchmark(name: str, *figures: Figure, value: Any = 2.5) -> Benchmark:
    def run(settings: Settings) -> list[Measurement]:
        if isinstance(value, Exception):
            raise value
        return [figure.measured(value, "a note") for figure in figures]

    return Benchmark(name, f"about {name}", figures, run)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout, on a machine that is examined in no time."""
    monkeypatch.setattr(runner, "examine", lambda quick=False: HERE)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "performance.md").write_text(PAGE)
    return tmp_path


def kept(root) -> dict[str, dict[str, Any]]:
    entries = json.loads((root / "results" / "bench.json").read_text())
    assert all(list(entry) == ["name", "measured", "unit", "target", "met", "note"] for entry in entries)
    return {entry["name"]: entry for entry in entries}


# ------------------------------------------------------------------------------------------ figures


def test_a_target_is_a_floor_or_a_ceiling_and_the_target_itself_is_enough():
    assert [SPEED.measured(value).met for value in (1.99, 2.0, 9.0)] == [False, True, True]
    assert [SECONDS.measured(value).met for value in (0.1, 3.0, 3.01)] == [True, True, False]
    assert PLAIN.measured(1.0).met is None and PLAIN.missing("none").met is None
    assert SPEED.missing("skipped: why") == Measurement("speed", None, "x", 2.0, False, "skipped: why")
    assert (SPEED.aim, SECONDS.aim, PLAIN.aim) == ("≥ 2 x", "≤ 3 s", "")


def test_the_registry_names_everything_once_and_keeps_the_courses_figures():
    names = [item.name for item in registry.BENCHMARKS]
    figures = [figure.name for figure in registry.figures()]
    assert len(set(names)) == len(names) and len(set(figures)) == len(figures)
    wanted = {
        "update: stepped in Python / unrolled",
        "exact optimum, k=50, n=10",
        "build, all notebooks",
        "rl2 progress",
    }
    assert wanted <= set(figures)


def test_benchmarks_are_found_by_name_in_the_registrys_order():
    three = [benchmark("one", SPEED), benchmark("two", SECONDS), benchmark("three", PLAIN)]
    assert [item.name for item in registry.find([], three)] == ["one", "two", "three"]
    assert [item.name for item in registry.find(["three", "one"], three)] == ["one", "three"]
    with pytest.raises(LookupError, match="no benchmark is called 'thre'; did you mean 'three'"):
        registry.find(["thre"], three)


def test_actions_are_timed_in_turn_and_the_warm_up_is_not():
    calls: list[str] = []
    medians = median_seconds(lambda: calls.append("A"), lambda: calls.append("B"), repeats=2)
    assert "".join(calls) == "ABABAB" and len(medians) == 2 and min(medians) >= 0
    calls.clear()
    median_seconds(lambda: calls.append("A"), repeats=1, warm_up=False)
    assert calls == ["A"]


# ------------------------------------------------------------------------------------------ results


def test_merging_replaces_by_name_in_the_figures_order_and_drops_what_nobody_measures():
    old = [SECONDS.measured(1.0), Figure("gone", "s").measured(1.0), SPEED.measured(1.0)]
    merged = report.merge(old, [SPEED.measured(3.0)], [SPEED, PLAIN, SECONDS])
    assert merged == [SPEED.measured(3.0), SECONDS.measured(1.0)]


def test_what_is_written_is_read_again_and_is_strict_json(tmp_path):
    measurements = [SPEED.measured(2.5, "≥ |"), SECONDS.missing("skipped: no")]
    report.write(tmp_path, measurements, HERE)
    assert report.read(tmp_path) == measurements and report.read_machine(tmp_path) == HERE
    with pytest.raises(ValueError, match="JSON"):
        report.to_json([float("nan")])
    assert report.read(tmp_path / "none") == [] and report.read_machine(tmp_path / "none") is None


def test_the_tables_by_hand(tmp_path):
    measurements = [SPEED.measured(2.512, "a | b"), SECONDS.missing("skipped: no"), PLAIN.measured(6660.4)]
    report.write(tmp_path, measurements, HERE)
    rows = [
        {"part": "forward", "milliseconds": 30.04, "share": 0.75},
        {"part": "the rest", "milliseconds": 10.0, "share": 0.25},
    ]
    (tmp_path / "profile.json").write_text(json.dumps([{"title": "GRU", "milliseconds": 40.0, "parts": rows}]))
    text = report.filled(PAGE, tmp_path, [SPEED, SECONDS, PLAIN])
    assert (
        text
        == """before
<!-- figures -->

a processor, 2 cores, Linux x86_64, torch 2.0.

matrix product: float32, 1 thread: 100 GFLOP/s.

| figure | measured | target | met | how |
| --- | --- | --- | --- | --- |
| speed | 2.51 x | ≥ 2 x | ✓ | a \\| b |
| seconds | – | ≤ 3 s | ✗ | skipped: no |
| plain | 6,660 ms |  |  |  |

<!-- /figures -->
between
<!-- profile -->

GRU:

| part | ms | share |
| --- | --- | --- |
| forward | 30.0 | 75% |
| the rest | 10.0 | 25% |
| all | 40.0 | 100% |

<!-- /profile -->
after
"""
    )
    assert report.filled(text, tmp_path, [SPEED, SECONDS, PLAIN]) == text


@pytest.mark.parametrize("text", ["", "<!-- figures -->", "<!-- /figures --><!-- figures -->"])
def test_a_page_without_its_markers_is_refused(text):
    with pytest.raises(
        ValueError, match=r"performance.md: expected the markers <!-- figures --> and <!-- /figures -->"
    ):
        report.put(text, "figures", "table")


def test_the_page_shows_what_results_say(root):
    text = (root / report.PAGE).read_text()
    assert text == report.filled(text, root / "results", registry.figures())


# ------------------------------------------------------------------------------------------ runs


def test_a_run_of_some_updates_only_those(checkout, capsys):
    two = [benchmark("one", SPEED), benchmark("two", SECONDS)]
    assert runner.main([], checkout, two) == 0
    two[0] = benchmark("one", SPEED, value=7.0)
    assert runner.main(["one"], checkout, two) == 0
    entries = kept(checkout)
    assert list(entries) == ["speed", "seconds"] and (entries["speed"]["measured"], entries["seconds"]["measured"]) == (
        7,
        2.5,
    )
    page = (checkout / "docs" / "performance.md").read_text()
    assert "| speed | 7 x |" in page and "| seconds | 2.5 s |" in page
    out = capsys.readouterr().out
    assert out.index("a processor") < out.index("about one") < out.index("2.5 s")


def test_what_is_missing_is_skipped_and_not_met_and_the_others_run(checkout, capsys):
    three = [
        benchmark("one", SPEED, value=ModuleNotFoundError("no", name="sb3_contrib.common")),
        benchmark("two", PLAIN, value=Unavailable("Linux only")),
        benchmark("three", SECONDS),
    ]
    assert runner.main([], checkout, three) == 1
    entries = kept(checkout)
    reason = "skipped: sb3_contrib is not installed; `make setup` installs it"
    assert entries["speed"] == asdict(SPEED.missing(reason)) and entries["speed"]["met"] is False
    assert entries["plain"]["note"] == "skipped: Linux only"
    assert entries["seconds"]["met"] is True
    assert reason in capsys.readouterr().out


@pytest.mark.parametrize(
    "error", [ValueError("broken"), ModuleNotFoundError("broken", name="rl2lib.gone"), ZeroDivisionError("broken")]
)
def test_a_broken_benchmark_takes_its_old_figures_with_it(checkout, error):
    assert runner.main([], checkout, [benchmark("one", SPEED)]) == 0
    assert kept(checkout)["speed"]["met"] is True
    assert runner.main([], checkout, [benchmark("one", SPEED, value=error)]) == 1
    entry = kept(checkout)["speed"]
    assert entry["measured"] is None and entry["met"] is False
    assert entry["note"].startswith("failed: ") and "broken" in entry["note"]


def test_a_benchmark_measures_what_it_declares():
    liar = Benchmark("liar", "", (SPEED, PLAIN), lambda settings: [SPEED.measured(9.0)])
    measurements, problem = runner.measure(liar, Settings())
    assert problem.startswith("failed: ") and "declare" in problem
    assert [item.measured for item in measurements] == [None, None]


def test_a_killed_run_keeps_what_it_has_measured(checkout):
    def killed(settings: Settings) -> list[Measurement]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.main([], checkout, [benchmark("one", SPEED), Benchmark("two", "", (PLAIN,), killed)])
    assert list(kept(checkout)) == ["speed"]


def test_figures_of_two_machines_never_meet(checkout, monkeypatch, capsys):
    two = [benchmark("one", SPEED), benchmark("two", SECONDS)]
    assert runner.main([], checkout, two) == 0
    monkeypatch.setattr(runner, "examine", lambda quick=False: Machine("another", 64, "Linux", "2.0", {}))
    two[0] = benchmark("one", SPEED, value=7.0)
    before = (checkout / "results" / "bench.json").read_text()
    assert runner.main(["one"], checkout, two) == 0
    assert (checkout / "results" / "bench.json").read_text() == before
    assert "was measured on a processor" in " ".join(capsys.readouterr().out.split())
    assert runner.main([], checkout, two) == 0
    assert kept(checkout)["speed"]["measured"] == 7 and report.read_machine(checkout / "results").model == "another"


def test_quick_writes_nothing_and_meets_nothing(checkout, capsys):
    assert runner.main(["--quick"], checkout, [benchmark("one", SPEED)]) == 0
    assert not (checkout / "results").exists() and (checkout / "docs" / "performance.md").read_text() == PAGE
    out = capsys.readouterr().out
    assert "✓" not in out and "nothing written" in out


def test_an_unknown_name_is_two_and_a_list_measures_nothing(checkout, capsys):
    explosive = [benchmark("one", SPEED, value=KeyboardInterrupt())]
    assert runner.main(["two"], checkout, explosive) == 2
    assert "there are one" in capsys.readouterr().err
    assert runner.main(["--list"], checkout, explosive) == 0
    assert "speed ≥ 2 x" in capsys.readouterr().out


def test_rl2_bench_passes_its_arguments_on(monkeypatch):
    called: list[list[str]] = []
    monkeypatch.setattr(subprocess, "call", lambda command: called.append(command) or 1)
    result = CliRunner().invoke(cli.app, ["bench", "update", "course", "--quick"])
    assert result.exit_code == 1
    assert called == [[sys.executable, str(places.CHECKOUT / "benchmarks" / "bench.py"), "--quick", "update", "course"]]


def test_rl2_bench_of_an_installed_package_says_where_to_find_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(places, "CHECKOUT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["rl2", "bench"])
    with pytest.raises(SystemExit) as stopped:
        cli.run()
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("rl2: ") and "benchmarks/" in told and "clone" in told


@pytest.mark.slow
def test_the_script_runs_from_anywhere(root, tmp_path):
    command = [sys.executable, str(root / "benchmarks" / "bench.py"), "--list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "training-shared" in done.stdout, done.stderr


# ------------------------------------------------------------------------------------------ what is measured


# memory starts a process, the course's own parts have tests of their own: both take seconds
@pytest.mark.slow
@pytest.mark.parametrize("name", [item.name for item in registry.BENCHMARKS if item.name not in ("memory", "course")])
def test_every_benchmark_runs_in_tiny_sizes(name):
    (chosen,) = registry.find([name])
    threads = torch.get_num_threads()
    measurements, problem = runner.measure(chosen, Settings(quick=True))
    assert not problem
    assert all(item.measured is not None or item.note.startswith("skipped") for item in measurements)
    assert torch.get_num_threads() == threads


def test_a_grus_operations_by_hand():
    # one step, F=2, H=1: forward 3x(2+1) products, each weight's gradient as many, the state's 3x1; two operations each
    assert update.operations(1, 1, 2, 1) == 2 * (9 + 9 + 3)
    assert update.operations(4, 5, 2, 1) == 20 * update.operations(1, 1, 2, 1)


def test_growth_is_per_hundred_iterations():
    assert memory.growth([100 + 0.02 * i for i in range(150)]) == pytest.approx(2.0)
    assert memory.growth([7.0] * 10) == pytest.approx(0.0, abs=1e-9)


def test_the_stopwatch_gives_each_moment_to_the_innermost_part(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    monkeypatch.setattr(profile.time, "perf_counter", lambda: next(now))
    watch = profile.Stopwatch()
    watch.enter("outer")
    watch.enter("inner")
    watch.leave()
    watch.leave()
    assert watch.seconds == {profile.REST: 1.0, "outer": 2.0 + 4.0, "inner": 3.0}


@pytest.mark.parametrize("make", profile.LEARNERS.values(), ids=profile.LEARNERS)
def test_a_profile_leaves_no_clocks_behind_and_counts_every_part(make):
    learner = make(ours.QUICK)
    before = profile.loop.rollout, torch.Tensor.backward, torch.nn.utils.clip_grad_norm_
    parts = profile.profile_learner(learner, ours.QUICK, repeats=1)
    assert set(parts) == set(profile.PARTS) and all(value > 0 for value in parts.values())
    assert before == (profile.loop.rollout, torch.Tensor.backward, torch.nn.utils.clip_grad_norm_)
    assert "act" not in vars(learner.policy) and not {"update", "estimate"} & set(vars(learner))
    for module in learner.modules.values():
        assert not any(child._forward_hooks or child._forward_pre_hooks for child in module.children())


def test_the_clock_stands_still_while_it_looks(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(learning.time, "perf_counter", lambda: now[0])
    scores = iter([0.5, 0.95])

    def score() -> float:
        now[0] += 100.0
        return next(scores)

    clock = learning.Clock(score, level=0.9, every=2)
    told = []
    for _ in range(4):
        now[0] += 1.0
        told.append(clock.look())
    assert told == [False, False, False, True]
    assert clock.seconds == [2.0, 4.0] and clock.scores == [0.5, 0.95] and clock.time == 4.0


def test_the_clock_ends_at_its_limit_without_having_arrived(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(learning.time, "perf_counter", lambda: now[0])
    clock = learning.Clock(lambda: 0.5, level=0.9, limit=3.0)
    now[0] = 2.0
    assert not clock.look()
    now[0] = 3.0
    assert clock.look() and not clock.reached and clock.time == float("inf")


def test_a_time_that_was_not_reached_is_not_a_time():
    there, not_there = learning.Clock(lambda: 1.0, 0.9), learning.Clock(lambda: 0.5, 0.9)
    for clock in (there, not_there):
        clock.look()
    missed = learning._timed(SECONDS, [there, not_there, not_there], "how")
    assert missed.measured is None and missed.met is False and "1 of 3 seeds" in missed.note
    reached = learning._timed(SECONDS, [there, there, not_there], "how")
    assert reached.measured == there.time and "2 of 3 seeds" in reached.note


@pytest.mark.parametrize("name", learning.STAGES)
def test_both_ways_train_the_same_policy_for_as_long(name):
    one, same = learning.STAGES[name](3), learning.STAGES[learning.PLAIN](3)
    assert one.training.seed == 3 and one.training.iterations == same.training.iterations == 150
    for weight, other in zip(one.learner.policy.parameters(), same.learner.policy.parameters(), strict=True):
        assert torch.equal(weight, other)


def test_optimal_play_scores_one_and_random_play_nought():
    held_out = learning.HeldOut(stage(SMOKE).setting, seed=3, num_tasks=1_000)
    assert held_out.score(BayesOptimal(5, 10)) == pytest.approx(1.0)
    assert held_out.score(Random(5)) == pytest.approx(0.0, abs=0.02)


# ------------------------------------------------------------------------------------------ sb3-contrib's side


def test_sb3_meets_the_bandits_that_training_draws():
    """Played with the same actions, both sides see the same rewards, trial after trial."""

    class Script:
        """Pulls arm t mod K."""

        def initial_state(self, batch_size, tasks=None):
            return 0

        def act(self, state, inputs, generator):
            return torch.full_like(inputs.prev_action, state % 3), state + 1

    envs = sb3.BatchedTrials("independent-bandits", 6, seed=4, num_arms=3, num_pulls=5)
    generators = make_generators(4, "tasks", "env", "policy")
    observation = envs.reset()
    for _ in range(2):
        tasks = IndependentBandits(3).sample(6, generators["tasks"])
        trajectory = rollout(
            Script(), BanditEnv(3, 5), tasks, policy_generator=generators["policy"], env_generator=generators["env"]
        )
        inputs = trajectory.step_inputs()
        for t in range(5):
            step = type(inputs)(*(field[:, t] for field in inputs))
            np.testing.assert_array_equal(observation, flat_step_input(step, 3).numpy())
            observation, reward, ended, infos = envs.step(np.full(6, t % 3))
            np.testing.assert_array_equal(reward, trajectory.reward[:, t].numpy())
            assert ended.all() == ended.any() == (t == 4)
        assert [info["terminal_observation"][-2] for info in infos] == reward.tolist()
    envs.seed(4)
    first = envs.reset()
    assert first.dtype == np.float32 and envs.observation_space.contains(first[0])


def test_sb3_trains_on_whole_trials_and_plays_as_one_of_ours():
    sizes = ours.Sizes(num_arms=3, num_pulls=4, hidden_size=8, trials=6, minibatch_trials=2, epochs=2)
    model = sb3.recurrent_ppo(sizes, seed=1)
    assert model.policy.lstm_critic is not None and sb3.recurrent_ppo(sizes, shared=True).policy.lstm_critic is None
    sb3.iterate(model, sizes, seed=0)
    sb3.iterate(model, sizes, seed=1)
    assert model.num_timesteps == sizes.steps == 24
    # 3 minibatches an epoch
    assert model.policy.optimizer.state_dict()["state"][0]["step"] == 2 * 3 * 2
    generators = make_generators(0, "tasks", "env", "policy")
    trajectory = rollout(
        sb3.Player(model),
        BanditEnv(3, 4),
        IndependentBandits(3).sample(7, generators["tasks"]),
        policy_generator=generators["policy"],
        env_generator=generators["env"],
    )
    # what it plays is what its own policy says of the whole sequence at once, from a fresh state
    inputs = trajectory.step_inputs()
    state, starts = None, np.ones(7, dtype=bool)
    for t in range(4):
        step = type(inputs)(*(field[:, t] for field in inputs))
        actions, state = model.predict(flat_step_input(step, 3).numpy(), state, starts, deterministic=True)
        starts = np.zeros(7, dtype=bool)
        np.testing.assert_array_equal(actions, trajectory.action[:, t].numpy())


def test_trials_of_different_lengths_are_refused():
    envs = sb3.BatchedTrials("corridor", 32, half_length=1, episodes_per_trial=1)
    envs.reset()
    with pytest.raises(NotImplementedError, match="different lengths"):
        envs.step(np.ones(32, dtype=np.int64))
