"""Numbers quoted in prose are read from `results/`, never typed: this compares them, and writes them.

A quoted number stands between two comments that name its file, the place in it and its format::

    <!-- quote results/demo.json training.normalised .3f -->0.971<!-- /quote -->
    <!-- quote results/table1/laptop.csv n10_k5/RL²,_arm-equivariant/mean .2f -->6.66<!-- /quote -->

The place in a table of `rl2 reproduce` is cell/agent/column, or cell/agent/variant/column where several rows are one
agent's; spaces are written as underscores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rl2lib.evaluation import rows

QUOTE = re.compile(r"(<!-- quote (\S+) (\S+) (\S+) -->)(.*?)(<!-- /quote -->)")
NOT_FOUND = (OSError, KeyError, IndexError, ValueError, TypeError)
"""What a quote fails by: no such file, no such place in it, a format that does not fit."""
PLACES = ("README.md", "ARCHITECTURE.md", "docs/*.md", "solutions/*.py")


def wrong_quotes(root: Path) -> list[str]:
    """Return one line for every quoted number that is not what its file says."""
    problems = []
    for path in _files(root):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if path.suffix == ".md" and line.startswith("<!-- quote"):
                where = f"{path.relative_to(root)}:{number}"
                problems.append(f"{where}: a comment that begins a line ends the paragraph on GitHub: a word first")
            for match in QUOTE.finditer(line):
                try:
                    expected = quoted(root, *match.groups()[1:4])
                except NOT_FOUND as error:
                    problems.append(f"{path.relative_to(root)}:{number}: {match[2]} {match[3]}: {error!r}")
                    continue
                if match[5] != expected:
                    where = f"{path.relative_to(root)}:{number}"
                    problems.append(
                        f"{where}: says {match[5]}, {match[2]} says {expected}; run `autograder quotes --write`"
                    )
    return problems


def write_quotes(root: Path) -> list[Path]:
    """Put the files' numbers into the prose; return the files that changed. What is not found stays as it is."""

    def fresh_quote(match: re.Match[str]) -> str:
        try:
            return match[1] + quoted(root, *match.groups()[1:4]) + match[6]
        except NOT_FOUND:
            return match[0]

    changed = []
    for path in _files(root):
        text = path.read_text(encoding="utf-8")
        fresh = QUOTE.sub(fresh_quote, text)
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")
            changed.append(path)
    return changed


def quoted(root: Path, file: str, place: str, form: str) -> str:
    """Return the number at a place of a JSON file (dotted keys and list indices) or of a results table, formatted."""
    path = root / file
    value: Any = _in_table(path, place) if path.suffix == ".csv" else _in_json(path, place)
    return format(value, form)


def _in_json(path: Path, place: str) -> Any:
    value: Any = json.loads(path.read_text(encoding="utf-8"))
    for key in place.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _in_table(path: Path, place: str) -> Any:
    cell, agent, *variant, column = place.split("/")
    found = [
        row
        for row in rows.read(path).rows
        if (row.cell, row.agent.replace(" ", "_")) == (cell, agent)
        and (not variant or row.variant.replace(" ", "_") == variant[0])
    ]
    if len(found) != 1:
        raise KeyError(f"expected one row of {place}, found {len(found)}")
    return msgspec.to_builtins(found[0])[column]


def _files(root: Path) -> Iterator[Path]:
    for pattern in PLACES:
        yield from sorted(root.glob(pattern))
