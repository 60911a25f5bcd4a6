"""Text that a student may have chosen, made fit to be shown: nothing hidden, nothing endless, nothing a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
MANY_COMBINING = re.compile(f"([{COMBINING}]{{3}})[{COMBINING}]+")
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
AFTER_SEMICOLON = re.compile(r'(;["\s]*)(?=[=+\-@])')


class _Visible(dict[int, str]):
    """Character -> what stands for it; filled as characters come."""

    def __missing__(self, code: int) -> str:
        self[code] = shown = self._shown(code)
        return shown

    def _shown(self, code: int) -> str:
        if code in (0x09, 0x0A) or unicodedata.category(chr(code)) not in HIDDEN:
            return chr(code)
        if code < 0x20:
            return chr(0x2400 + code)
        return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


_VISIBLE = _Visible()


def visible(text: str, limit: int = 4000) -> str:
    """Return the text with every character that would not be seen written out: escapes, direction marks, surrogates.

    A terminal escape shows as "␛[31m" and colours nothing; a mark that turns the reading direction as "⟨U+202E⟩".
    Line breaks and tabs stay. Of a long text the beginning and the end stay.

    Args:
        text: anything.
        limit: characters that are kept of it, as it came and as it is shown; 4 or more.
    """
    text = text.replace("\r\n", "\n")
    tail = limit // 4
    if len(text) > limit:
        gap = f" … {len(text) - limit} characters left out … "
        return _seen(text[: limit - tail])[: limit - tail] + gap + _seen(text[len(text) - tail :])[-tail:]
    shown = _seen(text)
    return shown if len(shown) <= limit else f"{shown[: limit - tail]} … {shown[-tail:]}"


def visible_line(text: str, limit: int = 200) -> str:
    """Return the text as `visible` does, on one line."""
    return " ".join(visible(" ".join(text.split()), limit).split())


def csv_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a CSV file's text; every cell is fit for a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([spreadsheet_cell(value) for value in row] for row in (columns, *rows))
    return buffer.getvalue()


def spreadsheet_cell(value: object) -> object:
    """Return what may stand in a CSV file: text on one line that no spreadsheet takes for a formula.

    Where the list separator is a semicolon, a spreadsheet cuts there too, whatever the file's own separator is.
    """
    if not isinstance(value, str):
        return value
    text = AFTER_SEMICOLON.sub(r"\1'", visible_line(value, limit=2000))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _seen(text: str) -> str:
    return MANY_COMBINING.sub(r"\1", text.translate(_VISIBLE))
