"""What a measurement leaves behind: rows of a table and points of a figure. As files: CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo

from rl2lib.codec import Count
from rl2lib.evaluation.statistics import Estimate, normal_estimate, student_estimate
from rl2lib.files import write_whole

Error = Annotated[float, Meta(ge=0)]
CeilingIs = Literal["", "exact", "best known", "told the task"]
Record = TypeVar("Record", bound=Struct)
FEW = 100
"""Tasks; of fewer an interval is Student's, of more the normal one, which is shorter by 1% at most."""


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One agent's line of a comparison.

    Attributes:
        id: the experiment's; empty outside of one.
        cell: e.g. "n10_k5"; likewise.
        agent: who played, as the paper calls it.
        variant: which form of it: "plain GRU", "as published".
        setting: what a search on validation tasks chose: "c = 0.2".
        actions: "sampled" or "greedy" for a network, "own rule" for an algorithm.
        mean: of the median seed, over tasks.
        se: its standard error.
        num_tasks: how many tasks it played, the same for all agents of the cell.
        seeds: how many were trained; 0 for an agent without training.
        every_seed: their means, in ascending order.
        published: the paper's number, where it has one; rounded as it is written, to one decimal at least: 5 is 5.0.
        published_se: the standard error of that, stated there or worked out from its number of tasks.
        ceiling: the best that can be expected, or what is known in its place.
        ceiling_is: "exact", "best known" (a rule may pass it), or "told the task" (nobody else can reach it).
        normalised_mean: (mean - random) / (reference - random), paired over tasks; "normalised" in files.
        normalised_se: its standard error.
        behind: how far the cell's best is ahead, paired over tasks; 0 for the best itself, below 0 for whoever beats
            it by being told the task.
        behind_se: its standard error.
        better: "higher" or "lower" is better.
    """

    id: str
    cell: str
    agent: str
    variant: str = ""
    setting: str = ""
    actions: Literal["sampled", "greedy", "own rule"] = "own rule"
    mean: float = math.nan
    se: Error = math.nan
    num_tasks: Count = 0
    seeds: Count = 0
    every_seed: tuple[float, ...] = ()
    published: float | None = None
    published_se: Error | None = None
    ceiling: float | None = None
    ceiling_is: CeilingIs = ""
    normalised_mean: float | None = msgspec.field(default=None, name="normalised")
    normalised_se: Error | None = None
    behind: float | None = None
    behind_se: Error | None = None
    better: Literal["higher", "lower"] = "higher"

    @property
    def score(self) -> Estimate:
        """The mean with its 95% interval over tasks."""
        return self._estimate(self.mean, self.se)

    @property
    def normalised(self) -> Estimate | None:
        """The normalised score with its 95% interval over tasks; None where there is no scale to normalise by."""
        return None if self.normalised_mean is None else self._estimate(self.normalised_mean, self.normalised_se)

    @property
    def share(self) -> Estimate:
        """The normalised score, of whoever must have one.

        Raises:
            KeyError: if its cell has no scale to normalise by.
        """
        if self.normalised is None:
            raise KeyError(f"{self.cell}: a normalised score of {self.agent}")
        return self.normalised

    @property
    def behind_best(self) -> Estimate | None:
        """How far the best is ahead, with its 95% interval over tasks."""
        return None if self.behind is None else self._estimate(self.behind, self.behind_se)

    @property
    def level_with_best(self) -> bool:
        """Whether the paired 95% interval does not separate it from the cell's best."""
        return self.behind_best is not None and abs(self.behind_best.mean) <= self.behind_best.half

    def _estimate(self, mean: float, standard_error: float | None) -> Estimate:
        if 2 <= self.num_tasks < FEW:
            return student_estimate(mean, standard_error or 0.0, self.num_tasks)
        return normal_estimate(mean, standard_error or 0.0)


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """One point of a figure's line.

    Attributes:
        id: the experiment's.
        cell: the cell's.
        line: whose line it is on.
        x: where.
        y: the mean there.
        low: the lower end of its interval, or of the range over seeds.
        high: the upper end.
    """

    id: str
    cell: str
    line: str
    x: float
    y: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Measured:
    """Everything measured of an experiment, or of one of its cells.

    Attributes:
        rows: of its table.
        points: of its figure.
    """

    rows: list[Row] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def row(self, cell: str, agent: str, variant: str | None = None) -> Row:
        """Return an agent's row in a cell.

        Raises:
            KeyError: if there is none, or several variants and none is named.
        """
        found = [row for row in self.rows if (row.cell, row.agent) == (cell, agent) and variant in (None, row.variant)]
        if len(found) != 1:
            named = f"{agent} ({variant})" if variant else agent
            raise KeyError(f"{cell}: expected one row of {named}, got {len(found)}")
        return found[0]

    def cell(self, name: str) -> list[Row]:
        """Return a cell's rows."""
        return [row for row in self.rows if row.cell == name]

    def cells(self) -> list[str]:
        """Return the cells that were measured, in the table's order."""
        return list(dict.fromkeys(row.cell for row in self.rows))

    def line(self, cell: str, line: str) -> list[Point]:
        """Return a line's points, from left to right."""
        return sorted((point for point in self.points if (point.cell, point.line) == (cell, line)), key=lambda p: p.x)

    def with_cell(self, fresh: Measured, cells: Iterable[str]) -> Measured:
        """Return this with one cell's rows and points replaced; cells are put in the order of `cells`."""
        replaced = {row.cell for row in fresh.rows} | {point.cell for point in fresh.points}
        place = {cell: index for index, cell in enumerate(cells)}
        rows = [row for row in self.rows if row.cell not in replaced] + fresh.rows
        points = [point for point in self.points if point.cell not in replaced] + fresh.points
        return Measured(
            sorted((row for row in rows if row.cell in place), key=lambda row: place[row.cell]),
            sorted((point for point in points if point.cell in place), key=lambda point: place[point.cell]),
        )


