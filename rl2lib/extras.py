"""What the base installation leaves out, and how to get it: the extras of pyproject.toml."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class MissingExtra(ImportError):
    """A part of the library is used whose packages are not installed; the message is one line with pip's command."""


@contextlib.contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Say how to install what the imports in the block do not find.

    Args:
        extra: the extra that brings it: "lab", "cluster" or "gym".
        what: the part that needs it, as the message's subject.

    Raises:
        MissingExtra: a module is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "rl2lib":
            raise
        raise MissingExtra(
            f"{what} needs {error.name}, which is not installed: pip install 'rl2lib[{extra}]'"
        ) from None
