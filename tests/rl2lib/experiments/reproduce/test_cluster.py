"""Jobs on a Dask cluster: in order, told apart, and done again from their checkpoints where a worker dies."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

from rl2lib import cluster as clusters
from rl2lib.cluster import ClusterError, cluster
from rl2lib.evaluation import rows
from rl2lib.experiments.catalogue import catalogue
from rl2lib.experiments.reproduce import campaign
from rl2lib.experiments.reproduce.agenda import Job, Measuring, Order, Training
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import train_run
from tests.rl2lib.experiments.reproduce import tiny
from tests.rl2lib.experiments.reproduce.tiny import reproduce

Enter = Callable[..., None]
ROOT = Path(__file__).parents[4]
NET, FIRST = Training("tiny", "net", 0), Measuring("tiny", "first")


@pytest.fixture(scope="module")
def threads() -> Iterator[LocalCluster]:
    """Two workers in this process, which see its catalogue, behind an address of TCP."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "5s"}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0", silence_logs=50
        ) as found,
    ):
        yield found


@pytest.fixture
def client(threads: LocalCluster) -> Iterator[Client]:
    with Client(threads) as found:
        yield found


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 300
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def on_cluster(
    client: Client, order: Order, jobs: dict[Job, list[Training]], known: campaign.Catalogue = catalogue
) -> dict[str, Any]:
    return {str(job): outcome for job, outcome in campaign._on_cluster(client, jobs, order, known)}


def test_a_scheduler_does_all_that_this_process_would(places: Places, enter: Enter, threads: LocalCluster) -> None:
    enter(tiny.experiment())
    assert reproduce(["tiny"], Order(places, "smoke", scheduler=threads.scheduler_address)) == []
    here = Places(places.results.with_name("here"), places.running.with_name("here-running"))
    assert reproduce(["tiny"], Order(here, "smoke")) == []
    assert places.table("tiny", "smoke").read_bytes() == here.table("tiny", "smoke").read_bytes()
    for name in ("net", "other"):
        assert tiny.weights(places, name) == tiny.weights(here, name)


def test_threads_of_one_worker_do_not_play_in_each_others_environment(
    places: Places, enter: Enter, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tiny.experiment(runs=(tiny.run(seeds=4),)))
    inside: list[str] = []
    carry = campaign.carry_out

    def alone(job: Job, *args: Any, **kwargs: Any) -> Any:
        inside.append(str(job))
        assert len(inside) == 1
        time.sleep(0.05)
        outcome = carry(job, *args, **kwargs)
        inside.remove(str(job))
        return outcome

    monkeypatch.setattr(campaign, "carry_out", alone)
    found = on_cluster(client, Order(places, "smoke"), {Training("tiny", "net", seed): [] for seed in range(4)})
    assert len(found) == 4 and not [outcome for outcome in found.values() if isinstance(outcome, Exception)]


def test_a_measurement_waits_for_its_training(places: Places, enter: Enter, client: Client) -> None:
    enter(tiny.experiment())
    found = on_cluster(client, Order(places, "smoke"), {NET: [], FIRST: [NET]})
    assert list(found) == [str(NET), str(FIRST)]
    measured, provenance = found[str(FIRST)]
    assert measured.row("first", "RL²").seeds == 1
    assert provenance["trained"][str(NET)]["sha256"] == found[str(NET)]["sha256"]


def test_a_training_that_fails_fails_its_measurement_and_no_other(places: Places, enter: Enter, client: Client) -> None:
    def failing(policy: Any, seed: int) -> Any:
        raise ArithmeticError("no stages today")

    run = replace(tiny.run(name="other", cells=("second",)), stages=failing)
    enter(tiny.experiment(runs=(tiny.run(cells=("first",)), run)))
    other, second = Training("tiny", "other", 0), Measuring("tiny", "second")
    found = on_cluster(client, Order(places, "smoke"), {other: [], second: [other], NET: [], FIRST: [NET]})
    assert isinstance(found[str(other)], ArithmeticError) and isinstance(found[str(second)], ArithmeticError)
    assert found[str(FIRST)][0].row("first", "RL²").seeds == 1


def test_two_who_ask_for_the_same_job_elsewhere_each_get_their_own(
    places: Places, enter: Enter, client: Client
) -> None:
    """A scheduler keeps a job's result under its key while anybody holds it."""
    enter(tiny.experiment())
    elsewhere = Places(places.results.with_name("elsewhere"), places.running)
    outcomes = [
        campaign._on_cluster(client, {NET: []}, Order(where, "smoke"), catalogue) for where in (places, elsewhere)
    ]
    for outcome in outcomes:
        next(outcome)  # and not to its end: the first is still held when the second asks
    assert tiny.weights(places) == tiny.weights(elsewhere)


