"""One run: what it leaves, where it is resumed, and what is not taken for it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments import history
from rl2lib.experiments.plan import Run, Stage
from rl2lib.experiments.reproduce import trained
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns, finished_card, forget, num_seeds, train_run
from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.catalogue import Setting
from rl2lib.training.checkpoint import CheckpointError
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.types import StepInput
from tests.rl2lib.experiments.reproduce import tiny


def trained_once(places: Places, run: Run | None = None, seed: int = 0) -> dict[str, Any]:
    return train_run(run or tiny.run(), "smoke", seed, places, progress=False)


def read_card(places: Places, run: Run | None = None) -> dict[str, Any]:
    text = places.weights(run or tiny.run(), "smoke", 0).with_suffix(".json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def test_a_finished_run_has_a_card_and_weights_and_nothing_under_way(places: Places) -> None:
    run = tiny.run(iterations=4)
    assert not finished_card(run, "smoke", 0, places)
    card = trained_once(places, run)
    assert read_card(places) == card == finished_card(run, "smoke", 0, places)
    assert sorted(path.name for path in places.results.rglob("*") if path.is_file()) == [
        "smoke-net-seed0.json",
        "smoke-net-seed0.safetensors",
    ]
    assert not [path for path in places.running.rglob("*") if path.is_file()]
    assert not places.stage(run, "smoke", 0, 0).parent.exists()
    assert card["env_steps"] == 7 * 16 * 4 and card["precision"] == "half" and card["device"] == "cpu"
    assert card["regenerate"] == "rl2 reproduce tiny --scale smoke --fresh"
    assert [stage["learner"]["name"] for stage in card["config"]["stages"]] == ["Imitation", "Reinforce"]
    assert card["config"]["stages"][0]["setting"] == {
        "IndependentBandits": {"num_arms": 2},
        "BanditEnv": {"num_pulls": 4},
    }
    # one point an iteration, where they fit; steps run on from stage to stage
    assert card["history"]["env_steps"] == [64 * (i + 1) for i in range(7)]
    assert all(0 < value < 4 for value in card["history"]["trial_return"])


def test_what_measures_it_finds_its_policies_and_cards_seed_by_seed(places: Places) -> None:
    experiment = tiny.experiment(runs=(tiny.run(seeds=2),))
    cards = [trained_once(places, seed=seed) for seed in (0, 1)]
    found = TrainedRuns(experiment.runs("smoke"), "smoke", places)
    policies = found.policies("net")
    assert found.cards("net") == cards and len(policies) == 2
    for seed, policy in enumerate(policies):
        wanted = load_file(places.weights(tiny.run(), "smoke", seed).with_suffix(".safetensors"))
        assert all(torch.equal(value, wanted[name].float()) for name, value in policy.state_dict().items())
    assert not torch.equal(policies[0].state_dict()["core.weight_hh"], policies[1].state_dict()["core.weight_hh"])
    assert len(TrainedRuns(experiment.runs("smoke"), "smoke", places, seeds=1).policies("net")) == 1
    with pytest.raises(CheckpointError, match=r"seed2\.json is missing.*smoke-net-seed2\.safetensors"):
        TrainedRuns(experiment.runs("smoke"), "smoke", places, seeds=3).policies("net")


def test_the_number_of_seeds_is_the_users_or_the_runs_or_the_scales() -> None:
    assert [num_seeds(tiny.run(), scale, None) for scale in ("smoke", "laptop", "paper")] == [1, 3, 5]
    assert num_seeds(tiny.run(seeds=2), "paper", None) == 2 and num_seeds(tiny.run(seeds=2), "paper", 7) == 7


def test_a_learning_curve_fits_on_a_card() -> None:
    assert history.thinned([1.0, 2.0]) == [1.0, 2.0]
    long = history.thinned([float(i) for i in range(1_000)])
    assert len(long) == history.NUM_HISTORY and long[:2] == [2.0, 7.0], "means over five"
    assert sum(long) / len(long) == pytest.approx(999 / 2)


# --------------------------------------------------------------------------------------- precision


class Constant(SoftmaxPolicy):
    """The same logits at every step, and a count beside them."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))
        self.register_buffer("count", torch.tensor(4_097))

    def initial_state(self, batch_size: int, tasks: object = None) -> None:
        return None

    def step(self, state: None, inputs: StepInput) -> tuple[Tensor, None]:
        return self.logits.expand(len(inputs.prev_action), -1), None

    def unroll(self, inputs: StepInput, state: None = None) -> tuple[Tensor, None]:
        return self.logits.expand(*inputs.prev_action.shape, -1), None


