import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training import checkpoint as checkpoints
from rl2lib.training.checkpoint import CheckpointError
from rl2lib.training.loop import DivergenceError, TrainingConfig, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.progress import progress_bar
from rl2lib.training.schedules import Schedule
from rl2lib.types import Step, StepInput, Trajectory

SCRIPT = Path(__file__).parent / "short_run.py"
_spec = importlib.util.spec_from_file_location("short_run", SCRIPT)
if _spec is None or _spec.loader is None:
    raise ImportError(f"{SCRIPT} is not there")
short = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(short)


def weights(learner: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in checkpoints.pack_modules(learner.modules).items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("kind", short.KINDS)
def test_a_run_is_fixed_by_its_seed(kind: str) -> None:
    runs = []
    for seed in (0, 0, 1):
        torch.manual_seed(time.time_ns())  # the global generator must not matter
        learner = short.make_learner(kind)
        before = weights(learner)
        history = short.short_run(learner, 3, seed=seed).history
        assert not same(before, weights(learner))
        runs.append((weights(learner), history))
    assert same(runs[0][0], runs[1][0]) and runs[0][1] == runs[1][1]
    assert not same(runs[0][0], runs[2][0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", short.KINDS)
def test_a_resumed_run_ends_bit_identical_to_an_unbroken_one(kind: str, tmp_path: Path) -> None:
    unbroken = short.make_learner(kind)
    whole = short.short_run(unbroken, 7)

    class PulledPlugError(Exception):
        pass

    interrupted = short.make_learner(kind)
    update, calls = interrupted.update, 0

    def failing(*args: Any, **kwargs: Any) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise PulledPlugError
        return dict(update(*args, **kwargs))

    interrupted.update = failing
    with pytest.raises(PulledPlugError):
        short.short_run(interrupted, 7, tmp_path, every=3)
    place = checkpoints.latest(tmp_path)
    assert place is not None and place.name == "iteration-0000003"

    resumed = short.make_learner(kind, seed=99)  # its initial weights are overwritten
    run = short.short_run(resumed, 7, tmp_path, every=3)
    assert same(weights(unbroken), weights(resumed))
    assert run.history == whole.history and run.env_steps == whole.env_steps == 7 * 20 * 4


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes_bit_identical(tmp_path: Path) -> None:
    """SIGKILL a child that saves at every iteration, twice, then finish here."""
    iterations = 120
    unbroken = short.make_learner()
    short.short_run(unbroken, iterations)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    moments = random.Random(0)
    for _ in range(2):
        child = subprocess.Popen([sys.executable, str(SCRIPT), str(tmp_path), str(iterations)], env=environment)
        known, deadline = checkpoints.latest(tmp_path), time.monotonic() + 60
        while checkpoints.latest(tmp_path) == known and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 0.2))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL, "the child must be killed while it trains"
        place = checkpoints.latest(tmp_path)
        assert place is not None and checkpoints.load(place).card["iteration"] < iterations
    resumed = short.make_learner(seed=99)
    short.short_run(resumed, iterations, tmp_path)
    assert same(weights(unbroken), weights(resumed))


def test_a_finished_run_is_only_read(tmp_path: Path) -> None:
    learner = short.make_learner()
    first = short.short_run(learner, 2, tmp_path)
    again = short.make_learner(seed=5)
    second = short.short_run(again, 2, tmp_path)
    assert same(weights(learner), weights(again)) and second.history == first.history


def test_another_runs_folder_is_refused(tmp_path: Path) -> None:
    short.short_run(short.make_learner(), 2, tmp_path)
    with pytest.raises(CheckpointError, match=r"another run: training was .*'seed': 0.* now .*'seed': 1"):
        short.short_run(short.make_learner(), 2, tmp_path, seed=1)
    with pytest.raises(CheckpointError, match="learner was"):
        short.short_run(short.make_learner("reinforce"), 2, tmp_path)


def test_the_card_tells_what_a_reader_asks_for(tmp_path: Path) -> None:
    run = short.short_run(short.make_learner(), 3, tmp_path)
    assert run.checkpoint is not None
    card = json.loads((run.checkpoint / "card.json").read_text())
    assert card["iteration"] == 3 and card["env_steps"] == 240 and card["seed"] == 0 and card["threads"] == 1
    assert card["config"]["learner"]["name"] == "PPO" and card["config"]["training"]["iterations"] == 3
    assert set(card["versions"]) == {"torch", "numpy", "safetensors"} and card["seconds"] > 0
    assert set(card["sha256"]) == {"weights.safetensors", "state.safetensors"}


def test_saved_weights_make_the_same_policy(tmp_path: Path) -> None:
    learner = short.make_learner()
    run = short.short_run(learner, 2, tmp_path)
    assert run.checkpoint is not None
    policy = RecurrentPolicy((1,), 3, 8, generator=torch.Generator().manual_seed(50))
    policy.load_state_dict(checkpoints.tensors_under(checkpoints.load(run.checkpoint).weights, "policy."))
    assert same(dict(policy.state_dict()), dict(learner.policy.state_dict()))


@pytest.mark.parametrize("learning_rate", [float("inf"), 5e37])
def test_a_diverging_run_stops_with_a_sentence_and_keeps_the_last_good_checkpoint(
    learning_rate: float, tmp_path: Path
) -> None:
    learner = short.make_learner("reinforce", learning_rate=1e-3)
    update, calls = learner.update, 0

    def explode_at_third(*args: Any, **kwargs: Any) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 3:
            learner.rates["policy"] = Schedule(learning_rate, shape="constant")
        return dict(update(*args, **kwargs))

    learner.update = explode_at_third
    with pytest.raises(DivergenceError, match=r"^iteration \d+: .*policy.*learning rate") as caught:
        short.short_run(learner, 20, tmp_path)
    place = checkpoints.latest(tmp_path)
    assert place is not None and f"last good checkpoint is {place}" in str(caught.value)
    assert all(torch.isfinite(value).all() for value in checkpoints.load(place).weights.values())


class UnpayingEnv(BanditEnv):
    """Its rewards are NaN; with `last_only` those of the last pull, which no policy is shown."""

    def __init__(self, num_arms: int, num_pulls: int, last_only: bool = False) -> None:
        super().__init__(num_arms, num_pulls)
        self.last_only = last_only

    def step(self, actions: Tensor) -> Step:
        step = super().step(actions)
        broken = step.trial_end if self.last_only else torch.ones_like(step.trial_end)
        return step._replace(
            reward=torch.where(broken, float("nan"), step.reward),
            expected_reward=torch.where(broken, float("nan"), step.expected_reward),
        )


@pytest.mark.parametrize("kind", [kind for kind in short.KINDS if kind not in ("imitation", "cloning")])
def test_rewards_that_are_not_finite_name_the_parameter_and_leave_the_weights_alone(kind: str) -> None:
    learner = short.make_learner(kind)
    before = weights(learner)
    g = make_generators(0, "tasks", "policy", "env")
    env, tasks = UnpayingEnv(3, 4, last_only=True), IndependentBandits(3).sample(20, g["tasks"])
    trajectory = rollout(learner.policy, env, tasks, policy_generator=g["policy"], env_generator=g["env"])
    with pytest.raises(FloatingPointError, match=r"gradient of (policy|baseline)\.core\.weight_ih"):
        learner.update(trajectory, tasks, progress=0.0, generator=g["policy"])
    assert same(before, weights(learner))


@pytest.mark.parametrize("kind", short.KINDS)
def test_weights_that_are_not_finite_are_named_with_the_iteration_and_never_saved(kind: str, tmp_path: Path) -> None:
    learner = short.make_learner(kind)
    update, calls = learner.update, 0

    def spoil_at_third(*args: Any, **kwargs: Any) -> dict[str, float]:
        nonlocal calls
        calls += 1
        metrics = dict(update(*args, **kwargs))
        if calls == 3:
            with torch.no_grad():
                learner.policy.core.bias_hh[1] = float("nan")
        return metrics

    learner.update = spoil_at_third
    with pytest.raises(DivergenceError, match=r"^iteration 3: the weights of policy\.core\.bias_hh are not") as caught:
        short.short_run(learner, 20, tmp_path)
    place = checkpoints.latest(tmp_path)
    assert place is not None and place.name == "iteration-0000002" and str(place) in str(caught.value)


def test_logits_that_are_not_finite_point_at_the_largest_weight() -> None:
    learner = short.make_learner()
    with torch.no_grad():
        learner.policy.head.weight.fill_(3e38)
        learner.policy.core.bias_ih.copy_(torch.tensor([0.0, -50.0, 50.0]).repeat_interleave(8))  # the state is 1
    with pytest.raises(DivergenceError, match=r"^iteration 1: .*logits .*largest weight is policy\.head\.weight \("):
        short.short_run(learner, 2)


def test_an_environment_that_pays_nan_stops_at_once() -> None:
    learner = short.make_learner()
    with pytest.raises(DivergenceError, match=r"^iteration 1: .*rewards .finite"):
        train(learner, IndependentBandits(3), UnpayingEnv(3, 4), TrainingConfig(5, 20))


def test_weights_elsewhere_than_the_trials_are_refused() -> None:
    learner = short.make_learner()
    learner.modules["baseline"].to("meta")
    with pytest.raises(ValueError, match=r"baseline\.core\.weight_ih: expected on cpu, got meta; move"):
        short.short_run(learner, 2)


def test_a_learner_may_have_its_trials_played_by_another() -> None:
    class Fixed:
        def initial_state(self, batch_size: int, tasks: Any = None) -> None:
            return None

        def act(self, state: None, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, None]:
            return torch.full_like(inputs.prev_action, 2), None

    learner = short.make_learner("cloning")
    learner.teacher = Fixed()
    seen = []
    update = learner.update

    def watching(trajectory: Trajectory, *args: Any, **kwargs: Any) -> dict[str, float]:
        seen.append(trajectory.action)
        return dict(update(trajectory, *args, **kwargs))

    learner.update = watching
    short.short_run(learner, 2)
    assert all(bool((action == 2).all()) for action in seen) and len(seen) == 2


def test_a_player_is_asked_of_the_librarys_learners_alone() -> None:
    whole = short.make_learner()
    parts = {name: getattr(whole, name) for name in ("config", "modules", "optimisers", "policy", "update")}
    assert short.short_run(SimpleNamespace(**parts), 1).history["trial_return"]
    with pytest.raises(TypeError, match=r"SimpleNamespace\.player: .*write SimpleNamespace\(Learner\)"):
        short.short_run(SimpleNamespace(**parts, player=whole.policy), 1)


@pytest.mark.slow
def test_the_number_of_threads_changes_rounding_only() -> None:
    """At sizes where torch does share the work out."""
    found = []
    for threads in (1, 2):
        generator = torch.Generator().manual_seed(0)
        networks = [cls((1,), 3, 96, generator=generator) for cls in (RecurrentPolicy, RecurrentBaseline)]
        learner = PPO(*networks, PPOConfig(epochs=1, minibatch_trials=256))
        config = TrainingConfig(2, trials_per_iteration=512)
        train(learner, IndependentBandits(3), BanditEnv(3, 4), config, threads=threads, progress=False)
        found.append(weights(learner))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, atol=1e-4, rtol=1e-3)


