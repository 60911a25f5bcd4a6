"""Rows and points: as files, as verdicts, and one cell put into the others' place."""

from dataclasses import fields, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from rl2lib.evaluation.statistics import normal_estimate
from rl2lib.experiments.reproduce import rows
from rl2lib.experiments.reproduce.rows import Measured, Point, Row, at_least


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
    normalised=-0.5,
    normalised_se=0.0625,
    behind=0.0,
    behind_se=0.0,
    better="lower",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert {part.name for part in fields(Row) if getattr(FULL, part.name) != part.default} == {
        part.name for part in fields(Row)
    }, "nothing is left at its default"
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
    ("old", "new"), [(",200,", ",two hundred,"), ("num_tasks", "tasks"), (",,,higher", ""), (",1,0.1,", ",one,0.1,")]
)
def test_a_damaged_table_is_named(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "laptop.csv"
    rows.write(path, Measured([row(num_tasks=200)]))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=r"laptop\.csv: line 2 is not as it was written"):
        rows.read(path)


# --------------------------------------------------------------------------------------- verdicts

VERDICTS: dict[str, tuple[Row, str]] = {
    "the noise of ours": (row(mean=6.4, se=0.1, published=6.6), "matched"),
    "not below their noise": (row(mean=6.4, se=0.01, published=6.6), "not reached"),
    "the noise of theirs": (row(mean=6.4, se=0.01, published=6.6, published_se=0.1), "matched"),
    "both together": (row(mean=6.35, se=0.08, published=6.6, published_se=0.08), "matched"),
    "above": (row(mean=6.8, se=0.01, published=6.6), "surpassed"),
    "less is better": (row(mean=6.4, se=0.01, published=6.6, better="lower"), "surpassed"),
    "more is worse": (row(mean=6.8, se=0.01, published=6.6, better="lower"), "not reached"),
    "within rounding": (row(mean=6.645, se=0, published=6.6), "matched"),
    "beyond rounding": (row(mean=6.655, se=0, published=6.6), "surpassed"),
    "two decimals": (row(mean=6.645, se=0, published=6.63), "surpassed"),
    "5 in a table of tenths is 5.0": (row(mean=5.3, se=0, published=5.0), "surpassed"),
    "249 is 249.0": (row(mean=249.04, se=0, published=249.0), "matched"),
    "a small number": (row(mean=2e-5, se=0, published=1e-5), "surpassed"),
    "a large one": (row(mean=2e12, se=0, published=1e12), "surpassed"),
    "a sum of decimals is no more exact than they are": (row(mean=0.34, se=0, published=0.1 + 0.2), "matched"),
    "nothing published": (row(), "not measured"),
    "no mean": (row(mean=nan, published=1.0), "not measured"),
    "no error": (row(mean=3.0, se=nan, published=1.0), "not measured"),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str) -> None:
    line, word = VERDICTS[name]
    assert line.verdict().word == word


def test_a_verdict_shows_its_numbers() -> None:
    assert row(mean=6.4, se=0.1, published=6.6).verdict().evidence == "6.4 ± 0.2, published 6.6"


@pytest.mark.parametrize(
    ("behind", "se", "level"),
    [(0.0, 0.0, True), (0.1, 0.06, True), (0.1, 0.05, False), (0.1, None, False), (None, None, False)],
)
def test_level_with_the_best(behind: float | None, se: float | None, level: bool) -> None:
    assert row(behind=behind, behind_se=se).level_with_best is level


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


@pytest.mark.parametrize(
    ("means", "word"), [((1.3, 1.25), "matched"), ((1.3, 1.1), "open"), ((0.7, 1.1), "not reached"), ((), "matched")]
)
def test_at_a_level_is_shown_by_all_lower_ends_and_refuted_by_one_upper_end(
    means: tuple[float, ...], word: str
) -> None:
    assert at_least([normal_estimate(mean, 0.1) for mean in means], 1.0) == word
