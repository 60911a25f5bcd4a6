"""Where things are: the released notebooks, the learner's own copies, the executed solutions."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
CHECKOUT = PACKAGE.parent
MARKER = ".rl2"


def released() -> Path:
    """Return the folder of released notebooks: the checkout's, or the copy shipped inside the package."""
    shipped = PACKAGE / "lab" / "notebooks"
    return shipped if shipped.is_dir() else CHECKOUT / "notebooks"


def solutions() -> Path | None:
    """Return the checkout's folder of executed solutions, None outside a checkout."""
    folder = CHECKOUT / "solutions"
    return folder if folder.is_dir() else None


def work() -> Path:
    """Return the learner's folder.

    `RL2_WORK` where set; else the folder above the current one that holds learner files already; else
    `work/` of the checkout, or of the current folder for an installed package.
    """
    named = os.environ.get("RL2_WORK")
    if named:
        return Path(named).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_dir():
            return folder
    return (CHECKOUT if (CHECKOUT / "solutions").is_dir() else here) / "work"


def state() -> Path:
    """Return the folder inside `work()` for progress and backups."""
    return work() / MARKER


def recording() -> bool:
    """Whether progress is kept; `RL2_PROGRESS=off` switches it off (grading and tests do)."""
    return os.environ.get("RL2_PROGRESS", "on") != "off"
