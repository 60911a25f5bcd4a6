"""From a plan to results: what is done, what is not done again, and what a failure costs."""

import csv
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.catalogue import UnknownExperiment
from rl2lib.experiments.plan import Experiment, Run, Scale, Trained
from rl2lib.experiments.reproduce import campaign
from rl2lib.experiments.reproduce.agenda import Agenda, Measuring, Order, ReproduceError, Training
from rl2lib.experiments.reproduce.campaign import carry_out
from rl2lib.experiments.reproduce.places import Places
from rl2lib.training import checkpoint
from rl2lib.training.checkpoint import CheckpointError
from tests.rl2lib.experiments.reproduce import tiny
from tests.rl2lib.experiments.reproduce.tiny import reproduce

Enter = Callable[..., None]
NET, OTHER = "tiny: net, seed 0", "tiny: other, seed 0"
FIRST, SECOND = "tiny: first", "tiny: second"
ALL = [NET, FIRST, OTHER, SECOND]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was carried out, in order."""
    carried: list[str] = []
    carry = campaign.carry_out

    def told(job: Any, *args: Any, **kwargs: Any) -> Any:
        carried.append(str(job))
        return carry(job, *args, **kwargs)

    monkeypatch.setattr(campaign, "carry_out", told)
    return carried


def smoke(places: Places, **options: Any) -> Order:
    return Order(places, "smoke", **options)


def table(places: Places, id: str = "tiny") -> Path:
    return places.table(id, "smoke")


def book(places: Places, id: str = "tiny") -> dict[str, Any]:
    return dict(json.loads(table(places, id).with_suffix(".json").read_text(encoding="utf-8")))


def again(done: list[str], order: Order, *ids: str) -> list[str]:
    """Reproduce, expect no failure, and return what was carried out."""
    before = len(done)
    assert reproduce(list(ids or ["tiny"]), order) == []
    return done[before:]


# --------------------------------------------------------------------------------------- what is left behind


def test_everything_is_there_afterwards(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    assert again(done, smoke(places)) == ALL, "each training just before the first measurement that needs it"
    folder = places.results / "tiny"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("checkpoints", "smoke-dark.png", "smoke-points.csv", "smoke.csv", "smoke.json", "smoke.md", "smoke.png")
    ]
    measured = rows.read(table(places))
    assert measured.cells() == ["first", "second"] and len(measured.rows) == 8
    assert len(measured.line("first", "learning")) == len(measured.line("second", "learning")) == 7
    with table(places).open(encoding="utf-8", newline="") as file:
        assert {line["agent"] for line in csv.DictReader(file)} == {"Random", "Oracle", "Thompson", "RL²"}
    assert (places.results / "README.md").is_file()
    assert not [path for path in places.running.rglob("*") if path.is_file()]


def test_a_cells_provenance_names_its_weights_and_how_they_were_made(places: Places, enter: Enter) -> None:
    enter(tiny.experiment())
    assert reproduce(["tiny"], smoke(places)) == []
    made = book(places)
    assert (made["version"], made["scale"], list(made["cells"])) == (1, "smoke", ["first", "second"])
    first, second = made["cells"].values()
    assert set(first) == {"commit", "seconds", "machine", "versions", "trained"} and "cores" in first["machine"]
    assert list(first["trained"]) == [NET] and list(second["trained"]) == [NET, OTHER]
    place = places.weights(tiny.run(), "smoke", 0)
    card = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
    assert first["trained"][NET] == second["trained"][NET]
    assert first["trained"][NET] == {name: card[name] for name in first["trained"][NET]}
    assert {"sha256", "env_steps", "seconds", "commit"} <= set(first["trained"][NET])


def test_measuring_takes_one_thread_and_leaves_the_process_its_own(places: Places, enter: Enter) -> None:
    import torch

    threads = []

    def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
        threads.append(torch.get_num_threads())
        return Measured([rows.Row("tiny", cell, "x", mean=1.0, se=0.1)])

    enter(tiny.experiment(measure=measure))
    torch.set_num_threads(2)
    reproduce(["tiny"], smoke(places))
    assert threads == [1, 1] and torch.get_num_threads() == 2


# --------------------------------------------------------------------------------------- what is not done again


def test_the_second_time_nothing_is_done(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    before = {path: path.read_bytes() for path in places.results.rglob("*") if path.is_file()}
    assert again(done, smoke(places)) == []
    assert before == {path: path.read_bytes() for path in places.results.rglob("*") if path.is_file()}


def test_the_second_time_a_plan_is_asked_for_once_and_a_file_is_read_once(places: Places, enter: Enter) -> None:
    asked: list[str] = []

    def counting(whole: Experiment) -> Experiment:
        def runs(scale: Scale) -> list[Run]:
            asked.append(whole.id)
            return whole.runs(scale)

        return replace(whole, runs=runs)

    shared = tiny.run("tiny", seeds=3)
    mine = (shared, tiny.run(name="other", cells=("second",)))
    enter(counting(tiny.experiment(runs=mine)), counting(tiny.experiment("guest", (shared,))))
    reproduce(["tiny", "guest"], smoke(places))
    asked.clear()
    with opened_below(places.results) as files:
        assert reproduce(["tiny", "guest"], smoke(places)) == []
    assert asked == ["tiny", "guest"]
    assert {path.suffix for path in files} == {".json", ".csv", ".safetensors"}
    assert len(files) == len(set(files)) == 2 * (3 + 1) + 2 * 3, "cards and weights, tables, points and provenance"


LISTENING: list[tuple[Path, list[Path]]] = []


@contextmanager
def opened_below(folder: Path) -> Iterator[list[Path]]:
    """Collect every file below a folder that this process opens to read."""
    files: list[Path] = []
    LISTENING.append((folder, files))
    yield files
    LISTENING.clear()


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and LISTENING and isinstance(arguments[0], str) and arguments[1] in ("r", "rb"):
        ((folder, files),) = LISTENING
        if folder in Path(arguments[0]).parents:
            files.append(Path(arguments[0]))


sys.addaudithook(_listen)  # for good, which is why it listens only while somebody asks


def test_measured_again_from_the_same_weights(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    before = table(places).read_bytes()
    assert again(done, smoke(places, remeasure=True)) == [FIRST, SECOND]
    assert table(places).read_bytes() == before
    assert again(done, smoke(places, remeasure=True, cell="second")) == [SECOND]


def test_fresh_forgets_what_the_asked_cells_need(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    before = tiny.weights(places)
    assert again(done, smoke(places, fresh=True)) == ALL
    assert tiny.weights(places) == before, "a run is fixed by its seed"
    assert again(done, smoke(places, fresh=True, cell="first")) == [NET, FIRST]
    assert again(done, smoke(places)) == [], "the same weights as those that the second was measured with"


def test_more_seeds_train_what_is_missing_and_measure_again(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places, seeds=1))
    assert again(done, smoke(places, seeds=2)) == ["tiny: net, seed 1", FIRST, "tiny: other, seed 1", SECOND]
    assert rows.read(table(places)).row("first", "RL²").seeds == 2
    assert len(rows.read(table(places)).row("first", "RL²").every_seed) == 2
    assert again(done, smoke(places, seeds=2)) == []
    assert again(done, smoke(places, seeds=1)) == [FIRST, SECOND], "fewer, which are there"


def test_one_cell_leaves_the_others_as_they_were(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    assert again(done, smoke(places, cell="second")) == [NET, OTHER, SECOND]
    assert rows.read(table(places)).cells() == ["second"]
    second = rows.read(table(places)).cell("second")
    assert again(done, smoke(places, cell="first")) == [FIRST]
    assert rows.read(table(places)).cells() == ["first", "second"] and rows.read(table(places)).cell("second") == second
    assert again(done, smoke(places)) == []


def test_a_table_that_was_removed_is_measured_again(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    table(places).unlink()
    table(places).with_stem("smoke-points").unlink()
    assert again(done, smoke(places)) == [FIRST, SECOND]


def test_only_cells_whose_weights_have_changed_are_measured_again(
    places: Places, enter: Enter, done: list[str]
) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    for path in (places.results / "tiny" / "checkpoints").glob("*other*"):
        path.unlink()
    enter(tiny.experiment(runs=(tiny.run(), tiny.run(name="other", cells=("second",), iterations=5))))
    assert again(done, smoke(places)) == [OTHER, SECOND]


@pytest.mark.slow
def test_a_run_that_two_experiments_measure_is_trained_once(places: Places, enter: Enter, done: list[str]) -> None:
    shared = tiny.run("tiny")
    enter(tiny.experiment(), tiny.experiment("guest", (shared, tiny.run("guest", "own", ("second",)))))
    jobs = again(done, smoke(places), "tiny", "guest")
    assert jobs == [*ALL, "guest: first", "guest: own, seed 0", "guest: second"]
    assert list(book(places, "guest")["cells"]["first"]["trained"]) == ["guest: net, seed 0"]
    assert again(done, smoke(places), "tiny", "guest") == []
    jobs = again(done, smoke(places, fresh=True), "guest")
    assert jobs == ["guest: first", "guest: own, seed 0", "guest: second"], "what is another's is its own to forget"
    assert again(done, smoke(places, fresh=True), "guest", "tiny")[0] == "guest: net, seed 0"


def test_a_training_asked_for_again_is_not_done_again(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a scheduler asks that has lost the worker with the answer."""
    known = [tiny.experiment()]
    card = carry_out(Training("tiny", "net", 0), Agenda(known, smoke(places)))
    monkeypatch.setattr(campaign, "train_run", None)
    assert carry_out(Training("tiny", "net", 0), Agenda(known, smoke(places))) == card


