import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl2lib.evaluation.statistics import Estimate
from rl2lib.evaluation.tables import Column, to_markdown

ONE, OTHER = Estimate(-6.6, 0.05, -6.7, -6.5), Estimate(6.25, 0.25, 5.75, 6.75)
COLUMNS = (Column("agent"), Column("pulls"), Column("score", "return, %", decimals=2, bold="level"))
RECORDS = [
    {"agent": "UCB1, c = 0.1", "pulls": 10, "score": ONE, "level": True},
    {"agent": "a|b_c", "pulls": None, "score": OTHER, "level": False},
]


def test_markdown_by_hand() -> None:
    assert to_markdown(RECORDS, COLUMNS).splitlines() == [
        "| agent         | pulls | return, %        |",
        "|---------------|-------|------------------|",
        "| UCB1, c = 0.1 | 10    | **-6.60 ± 0.10** |",
        r"| a\|b_c        |       | 6.25 ± 0.50      |",
    ]
    assert "*" not in to_markdown(RECORDS, COLUMNS, bold=False)


def test_a_record_may_be_an_object_and_a_number_any_kind_of_number() -> None:
    class Record:
        half, count, flag = np.float32(0.5), np.int64(3), True

    columns = (Column("half", decimals=1), Column("count"), Column("flag"))
    assert to_markdown([Record()], columns).splitlines()[2] == "| 0.5  | 3     | True |"


@pytest.mark.slow
@given(st.lists(st.text(), min_size=1))
def test_no_text_adds_a_cell_or_a_line_to_markdown(names: list[str]) -> None:
    lines = to_markdown([{"name": name, "rank": 1} for name in names], (Column("name"), Column("rank"))).split("\n")
    assert len(lines) == len(names) + 2
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        to_markdown(RECORDS, ())
    with pytest.raises(ValueError, match="keys that differ"):
        to_markdown(RECORDS, (Column("agent"), Column("agent")))
    with pytest.raises(KeyError, match="skore: no such field in the record, which has agent, pulls"):
        to_markdown(RECORDS, (Column("skore"),))
