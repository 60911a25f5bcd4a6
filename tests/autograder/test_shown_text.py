"""Text of a student's: nothing hidden in it, nothing endless, nothing that a spreadsheet computes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.shown_text import spreadsheet_cell, visible, visible_line

ANY = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain, ünïcode, שלום, 東京\n\ttab", "plain, ünïcode, שלום, 東京\n\ttab"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("abc\u202egpj.exe", "abc⟨U+202E⟩gpj.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("nul\x00 del\x7f csi\x9b", "nul␀ del␡ csi⟨U+009B⟩"),
        ("half a pair \ud800", "half a pair ⟨U+D800⟩"),
        ("windows\r\nmac\rx", "windows\nmac␍x"),
        ("two\u2028lines", "two⟨U+2028⟩lines"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert visible(text) == shown


@given(ANY, st.integers(8, 200))
def test_what_is_shown_is_printable_and_short_and_stays_as_it_is_shown(text, limit):
    shown = visible(text, limit)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in "\n\t" for char in shown)
    assert len(shown) <= limit + len(" … 9999 characters left out … ")
    shown.encode()
    line = visible_line(text, limit)
    assert "\n" not in line and "\t" not in line and visible_line(line, len(line)) == line


def test_of_a_long_text_both_ends_stay():
    shown = visible("a" * 100_000 + "the end", limit=400)
    assert shown.startswith("a" * 300 + " … 99607 characters left out … ") and shown.endswith("the end")


def test_a_tower_of_accents_is_cut():
    assert visible("e" + "\u0301" * 500 + "x") == "e\u0301\u0301\u0301x"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "\n@"])
def test_no_spreadsheet_sees_a_formula(start):
    assert str(spreadsheet_cell(f"{start}cmd|' /C calc'!A0")).startswith("'")


def test_nor_one_behind_the_separator_of_other_countries():
    assert spreadsheet_cell("x; =1+1") == "x; '=1+1"
    assert spreadsheet_cell('x;"=1+1') == "x;\"'=1+1"
    assert spreadsheet_cell("got [1, -2]; fine") == "got [1, -2]; fine"


def test_numbers_stay_numbers():
    assert spreadsheet_cell(-1.5) == -1.5 and spreadsheet_cell("") == ""