class SecondArm:
    """Bandits whose second arm is the better one, always."""

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        return torch.tensor([[0.2, 0.8]]).repeat(num_tasks, 1)


@pytest.mark.parametrize(
    ("logits", "precision"),
    [
        ([0.0, 1.0], "half"),
        ([1000.0, 1000.1], "single"),  # 1000 and 1000 in half precision: the other arm
        ([0.0, 1e5], "single"),  # infinite there
    ],
)
def test_weights_are_halved_only_where_that_changes_nothing(
    places: Places, logits: list[float], precision: str
) -> None:
    def stages(policy: SoftmaxPolicy, seed: int) -> Iterable[Stage]:
        learner = Reinforce(policy, None, ReinforceConfig(learning_rate=1e-9))
        yield Stage(learner, Setting(SecondArm(), BanditEnv(2, 4)), TrainingConfig(1, 8, seed))

    run = Run("tiny", "net", tiny.CELLS, lambda seed: Constant(logits), stages)
    card = trained_once(places, run)
    assert card["precision"] == precision
    kept = load_file(places.weights(run, "smoke", 0).with_suffix(".safetensors"))
    assert kept["logits"].dtype == (torch.float16 if precision == "half" else torch.float32)
    assert kept["count"].item() == 4_097, "a count is no weight"
    (policy,) = TrainedRuns(tiny.experiment(runs=(run,)).runs("smoke"), "smoke", places).policies("net")
    assert policy.state_dict()["logits"].tolist() == pytest.approx(logits)


# --------------------------------------------------------------------------------------- cut short


