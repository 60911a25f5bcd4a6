"""A Dask cluster: somebody's, by the address of its scheduler, or processes of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import TYPE_CHECKING

from rl2lib.extras import needs_extra

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

CONNECT_SECONDS = 10  # to wait for a scheduler, or less where Dask's own setting says so
LEAVE_INTERRUPTS_TO_THE_CLIENT = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


class ClusterError(RuntimeError):
    """No cluster is to be had; the message says why."""


@contextlib.contextmanager
def cluster(workers: int, scheduler: str = "", *, allowed_failures: int = 1) -> Iterator[Client]:
    """Connect to the cluster at `scheduler`, or start one on this machine and end it with the block.

    Args:
        workers: processes of one thread each, where no scheduler is named.
        scheduler: the address of one, e.g. "tls://10.0.0.1:8786"; "" for this machine's own.
        allowed_failures: how many workers may die over a job before it is given up.

    Raises:
        ClusterError: nobody answers at the address.
        MissingExtra: Dask is not installed.
    """
    with needs_extra("cluster", "a cluster of processes or machines"):
        import dask
        from distributed import Client, LocalCluster, Security

    settings = {
        # A submission of 20 MB is no mistake.
        "distributed.admin.large-graph-warning-threshold": "100 MB",
        "distributed.scheduler.allowed-failures": allowed_failures,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        if scheduler:
            seconds = _seconds_to_connect()
            try:
                # in a thread of its own, since a notebook's thread has a loop already
                with ThreadPoolExecutor(1) as apart:
                    apart.submit(asyncio.run, _greet(scheduler, seconds)).result()
                client = Client(scheduler, timeout=seconds)
            except (OSError, ValueError, TypeError) as error:  # TypeError: tls:// without a certificate
                raise ClusterError(f"no Dask scheduler answers at {scheduler}: {error}") from None
        else:
            try:
                keys = Security.temporary()
            except ImportError:  # without `cryptography`, other accounts of this machine could reach the workers
                keys = None
            local = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                preload=[LEAVE_INTERRUPTS_TO_THE_CLIENT],
                security=keys,
                silence_logs=logging.CRITICAL,
            )
            client = Client(stack.enter_context(local))
        yield stack.enter_context(client)


def finished(futures: as_completed) -> Iterator[Future]:
    """Yield futures as they end; no interrupt is lost meanwhile.

    Python drops what is raised in a finaliser, and a future's runs in the caller's thread after every result: an
    interrupt that comes just then is raised at the next one.

    Args:
        futures: more may be added while these are gone through.

    Raises:
        KeyboardInterrupt: where Python raises it, or when the next future has ended.
    """
    mine = threading.current_thread() is threading.main_thread()  # interrupts are the main thread's
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody's own
        yield from futures
        return
    interrupted = False

    def heed(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        while frame is not None:
            if frame.f_code.co_name == "__del__":
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, heed)
    try:
        for future in futures:
            if interrupted:
                raise KeyboardInterrupt
            yield future
        if interrupted:
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _seconds_to_connect() -> float:
    import dask

    told = dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect", CONNECT_SECONDS))
    return min(CONNECT_SECONDS, float(told))


async def _greet(address: str, seconds: float) -> None:
    """Exchange Dask's greeting: a `Client` would wait for ever for that of a server of another kind, a dashboard say.

    Raises:
        OSError: nobody is there, or says nothing.
    """
    from distributed import Security
    from distributed.comm import connect

    try:
        async with asyncio.timeout(seconds + 1):
            comm = await connect(address, timeout=seconds, **Security().get_connection_args("client"))
    except TimeoutError:
        raise OSError(f"something is there that is no scheduler, or busy for {seconds:g} s") from None
    await comm.close()
