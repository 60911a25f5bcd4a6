"""A list of records and a list of columns as a Markdown table, for terminals and pages; `rows` writes CSV.

A record is a mapping or an object with attributes; a column names the field it shows, rounds it, and sets in bold
what its flag says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from rl2lib.evaluation.statistics import Estimate


@dataclass(frozen=True)
class Column:
    """What a column shows, and how.

    Attributes:
        key: the records' field: text, a number, an `Estimate`, or None for an empty cell.
        heading: empty: the key.
        decimals: of floats and estimates.
        bold: the field that says, True or False, whether this column's cell is bold there, e.g. "level_with_best".
    """

    key: str
    heading: str = ""
    decimals: int = 3
    bold: str = ""

    def title(self) -> str:
        """Return the heading, or the key where none was given."""
        return self.heading or self.key

    def text(self, record: Any) -> str:
        """Return the record's cell, rounded, before any escaping."""
        value = field(record, self.key)
        if value is None:
            return ""
        if isinstance(value, Estimate):
            return value.format(self.decimals)
        if isinstance(value, Real) and not isinstance(value, Integral):
            return f"{float(value):.{self.decimals}f}"
        return str(value)

    def is_bold(self, record: Any) -> bool:
        """Return whether the record's cell is bold."""
        return bool(self.bold and field(record, self.bold))


def field(record: Any, key: str) -> Any:
    """Return a record's field, of a mapping or an object.

    Raises:
        KeyError: if it has none of that name.
    """
    if isinstance(record, Mapping) and key in record:
        return record[key]
    if not isinstance(record, Mapping) and hasattr(record, key):
        return getattr(record, key)
    there = list(record) if isinstance(record, Mapping) else [name for name in dir(record) if name[0] != "_"]
    raise KeyError(f"{key}: no such field in the record, which has {', '.join(map(str, there))}")


def to_markdown(records: Sequence[Any], columns: Sequence[Column], *, bold: bool = True) -> str:
    """Return an aligned Markdown table.

    Args:
        records: one a line.
        columns: at least one, left to right.
        bold: set the columns' bold cells in bold; False leaves them plain, for reading in a terminal.

    Raises:
        ValueError: if there is no column, or two have one key.
        KeyError: if a record lacks a field.
    """
    _expect_columns(columns)
    lines = [[_markdown(column.title()) for column in columns]]
    for record in records:
        line = []
        for column in columns:
            cell = _markdown(column.text(record))
            line.append(f"**{cell}**" if bold and cell and column.is_bold(record) else cell)
        lines.append(line)
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rows = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    rows.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(rows)


def _markdown(text: str) -> str:
    # a bar or a line break would end the cell; the rest reads the same in a terminal and on a page
    return " ".join(text.split()).replace("|", r"\|")


def _expect_columns(columns: Sequence[Column]) -> None:
    keys = [column.key for column in columns]
    if not keys or len(set(keys)) < len(keys):
        raise ValueError(f"columns: expected at least one, of keys that differ, got {keys}")
