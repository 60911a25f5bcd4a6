"""What pip would install, read from what is installed here."""

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = {"rl2lib", "rl2-autograder"}  # installed in place: what they say of themselves may be of an earlier checkout


def closure(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Distributions by canonical name: the requirements, and theirs in turn, but for our own two."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[str] = set()
    todo = [(line, ("",)) for line in requirements]
    while todo:
        line, extras = todo.pop()
        wanted = Requirement(line)
        name = canonicalize_name(wanted.name)
        asked = f"{name}{sorted(wanted.extras)}"
        if asked in seen or name in OURS:
            continue
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        seen.add(asked)
        found[name] = metadata.distribution(name)
        todo += [(inner, ("", *wanted.extras)) for inner in found[name].requires or []]
    return found
