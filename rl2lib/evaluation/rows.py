"""What a measurement leaves behind: rows of a table, points of a figure, and verdicts on both. As files: CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rl2lib.evaluation.statistics import Estimate, normal_estimate
from rl2lib.files import write_whole

Word = Literal["matched", "surpassed", "not reached", "open", "not measured"]


class Verdict(NamedTuple):
    """How a claim stands.

    Attributes:
        word: the verdict; "open" where the intervals allow both.
        evidence: the numbers behind it.
    """

    word: Word
    evidence: str


def at_least(estimates: Iterable[Estimate], level: float) -> Word:
    """Return whether all of some estimates are shown to be at a level, one is shown to be below, or neither is."""
    found = list(estimates)
    if any(estimate.high < level for estimate in found):
        return "not reached"
    return "matched" if all(estimate.low >= level for estimate in found) else "open"


@dataclass(frozen=True)
class Row:
    """One agent in one cell.

    Attributes:
        id: the experiment's.
        cell: e.g. "n10_k5".
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
        normalised: (mean - random) / (reference - random), paired over tasks.
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
    actions: str = "own rule"
    mean: float = math.nan
    se: float = math.nan
    num_tasks: int = 0
    seeds: int = 0
    every_seed: tuple[float, ...] = ()
    published: float | None = None
    published_se: float | None = None
    ceiling: float | None = None
    ceiling_is: str = ""
    normalised: float | None = None
    normalised_se: float | None = None
    behind: float | None = None
    behind_se: float | None = None
    better: str = "higher"

    @property
    def estimate(self) -> Estimate:
        """The mean with its 95% interval over tasks."""
        return normal_estimate(self.mean, self.se)

    @property
    def share(self) -> Estimate:
        """The normalised score with its 95% interval over tasks.

        Raises:
            KeyError: if its cell has no scale to normalise by.
        """
        if self.normalised is None:
            raise KeyError(f"{self.cell}: a normalised score of {self.agent}")
        return normal_estimate(self.normalised, self.normalised_se or 0.0)

    @property
    def level_with_best(self) -> bool:
        """Whether the paired 95% interval does not separate it from the cell's best."""
        return self.behind is not None and abs(self.behind) <= 1.96 * (self.behind_se or 0.0)

    def verdict(self) -> Verdict:
        """Compare with the published number: a difference within the noise of both, and of rounding, is a match."""
        if self.published is None:
            return Verdict("not measured", "nothing was published")
        if not (math.isfinite(self.mean) and math.isfinite(self.se)):
            return Verdict("not measured", f"mean {self.mean:.4g}, standard error {self.se:.4g}")
        ahead = self.mean - self.published if self.better == "higher" else self.published - self.mean
        rounding = 0.5 * 10.0 ** -_decimals(self.published)
        noise = 1.96 * math.hypot(self.se, self.published_se or 0.0) + rounding
        evidence = f"{self.mean:.4g} ± {1.96 * self.se:.2g}, published {self.published:g}"
        if abs(ahead) <= noise:
            return Verdict("matched", evidence)
        return Verdict("surpassed" if ahead > 0 else "not reached", evidence)


@dataclass(frozen=True)
class Point:
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


def columns(line: list[Point]) -> list[list[float]]:
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


def _text(records: list[Any], kind: type) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [part.name for part in fields(kind)], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _cell(value) for name, value in asdict(record).items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(f"{part:.7g}" for part in value)
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    # Python 3.11 leaves a bare carriage return unquoted, and it would end the record
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _read(path: Path, kind: type) -> list[Any]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        try:
            return [
                kind(**{part.name: _parsed(line[part.name], str(part.type)) for part in fields(kind)}) for line in lines
            ]
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"{path}: line {lines.line_num} is not as it was written ({type(error).__name__}: {error}); "
                "restore the file, or remove it, and what it held is measured again"
            ) from error


def _parsed(text: str | None, kind: str) -> Any:
    if text is None:
        raise ValueError("it ends early")
    if kind.startswith("tuple"):
        return tuple(float(part) for part in text.split())
    if kind.startswith("float"):
        return float(text) if text else (None if "None" in kind else math.nan)
    return int(text) if kind == "int" else text


def _decimals(value: float) -> int:
    """As many as the number is written with; a table of 6.6 and 5 means 5.0, so one at least."""
    return max(1, -int(Decimal(f"{value:.10g}").as_tuple().exponent))