def test_schedules_fall_to_zero_with_progress() -> None:
    learner = short.make_learner(learning_rate=0.4)
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(3).sample(4, g["tasks"])
    trajectory = rollout(learner.policy, BanditEnv(3, 4), tasks, policy_generator=g["policy"], env_generator=g["env"])
    learner.update(trajectory, tasks, progress=0.75, generator=g["policy"])
    assert learner.optimisers["policy"].param_groups[0]["lr"] == pytest.approx(0.1)


def test_threads_are_set_for_the_run_only() -> None:
    torch.set_num_threads(1)
    with torch_threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 1
    with pytest.raises(RuntimeError, match="inside"), torch_threads(2):
        raise RuntimeError("inside")
    assert torch.get_num_threads() == 1


def test_progress_goes_to_stdout_with_return_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    short.short_run(short.make_learner(), 3, progress=True)
    out, err = capsys.readouterr()
    assert err == "" and "3/3" in out and "return" in out and out.endswith("\n")


def test_progress_is_quiet_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    short.short_run(short.make_learner(), 3, progress=None)
    assert capsys.readouterr() == ("", "")


def test_a_resumed_bar_counts_from_where_it_was() -> None:
    with progress_bar(100, done=90, shown=True) as bar:
        assert (bar.n, bar.total) == (90, 100)
