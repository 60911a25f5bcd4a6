"""One list of records, one list of columns, three forms: CSV for machines, Markdown for READMEs, LaTeX for papers.

A record is a mapping or an object with attributes; a column names the field it shows. Text forms round, and set in
bold what a column's flag says; CSV keeps every digit, the flag, and an estimate's error and interval.
"""

from __future__ import annotations

import csv
import io
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
        heading: in Markdown and LaTeX; empty: the key. CSV is headed by keys.
        decimals: of floats and estimates in Markdown and LaTeX.
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


def to_latex(records: Sequence[Any], columns: Sequence[Column], *, bold: bool = True) -> str:
    r"""Return a tabular for ``\usepackage{booktabs}``, numbers to the right; pdfLaTeX needs nothing else.

    Args:
        records: one a line.
        columns: at least one, left to right.
        bold: set the columns' bold cells in bold.

    Raises:
        ValueError: if there is no column, or two have one key.
        KeyError: if a record lacks a field.
    """
    _expect_columns(columns)
    lines = [" & ".join(escape_latex(column.title()) for column in columns) + r" \\", r"\midrule"]
    for record in records:
        line = []
        for column in columns:
            # a number's hyphen is a minus sign
            text = column.text(record)
            cell = escape_latex(text.replace("-", "−") if _is_number(field(record, column.key)) else text)
            line.append(rf"\textbf{{{cell}}}" if bold and cell and column.is_bold(record) else cell)
        lines.append(" & ".join(line) + r" \\")
    sides = "".join(
        "r" if any(_is_number(field(record, column.key)) for record in records) else "l" for column in columns
    )
    return "\n".join([rf"\begin{{tabular}}{{{sides}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def to_csv(records: Sequence[Any], columns: Sequence[Column]) -> str:
    """Return CSV with a header of keys, every digit kept.

    An estimate takes four columns, KEY, KEY_standard_error, KEY_low and KEY_high, and a field that sets cells in
    bold a column of its own at the end.

    Args:
        records: one a line.
        columns: at least one, left to right.

    Raises:
        ValueError: if there is no column, two have one name, or a column mixes estimates with something else.
        KeyError: if a record lacks a field.
    """
    _expect_columns(columns)
    split: dict[str, bool] = {}
    for column in columns:
        kinds = {isinstance(value, Estimate) for record in records if (value := field(record, column.key)) is not None}
        if len(kinds) > 1:
            raise ValueError(f"{column.key}: expected an estimate or None in every record, got other values as well")
        split[column.key] = True in kinds
    keys = [column.key for column in columns]
    flags = [flag for flag in dict.fromkeys(column.bold for column in columns) if flag and flag not in keys]
    header = [name for key in keys for name in (_parts(key) if split[key] else [key])] + flags
    if len(set(header)) < len(header):
        raise ValueError(f"columns: expected names that differ, got {', '.join(header)}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for record in records:
        line: list[Any] = []
        for key in keys:
            value = field(record, key)
            if not split[key]:
                line.append(_one_line_end(value) if isinstance(value, str) else value)
            elif value is None:
                line += [None] * 4
            else:
                line += [value.mean, value.standard_error, value.low, value.high]
        writer.writerow(line + [field(record, flag) for flag in flags])
    return text.getvalue()


def escape_latex(text: str) -> str:
    """Return text that LaTeX sets as it stands: its special characters, and signs that pdfLaTeX has no glyph for."""
    return " ".join(text.split()).translate(_LATEX)


_GREEK = (
    "αalpha βbeta γgamma δdelta εvarepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu νnu ξxi πpi ρrho "
    "σsigma τtau υupsilon φvarphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega"
)
_MATHS = {letter[0]: letter[1:] for letter in _GREEK.split()} | {
    "µ": "mu",  # the micro sign, which keyboards have
    "±": "pm",
    "×": "times",
    "·": "cdot",
    "≤": "leq",
    "≥": "geq",
    "≈": "approx",
    "≠": "neq",
    "∞": "infty",
    "→": "rightarrow",
}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # after the \\ of the line before, these would be its argument
        "[": "{[}",
        "*": "{*}",
        "−": "$-$",
        "–": "--",
        "—": "---",
        "…": r"\dots{}",
    }
    | {character: "\\" + character for character in "{}$&#%_"}
    | {character: rf"$\{name}$" for character, name in _MATHS.items()}
    | {character: rf"\textsuperscript{{{digit}}}" for character, digit in _SUPERSCRIPTS.items()}
)


def _markdown(text: str) -> str:
    # a bar or a line break would end the cell; the rest reads the same in a terminal and on a page
    return " ".join(text.split()).replace("|", r"\|")


def _one_line_end(text: str) -> str:
    # Python 3.11 leaves a bare carriage return unquoted, and it would end the record
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, Estimate)) and not isinstance(value, bool)


def _parts(key: str) -> list[str]:
    return [key, f"{key}_standard_error", f"{key}_low", f"{key}_high"]


def _expect_columns(columns: Sequence[Column]) -> None:
    keys = [column.key for column in columns]
    if not keys or len(set(keys)) < len(keys):
        raise ValueError(f"columns: expected at least one, of keys that differ, got {keys}")