@pytest.mark.parametrize("stop", [1, 4, 6])
def test_a_run_stopped_in_any_stage_ends_as_an_unbroken_one(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Three updates of imitation, four of REINFORCE; a checkpoint after each, and the plug pulled in one of them."""
    whole = Places(tmp_path / "whole", tmp_path / "whole-running")
    wanted = trained_once(whole)
    calls = 0

    class PulledPlugError(Exception):
        pass

    def failing(update: Any) -> Any:
        def updated(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise PulledPlugError
            return update(*args, **kwargs)

        return updated

    from rl2lib.training.imitation import Imitation

    for kind in (Imitation, Reinforce):
        monkeypatch.setattr(kind, "update", failing(kind.update))
    with pytest.raises(PulledPlugError):
        trained_once(places)
    assert not places.results.exists()
    card = trained_once(places)
    assert calls == 7 + 1, "nothing is done twice but the update that was cut short"
    assert tiny.weights(places) == tiny.weights(whole)
    assert {**card, "seconds": 0} == {**wanted, "seconds": 0}
    assert not places.stage(tiny.run(), "smoke", 0, 0).parent.exists()


def test_a_kill_between_weights_and_card_is_mended(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from rl2lib.experiments import model_card

    write = model_card.write_whole

    def killed(path: Path, content: str | bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(model_card, "write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            trained_once(places)
    assert not finished_card(tiny.run(), "smoke", 0, places)
    monkeypatch.setattr(Reinforce, "update", None)  # all was done: it is only read
    trained_once(places)
    assert finished_card(tiny.run(), "smoke", 0, places)


# --------------------------------------------------------------------------------------- not taken for it


def test_a_card_of_another_plan_is_refused(places: Places) -> None:
    trained_once(places)
    again = r"it was made by another plan: .*; `rl2 reproduce tiny --scale smoke --fresh` makes it again"
    with pytest.raises(CheckpointError, match=again) as refused:
        finished_card(tiny.run(iterations=5), "smoke", 0, places)
    assert "training was {'iterations': 4," in str(refused.value) and "now {'iterations': 5," in str(refused.value)


@pytest.mark.parametrize("more", [True, False])
def test_a_card_of_another_number_of_stages_is_refused(places: Places, more: bool) -> None:
    trained_once(places)
    run, made = tiny.run(), tiny.stages(4)

    def other(policy: SoftmaxPolicy, seed: int) -> Iterable[Stage]:
        planned = list(made(policy, seed))
        return [*planned, planned[-1]] if more else planned[:1]

    with pytest.raises(CheckpointError, match=f"it had 2 stages, now {3 if more else 1}"):
        finished_card(replace(run, stages=other), "smoke", 0, places)


def test_a_card_of_other_tasks_is_refused(places: Places) -> None:
    trained_once(places)
    run, made = tiny.run(), tiny.stages(4)

    def other(policy: SoftmaxPolicy, seed: int) -> Iterable[Stage]:
        return [
            stage._replace(setting=Setting(stage.setting.distribution, BanditEnv(2, 5))) for stage in made(policy, seed)
        ]

    with pytest.raises(CheckpointError, match=r"setting was .*'num_pulls': 4.*, now .*'num_pulls': 5"):
        finished_card(replace(run, stages=other), "smoke", 0, places)


def test_weights_that_disagree_with_their_card_are_refused_and_both_named(places: Places) -> None:
    trained_once(places)
    place = places.weights(tiny.run(), "smoke", 0)
    weights = place.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    for look in (
        lambda: finished_card(tiny.run(), "smoke", 0, places),
        lambda: TrainedRuns(tiny.experiment().runs("smoke"), "smoke", places).policies("net"),
        lambda: TrainedRuns(tiny.experiment().runs("smoke"), "smoke", places).cards("net"),
    ):
        with pytest.raises(CheckpointError, match="not those that its card describes") as refused:
            look()
        assert f"{place}.json and {place}.safetensors" in str(refused.value)
        assert "`rl2 reproduce tiny --scale smoke --fresh` makes both again" in str(refused.value)


def test_a_card_of_another_version_is_refused(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    trained_once(places)
    monkeypatch.setattr(trained, "VERSION", 99)
    command = "rl2 reproduce tiny --scale smoke --fresh"
    with pytest.raises(CheckpointError, match=f"expected version 99, got 1; .*`{command}` makes them again"):
        finished_card(tiny.run(), "smoke", 0, places)
    forget(tiny.run(), "smoke", 0, places)  # as that command does first
    trained_once(places)
    card = finished_card(tiny.run(), "smoke", 0, places)
    assert card is not None and card["version"] == 99


def test_weights_of_another_policy_are_refused(places: Places) -> None:
    trained_once(places)
    run = replace(tiny.run(), policy=lambda seed: Constant([0.0, 0.0]))
    with pytest.raises(CheckpointError, match="net, seed 0: its weights do not fit its policy"):
        TrainedRuns(tiny.experiment(runs=(run,)).runs("smoke"), "smoke", places).policies("net")


def test_a_run_of_another_plan_under_way_is_refused_and_can_be_removed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(trained.model_card, "save", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            trained_once(places)
    folder = places.stage(tiny.run(), "smoke", 0, 0).parent
    with pytest.raises(CheckpointError, match=f"belongs to another run.*or remove {folder}, and this run begins anew"):
        trained_once(places, tiny.run(iterations=5))
    forget(tiny.run(), "smoke", 0, places)
    assert not folder.exists()
    trained_once(places, tiny.run(iterations=5))


def test_what_is_forgotten_is_gone_and_the_other_seed_is_not(places: Places) -> None:
    for seed in (0, 1):
        trained_once(places, seed=seed)
    forget(tiny.run(), "smoke", 0, places)
    assert not finished_card(tiny.run(), "smoke", 0, places) and finished_card(tiny.run(), "smoke", 1, places)
    forget(tiny.run(), "smoke", 0, places)  # once more does no harm


def test_a_run_without_stages_is_refused(places: Places) -> None:
    with pytest.raises(ValueError, match="tiny: net has no stages"):
        trained_once(places, replace(tiny.run(), stages=lambda policy, seed: ()))


# --------------------------------------------------------------------------------------- what else is kept


def watched_run(iterations: int = 4, snapshots: tuple[int, ...] = ()) -> Run:
    """A run whose reinforcement is watched."""
    plain = tiny.run(iterations=iterations)

    def stages(policy: SoftmaxPolicy, seed: int) -> Iterable[Stage]:
        imitation, reinforcement = plain.stages(policy, seed)
        yield imitation
        yield reinforcement._replace(watch=lambda trials, tasks, done: {"seen": float(done * len(tasks))})

    return replace(plain, stages=stages, snapshots=snapshots)


def test_every_metric_stands_on_the_card_under_its_own_name(places: Places) -> None:
    history = trained_once(places, watched_run())["history"]
    assert {len(values) for values in history.values()} == {7}
    assert history["seen"] == [None] * 3 + [0, 16, 32, 48], "the stage before has none"
    assert (
        all(value is not None for value in history["cross_entropy"][:3]) and history["cross_entropy"][3:] == [None] * 4
    )
    assert read_card(places)["history"] == history


def test_snapshots_are_the_weights_of_a_run_that_stopped_there(places: Places, tmp_path: Path) -> None:
    run = watched_run(snapshots=(0, 2))
    whole = trained_once(places, run)
    assert whole["sha256"] == trained_once(Places(tmp_path / "r", tmp_path / "u"), tiny.run())["sha256"]
    # a schedule of four iterations, cut after two
    policy, wanted = run.policy(0), {}
    for stage in run.stages(policy, 0):

        def cut(trials: Any, tasks: Any, done: int, policy: SoftmaxPolicy = policy) -> dict[str, float]:
            wanted[done] = {name: value.clone().half() for name, value in policy.state_dict().items()}
            return {}

        trained.train(stage.learner, *stage.setting, stage.training, threads=1, watch=cut)
    card, weights = trained.snapshot(run, "smoke", 2, places)
    assert card["iterations"] == 2 and card["what"].endswith("after 2 iterations")
    assert all(torch.equal(weights[name].half(), value) for name, value in wanted[2].items())
    start = trained.snapshot(run, "smoke", 0, places)[1]
    assert not torch.equal(weights["head.weight"], start["head.weight"])
    assert not [path for path in places.running.rglob("*") if path.is_file()]


def test_a_run_without_its_snapshots_is_not_finished_and_other_seeds_need_none(places: Places) -> None:
    run = watched_run(snapshots=(1,))
    for seed in (0, 1):
        trained_once(places, run, seed)
        assert finished_card(run, "smoke", seed, places)
    assert sorted(path.name for path in places.results.rglob("*.json")) == [
        "smoke-net-seed0-after1.json",
        "smoke-net-seed0.json",
        "smoke-net-seed1.json",
    ]
    places.snapshot(run, "smoke", 1).with_suffix(".json").unlink()
    assert not finished_card(run, "smoke", 0, places) and finished_card(run, "smoke", 1, places)
    trained_once(places, run)
    forget(run, "smoke", 0, places)
    assert [path.name for path in places.results.rglob("*") if path.is_file() and "seed0" in path.name] == []
