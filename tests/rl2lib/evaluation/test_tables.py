import csv
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl2lib.evaluation.statistics import Estimate
from rl2lib.evaluation.tables import Column, escape_latex, to_csv, to_latex, to_markdown

ONE, OTHER = Estimate(-6.6, 0.05, -6.7, -6.5), Estimate(6.25, 0.25, 5.75, 6.75)
COLUMNS = (Column("agent"), Column("pulls"), Column("score", "return, %", decimals=2, bold="level"))
RECORDS = [
    {"agent": "UCB1, c = 0.1", "pulls": 10, "score": ONE, "level": True},
    {"agent": "a|b_c", "pulls": None, "score": OTHER, "level": False},
]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_markdown_by_hand() -> None:
    assert to_markdown(RECORDS, COLUMNS).splitlines() == [
        "| agent         | pulls | return, %        |",
        "|---------------|-------|------------------|",
        "| UCB1, c = 0.1 | 10    | **-6.60 ± 0.10** |",
        r"| a\|b_c        |       | 6.25 ± 0.50      |",
    ]
    assert "*" not in to_markdown(RECORDS, COLUMNS, bold=False)


def test_latex_by_hand() -> None:
    assert to_latex(RECORDS, COLUMNS).splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"agent & pulls & return, \% \\",
        r"\midrule",
        r"UCB1, c = 0.1 & 10 & \textbf{$-$6.60 $\pm$ 0.10} \\",
        r"a\textbar{}b\_c &  & 6.25 $\pm$ 0.50 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_csv_by_hand_keeps_every_digit_and_the_flag() -> None:
    third = 1 / 3
    text = to_csv([RECORDS[0], RECORDS[1] | {"score": None, "pulls": third}], COLUMNS)
    assert text.splitlines() == [
        "agent,pulls,score,score_standard_error,score_low,score_high,level",
        '"UCB1, c = 0.1",10,-6.6,0.05,-6.7,-6.5,True',
        f"a|b_c,{third!r},,,,,False",
    ]


def test_a_record_may_be_an_object_and_a_number_any_kind_of_number() -> None:
    class Record:
        half, count, flag = np.float32(0.5), np.int64(3), True

    columns = (Column("half", decimals=1), Column("count"), Column("flag"))
    assert to_markdown([Record()], columns).splitlines()[2] == "| 0.5  | 3     | True |"
    assert to_latex([Record()], columns).startswith(r"\begin{tabular}{rrl}")
    assert read(to_csv([Record()], columns))[1] == ["0.5", "3", "True"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_comes_back_from_csv(names: list[str]) -> None:
    columns = (Column("name"), Column("rank"))
    text = to_csv([{"name": name, "rank": rank} for rank, name in enumerate(names)], columns)
    line_ends_alike = [name.replace("\r\n", "\n").replace("\r", "\n") for name in names]
    assert [line[0] for line in read(text)[1:]] == line_ends_alike


@pytest.mark.slow
@given(st.lists(st.text(), min_size=1))
def test_no_text_adds_a_cell_or_a_line_to_markdown(names: list[str]) -> None:
    lines = to_markdown([{"name": name, "rank": 1} for name in names], (Column("name"), Column("rank"))).split("\n")
    assert len(lines) == len(names) + 2
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RL², greedy actions", r"RL\textsuperscript{2}, greedy actions"),
        ("ε-greedy", r"$\varepsilon$-greedy"),
        ("100% of R&D_1", r"100\% of R\&D\_1"),
        (r"\{~^}$#", r"\textbackslash{}\{\textasciitilde{}\textasciicircum{}\}\$\#"),
        ("[a] *b*\nc", "{[}a] {*}b{*} c"),
        ("γ ≥ 0.99 – λ", r"$\gamma$ $\geq$ 0.99 -- $\lambda$"),
        ("größer", "größer"),
    ],
)
def test_latex_sets_text_as_it_stands(text: str, expected: str) -> None:
    assert escape_latex(text) == expected


@given(st.text(st.sampled_from("ab \\{}$&#%_^~<>|[*²ε±")))
def test_no_text_reaches_latex_raw(text: str) -> None:
    """Undo what is escaped; nothing that LaTeX would act upon is left."""
    left = re.sub(r"\\[{}$&#%_]|\$\\[a-z]+\$|\\text[a-z]+\{\d?\}|\{[*\[]\}", "", escape_latex(text))
    assert not set(left) & set("\\{}$&#%_^~<>|[*²ε±")


def test_nonsense_is_refused() -> None:
    for form in (to_markdown, to_latex, to_csv):
        with pytest.raises(ValueError, match="at least one"):
            form(RECORDS, ())
        with pytest.raises(ValueError, match="keys that differ"):
            form(RECORDS, (Column("agent"), Column("agent")))
        with pytest.raises(KeyError, match="skore: no such field in the record, which has agent, pulls"):
            form(RECORDS, (Column("skore"),))
    with pytest.raises(ValueError, match="names that differ"):
        to_csv([{"x": ONE, "x_low": 1}], (Column("x"), Column("x_low")))
    with pytest.raises(ValueError, match="x: expected an estimate or None"):
        to_csv([{"x": ONE}, {"x": "best"}], (Column("x"),))