def columns(line: Sequence[Point]) -> list[list[float]]:
    """Return a line's x, low, y and high, as `figures.band` takes them."""
    return [[getattr(point, part) for point in line] for part in ("x", "low", "y", "high")]


def read(path: Path) -> Measured:
    """Return what `write` wrote; nothing where nothing has been written.

    Raises:
        ValueError: if a file is not what `write` writes.
    """
    return Measured(_read(path, Row), _read(_points(path), Point))


def write(path: Path, measured: Measured) -> None:
    """Write NAME.csv with the rows, and NAME-points.csv with the points where there are any."""
    write_whole(path, _text(measured.rows, Row))
    if measured.points:
        write_whole(_points(path), _text(measured.points, Point))
    else:
        _points(path).unlink(missing_ok=True)


def _points(path: Path) -> Path:
    return path.with_stem(f"{path.stem}-points")


def _text(records: Sequence[Struct], kind: type[Struct]) -> str:
    columns = msgspec.structs.fields(kind)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.encode_name for column in columns)
    writer.writerows([_cell(getattr(record, column.name)) for column in columns] for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(f"{part:.7g}" for part in value)
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    # Python 3.11 leaves a bare carriage return unquoted, and it would end the record
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _read(path: Path, kind: type[Record]) -> list[Record]:
    if not path.is_file():
        return []
    columns = msgspec.structs.fields(kind)
    names = [column.encode_name for column in columns]
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        try:
            if (header := next(lines, [])) != names:
                raise ValueError(f"expected the columns {','.join(names)}, got {','.join(header) or 'none'}")
            return [msgspec.convert(_parsed(columns, cells), kind, strict=False) for cells in lines]
        except (ValueError, csv.Error) as error:
            raise ValueError(
                f"{path}: line {lines.line_num} is not as it was written: {error}; "
                "restore the file, or remove it, and what it held is measured again"
            ) from error


def _parsed(columns: Sequence[FieldInfo], cells: Sequence[str]) -> dict[str, str | list[str]]:
    """Return a line's cells by name, but for the empty ones that stand for a default."""
    if len(cells) != len(columns):
        raise ValueError(f"expected {len(columns)} cells, got {len(cells)}")
    return {
        column.encode_name: text.split() if isinstance(column.default, tuple) else text
        for column, text in zip(columns, cells, strict=True)
        if text or _cell(column.default) not in ("", None)
    }
