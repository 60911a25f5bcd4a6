"""A Dask cluster: somebody's, by the address of its scheduler, or processes of this machine."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

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
    """
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
            try:
                client = Client(scheduler)
            except (OSError, ValueError) as error:
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