# --------------------------------------------------------------------------------------- what a failure costs


def failing_in(cell: str, error: BaseException, **parts: Any) -> Experiment:
    whole = tiny.experiment(**parts)

    def measure(asked: str, scale: Scale, trained: Trained) -> Measured:
        if asked == cell:
            raise error
        return whole.measure(asked, scale, trained)

    return replace(whole, measure=measure)


def test_a_cell_that_fails_costs_no_other(places: Places, enter: Enter, capsys: pytest.CaptureFixture[str]) -> None:
    enter(failing_in("first", KeyError("no such agent")))
    (line,) = reproduce(["tiny"], smoke(places))
    assert line.startswith("tiny: first: KeyError: 'no such agent' (test_campaign.py, line ")
    assert rows.read(table(places)).cells() == ["second"] and table(places).with_suffix(".md").is_file()
    told = capsys.readouterr().out.splitlines()
    assert told == [f"done: {NET}", line, f"done: {OTHER}", f"done: {SECOND}"]
    enter(tiny.experiment())
    assert reproduce(["tiny"], smoke(places)) == [] and rows.read(table(places)).cells() == ["first", "second"]


def test_a_failed_measurement_leaves_the_old_one(places: Places, enter: Enter) -> None:
    enter(tiny.experiment())
    reproduce(["tiny"], smoke(places))
    before = table(places).read_bytes(), book(places)
    enter(failing_in("first", ValueError("now it fails")))
    assert len(reproduce(["tiny"], smoke(places, remeasure=True, cell="first"))) == 1
    assert (table(places).read_bytes(), book(places)) == before


