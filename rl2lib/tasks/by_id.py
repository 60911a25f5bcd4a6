"""Catalogues: things made by a short id and named options, with the nearest name for whoever misspells one."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

Made = TypeVar("Made")


def make_by_id(kind: str, catalogue: Mapping[str, Callable[..., Made]], key: str, options: Mapping[str, Any]) -> Made:
    """Return what a catalogue's entry makes of the options.

    Args:
        kind: what the catalogue holds, for messages: "agent".
        catalogue: factories by id.
        key: the id.
        options: arguments of its factory, by name.

    Raises:
        ValueError: if there is no such id (the nearest is suggested) or an option's value makes no sense.
        TypeError: if there is no such option, or one that has no default is missing.
    """
    factory = catalogue.get(key)
    if factory is None:
        raise ValueError(f"{kind}_id: expected a known {kind}, got {key!r}; {nearest_hint(key, catalogue)}")
    parameters = inspect.signature(factory).parameters
    for name in options:
        if name not in parameters:
            raise TypeError(f"{key}: no option is called {name!r}; {nearest_hint(name, parameters)}")
    missing = [name for name, p in parameters.items() if p.default is p.empty and name not in options]
    if missing:
        raise TypeError(f"{key}: expected {', '.join(missing)} to be given")
    return factory(**options)


def nearest_hint(name: object, known: Iterable[str]) -> str:
    """Return what to say to somebody who asked for a name that is not known: the nearest one, or all."""
    names = list(known)
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(names)}"
