"""A progress bar on stdout, with the time left: never on stderr, where a notebook would call it an error."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def wanted() -> bool:
    """Say whether somebody is watching: stdout is a terminal, or this is a notebook's cell."""
    ipython = sys.modules.get("IPython")
    return sys.stdout.isatty() or (ipython is not None and ipython.get_ipython() is not None)


def progress_bar(total: int, done: int = 0, shown: bool | None = None) -> tqdm[Any]:
    """Return a bar of `total` iterations.

    Args:
        total: the number of iterations.
        done: those already behind us when we start; a resumed run's time left counts new ones only.
        shown: show it at all; None asks `wanted`.
    """
    hidden = not (wanted() if shown is None else shown)
    return tqdm(
        total=total,
        initial=done,
        disable=hidden,
        file=sys.stdout,
        mininterval=0.2,
        unit="iteration",
        dynamic_ncols=True,
    )