def test_a_training_that_fails_costs_the_cells_that_need_it(places: Places, enter: Enter) -> None:
    made = tiny.stages(4)

    def failing(policy: Any, seed: int) -> Any:
        yield next(iter(made(policy, seed)))
        raise ArithmeticError("in its second stage")

    enter(tiny.experiment(runs=(tiny.run(), replace(tiny.run(name="other", cells=("second",)), stages=failing))))
    failed = reproduce(["tiny"], smoke(places))
    assert [line.partition("Error")[0] for line in failed] == [f"{OTHER}: Arithmetic", f"{SECOND}: Checkpoint"]
    assert "smoke-other-seed0.json is missing" in failed[1]
    assert rows.read(table(places)).cells() == ["first"]


def test_what_was_done_before_an_interrupt_is_kept(places: Places, enter: Enter, done: list[str]) -> None:
    enter(failing_in("second", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        reproduce(["tiny"], smoke(places))
    assert rows.read(table(places)).cells() == ["first"] and done == ALL
    enter(tiny.experiment())
    assert again(done, smoke(places)) == [SECOND]


def test_a_page_that_cannot_be_drawn_is_told_and_costs_no_table(places: Places, enter: Enter) -> None:
    def undrawn(measured: Measured) -> Any:
        raise ZeroDivisionError("in draw")

    enter(tiny.experiment(draw=undrawn), tiny.experiment("other"))
    (line,) = reproduce(["tiny", "other"], smoke(places))
    assert line.startswith("tiny: its page: ZeroDivisionError: in draw")
    assert len(rows.read(table(places)).rows) == 8 and table(places, "other").with_suffix(".md").is_file()


# --------------------------------------------------------------------------------------- a full disk


class FullDisk:
    """No space for a file whose writer's folder or name holds a word, from the n-th time on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, word: str, spared: int = 0) -> None:
        self.word, self.spared, self.hits, self._fsync = word, spared, 0, os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, handle: int) -> None:
        asking = sys._getframe(1)
        # of rl2lib.files.write_whole, and of rl2lib.training.checkpoint.save
        place = asking.f_locals.get("path") or asking.f_locals.get("beside") or ""
        if self.word in str(place):
            self.hits += 1
            if self.hits > self.spared:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(handle)


def test_a_full_disk_under_a_checkpoint_leaves_the_one_before(
    places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three files a checkpoint: the second file of the third is refused, in the run of the second cell."""
    enter(tiny.experiment())
    stage = places.stage(tiny.run(name="other"), "smoke", 0, 1)
    with monkeypatch.context() as patch:
        full = FullDisk(patch, str(stage), spared=7)
        failed = reproduce(["tiny"], smoke(places))
        assert full.hits == 8
    assert failed[0] == f"{OTHER}: OSError: [Errno 28] {os.strerror(errno.ENOSPC)}" and len(failed) == 2
    assert rows.read(table(places)).cells() == ["first"]
    latest = checkpoint.latest(stage)
    assert latest is not None and checkpoint.load(latest).card["iteration"] == 2
    assert reproduce(["tiny"], smoke(places)) == []
    assert rows.read(table(places)).cells() == ["first", "second"]
    whole = Places(places.results.with_name("whole"), places.running.with_name("whole-running"))
    assert reproduce(["tiny"], smoke(whole)) == []
    assert tiny.weights(places, "other") == tiny.weights(whole, "other")
    assert table(places).read_bytes() == table(whole).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("word", ["smoke.csv", "smoke-points.csv", "smoke.json"])
def test_a_full_disk_under_a_table_leaves_the_old_results(
    places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    enter(tiny.experiment(), tiny.experiment("other"))
    assert reproduce(["tiny"], smoke(places)) == []
    before = {path: path.read_bytes() for path in (places.results / "tiny").iterdir() if path.is_file()}
    with monkeypatch.context() as patch:
        FullDisk(patch, f"tiny/{word}")
        failed = reproduce(["tiny", "other"], smoke(places, remeasure=True))
    assert [line.partition(": OSError: [Errno 28]")[0] for line in failed] == [FIRST, SECOND]
    assert before == {path: path.read_bytes() for path in (places.results / "tiny").iterdir() if path.is_file()}
    assert len(rows.read(table(places, "other")).rows) == 8, "the other was measured"
    assert reproduce(["tiny"], smoke(places, remeasure=True)) == []


def test_a_full_disk_under_a_runs_weights_or_its_page_is_told(
    places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch, done: list[str]
) -> None:
    enter(tiny.experiment())
    with monkeypatch.context() as patch:
        FullDisk(patch, "smoke-net-seed0.safetensors")
        assert reproduce(["tiny"], smoke(places))[0].startswith(f"{NET}: OSError")
    assert not list(places.results.rglob("*net*"))
    with monkeypatch.context() as patch:
        FullDisk(patch, "smoke.md")
        (line,) = reproduce(["tiny"], smoke(places))
        assert line.startswith("tiny: its page: OSError")
    assert again(done, smoke(places)) == [] and table(places).with_suffix(".md").is_file()


# --------------------------------------------------------------------------------------- what is refused beforehand


def test_unknown_names_are_refused_with_the_nearest(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    with pytest.raises(UnknownExperiment, match="no experiment 'tinny'; did you mean 'tiny'"):
        reproduce(["tinny"], smoke(places))
    with pytest.raises(ReproduceError, match="tiny has no cell 'secnd' at smoke scale; did you mean 'second'"):
        reproduce(["tiny"], smoke(places, cell="secnd"))
    assert done == [] and not places.results.exists()


def test_results_of_another_version_are_refused(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    path = table(places).with_suffix(".json")
    path.write_text(json.dumps({**book(places), "version": 99}), encoding="utf-8")
    for scale in ("smoke", "laptop"):
        with pytest.raises(
            ReproduceError, match=r"smoke\.json: expected results of version 1, got 99; `rl2 reproduce tiny"
        ):
            reproduce(["tiny"], Order(places, scale))
    assert len(done) == 4


@pytest.mark.parametrize("text", ["{", "", "3", "[1]"])
def test_provenance_that_cannot_be_read_is_named(places: Places, enter: Enter, text: str) -> None:
    enter(tiny.experiment())
    path = table(places).with_suffix(".json")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"smoke\.json: it cannot be read"):
        reproduce(["tiny"], smoke(places))


def test_a_damaged_table_is_refused_and_measured_again_once_it_is_removed(
    places: Places, enter: Enter, done: list[str]
) -> None:
    enter(tiny.experiment())
    again(done, smoke(places))
    before = table(places).read_bytes()
    table(places).write_bytes(before[:-20])
    with pytest.raises(ReproduceError, match=r"smoke\.csv: line 9 is not as it was written: .* or remove it"):
        reproduce(["tiny"], smoke(places))
    table(places).unlink()
    assert again(done, smoke(places)) == [FIRST, SECOND] and table(places).read_bytes() == before


def test_damaged_weights_stop_everything_before_anything_is_done(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    again(done, smoke(places, cell="first"))
    weights = places.weights(tiny.run(), "smoke", 0).with_suffix(".safetensors")
    weights.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="not those that its card describes"):
        reproduce(["tiny"], smoke(places))
    assert len(done) == 2
    assert again(done, smoke(places, fresh=True)) == ALL, "as the message says"


def test_a_device_that_is_not_there_is_refused(places: Places, enter: Enter, done: list[str]) -> None:
    enter(tiny.experiment())
    with pytest.raises(ReproduceError, match="nothing can be trained on the device 'abacus'"):
        reproduce(["tiny"], smoke(places, device="abacus"))
    assert done == []


def test_jobs_are_told_by_their_names() -> None:
    assert str(Training("tiny", "net", 0)) == NET and str(Measuring("tiny", "first")) == FIRST
