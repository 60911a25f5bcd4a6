"""Rows and points: as files, as verdicts, and one cell put into the others' place."""

from math import inf
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields, replace

from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.evaluation.statistics import normal_estimate, student_estimate


def row(cell: str = "a", agent: str = "x", mean: float = 1.0, **rest: Any) -> Row:
    return Row("some", cell, agent, mean=mean, se=rest.pop("se", 0.1), **rest)


FULL = Row(
    id="table1",
    cell="n10_k5",
    agent='Oracle, "told" the task',
    variant="two\nlines",
    setting="c = 0.2; γ = 0,9",
    actions="greedy",
    mean=6.5,
    se=0.25,
    num_tasks=10_000,
    seeds=3,
    every_seed=(6.25, 6.5, -7.0),
    published=6.6,
    published_se=0.125,
    ceiling=6.75,
    ceiling_is="exact",
    normalised_mean=-0.5,
    normalised_se=0.0625,
    behind=0.0,
    behind_se=0.0,
    better="lower",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert all(getattr(FULL, part.name) != part.default for part in fields(Row)), "nothing is left at its default"
    plain = row(published=None, every_seed=(1e-7, 123456.5))
    points = [Point("some", "a", "line, with a comma", 0.0, 2.5), Point("some", "a", "", 1e6, -1.0, -2.0, inf)]
    path = tmp_path / "new" / "laptop.csv"
    rows.write(path, Measured([FULL, plain], points))
    found = rows.read(path)
    assert found.rows == [FULL, plain]
    # nan is not equal to itself
    assert [replace(point, low=0.0, high=0.0) for point in found.points] == [
        replace(point, low=0.0, high=0.0) for point in points
    ]
    assert str(found.points[0].low) == "nan" and (found.points[1].low, found.points[1].high) == (-2.0, inf)
    assert sorted(place.name for place in path.parent.iterdir()) == ["laptop-points.csv", "laptop.csv"]


def test_a_number_that_was_not_measured_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "laptop.csv"
    rows.write(path, Measured([Row("some", "a", "x")]))
    found = rows.read(path).rows[0]
    assert found.mean != found.mean and found.se != found.se and found.published is None and found.every_seed == ()


def test_a_table_keeps_seven_digits_and_is_the_same_when_written_again(tmp_path: Path) -> None:
    path = tmp_path / "laptop.csv"
    rows.write(path, Measured([row(mean=1939.512345678), row(mean=1e-9)], [Point("some", "a", "l", 1 / 3, 2 / 3)]))
    before = path.read_bytes(), path.with_stem("laptop-points").read_bytes()
    found = rows.read(path)
    assert [line.mean for line in found.rows] == [1939.512, 1e-9]
    rows.write(path, found)
    assert (path.read_bytes(), path.with_stem("laptop-points").read_bytes()) == before
    assert b"\r" not in before[0]


def test_a_carriage_return_does_not_end_a_record(tmp_path: Path) -> None:
    rows.write(tmp_path / "x.csv", Measured([row(variant="one\rtwo\r\nthree", setting="after")]))
    found = rows.read(tmp_path / "x.csv").rows[0]
    assert (found.variant, found.setting) == ("one\ntwo\nthree", "after")


def test_where_nothing_was_written_there_is_nothing(tmp_path: Path) -> None:
    assert rows.read(tmp_path / "none.csv") == Measured()


def test_points_that_are_gone_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "laptop.csv"
    rows.write(path, Measured([row()], [Point("some", "a", "l", 0, 0)]))
    rows.write(path, Measured([row()]))
    assert rows.read(path) == Measured([row()]) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",200,", ",two hundred,", r"line 2 .*: Expected `int`, got `str` - at `\$.num_tasks`"),
        (",200,", ",,", "line 2 .*num_tasks"),
        (",200,", ",-1,", r"line 2 .*: Expected `int` >= 0 - at `\$.num_tasks`"),
        ("num_tasks", "tasks", "line 1 .*: expected the columns id,.*, got id,"),
        (",,,higher", "", "line 2 .*: expected 20 cells, got 17"),
        (",higher", ",greater", r"line 2 .*: Invalid enum value 'greater' - at `\$.better`"),
        (",1,0.1,", ",one,0.1,", r"line 2 .*: Expected `float`, got `str` - at `\$.mean`"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "laptop.csv"
    rows.write(path, Measured([row(num_tasks=200)]))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"laptop\.csv: {said}.*; restore the file"):
        rows.read(path)


@pytest.mark.parametrize(
    ("behind", "se", "level"),
    [(0.0, 0.0, True), (0.1, 0.06, True), (0.1, 0.05, False), (0.1, None, False), (None, None, False)],
)
def test_level_with_the_best(behind: float | None, se: float | None, level: bool) -> None:
    assert row(behind=behind, behind_se=se).level_with_best is level


def test_of_few_tasks_the_interval_is_students() -> None:
    assert row(se=0.1, num_tasks=5).score == student_estimate(1.0, 0.1, 5)
    assert row(se=0.1, num_tasks=100).score == normal_estimate(1.0, 0.1) == row(se=0.1, num_tasks=0).score


def test_whoever_is_told_the_task_and_ahead_of_the_best_is_not_level_with_it() -> None:
    assert not row(behind=-1.0, behind_se=0.1).level_with_best
    assert row(behind=-1.0, behind_se=0.6).level_with_best


# --------------------------------------------------------------------------------------- one cell among others


def test_a_cell_replaces_its_own_and_nothing_else() -> None:
    point = Point("some", "c", "l", 0, 0)
    old = Measured([row("c", "x"), row("c", "y"), row("a", "x"), row("gone", "x")], [point])
    fresh = Measured([row("b", "y"), row("b", "x")], [Point("some", "b", "l", 1, 1)])
    found = old.with_cell(fresh, ["a", "b", "c"])
    assert [(line.cell, line.agent) for line in found.rows] == [*zip("abbcc", "xyxxy", strict=True)]
    assert [point.cell for point in found.points] == ["b", "c"]
    assert old.cells() == ["c", "a", "gone"] and found.cells() == ["a", "b", "c"], "and the old is as it was"
    again = found.with_cell(Measured([row("c", "z")]), ["a", "b", "c"])
    assert [line.agent for line in again.cell("c")] == ["z"] and again.cell("b") == found.cell("b")
    assert [point.cell for point in again.points] == ["b"], "a cell measured without points has none"


def test_rows_and_lines_are_found() -> None:
    points = [Point("some", "a", "l", x, 0) for x in (2, 0, 1)] + [Point("some", "a", "m", 5, 0)]
    measured = Measured([row("a", "x", variant="one"), row("a", "x", 2.0, variant="two"), row("b", "x")], points)
    assert measured.row("a", "x", "two").mean == 2.0 and measured.row("b", "x").cell == "b"
    assert [point.x for point in measured.line("a", "l")] == [0, 1, 2]
    with pytest.raises(KeyError, match="a: expected one row of x, got 2"):
        measured.row("a", "x")
    with pytest.raises(KeyError, match=r"b: expected one row of x \(one\), got 0"):
        measured.row("b", "x", "one")