def test_nothing_to_do_starts_no_cluster(places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tiny.experiment())
    reproduce(["tiny"], Order(places, "smoke"))
    monkeypatch.setattr(campaign, "cluster", None)
    assert reproduce(["tiny"], Order(places, "smoke", workers=2)) == []


# --------------------------------------------------------------------------------------- workers that die


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_is_done_by_another_from_its_checkpoint(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterations, log = 120, tmp_path / "updates"
    monkeypatch.setenv("TINY_ITERATIONS", str(iterations))
    monkeypatch.setenv("TINY_LOG", str(log))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    stage = places.stage(tiny.run(), "smoke", 0, 1)
    killed = []

    def kill_whoever_trains() -> None:
        wait_for(stage / "iteration-0000020")
        killed.append(int(log.read_text(encoding="utf-8").split()[-1]))
        os.kill(killed[0], signal.SIGKILL)

    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": campaign.LIVES}))
        workers = stack.enter_context(
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=50,
            )
        )
        client = stack.enter_context(Client(workers))
        thread = threading.Thread(target=kill_whoever_trains)
        thread.start()
        jobs: dict[Job, list[Training]] = {NET: [], FIRST: [NET], Measuring("tiny", "second"): [NET]}
        found = on_cluster(client, Order(places, "smoke"), jobs, tiny.long_catalogue)
        thread.join()
    assert not [outcome for outcome in found.values() if isinstance(outcome, Exception)]
    assert [found[f"tiny: {cell}"][0].cells() for cell in tiny.CELLS] == [["first"], ["second"]]
    updates = log.read_text(encoding="utf-8").split()
    assert len(set(updates)) == 2 and int(updates[0]) == killed[0] != int(updates[-1])
    assert iterations <= len(updates) <= iterations + 2, (
        "from the last checkpoint, which was the last update or one before"
    )
    whole = Places(tmp_path / "whole", tmp_path / "whole-running")
    card = train_run(tiny.run(iterations=iterations), "smoke", 0, whole, progress=False)
    assert found[str(NET)]["sha256"] == card["sha256"], "and its weights are an unbroken run's"
    assert not stage.parent.exists()


def test_a_lost_scheduler_is_said_in_a_line_and_what_was_done_is_kept(
    places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tiny.experiment())
    settings = {"distributed.comm.timeouts.connect": "1s"}
    carry = campaign.carry_out

    with dask.config.set(settings), ExitStack() as stack:
        lost = stack.enter_context(
            LocalCluster(
                n_workers=1,
                threads_per_worker=1,
                processes=False,
                protocol="tcp",
                dashboard_address=":0",
                silence_logs=60,
            )
        )

        def losing(job: Job, *args: Any, **kwargs: Any) -> Any:
            if job == Measuring("tiny", "second"):
                wait_for(places.table("tiny", "smoke").with_suffix(".json"))
                threading.Thread(target=lost.close).start()
                time.sleep(2)
            return carry(job, *args, **kwargs)

        monkeypatch.setattr(campaign, "carry_out", losing)
        with pytest.raises(ClusterError, match="the Dask scheduler is gone; what was done is kept"):
            reproduce(["tiny"], Order(places, "smoke", scheduler=lost.scheduler_address))
    assert rows.read(places.table("tiny", "smoke")).cells() == ["first"]
    monkeypatch.setattr(campaign, "carry_out", carry)
    assert reproduce(["tiny"], Order(places, "smoke")) == []


# --------------------------------------------------------------------------------------- schedulers that are none


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:1", "Timed out trying to connect"),
        ("smoke-signals://hill", "unknown address scheme"),
        ("hill", "missing port number"),
        ("tls://127.0.0.1:1", "check your TLS configuration"),
    ],
)
def test_where_nobody_answers_the_address_is_named(address: str, reason: str) -> None:
    with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}: .*{reason}"), cluster(1, address):
        pass


@pytest.mark.usefixtures("impatient")
def test_a_server_of_another_kind_is_not_waited_for() -> None:
    """A dashboard's address, say: it waits for us to speak first, and we for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        refused = pytest.raises(ClusterError, match=f"answers at {address}: something is there that is no scheduler")
        with refused, cluster(1, address):
            pass


def test_dasks_own_setting_shortens_the_wait() -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "500ms"}):
        assert clusters._seconds_to_connect() == 0.5
    with dask.config.set({"distributed.comm.timeouts.connect": "2 minutes"}):
        assert clusters._seconds_to_connect() == clusters.CONNECT_SECONDS <= 10


def test_a_cluster_can_be_joined_from_within_a_running_loop(threads: LocalCluster) -> None:
    """A notebook's cells run in one."""
    import asyncio

    async def cell() -> int:
        with cluster(1, threads.scheduler_address) as client:
            return len(client.scheduler_info()["workers"])

    assert asyncio.run(cell()) == 2
