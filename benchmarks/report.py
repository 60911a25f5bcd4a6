"""What a run leaves behind: results/bench.json and machine.json, and the tables in docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measure import Figure, Measurement
from rl2lib.files import write_whole

FIGURES, MACHINE, PROFILE = "bench.json", "machine.json", "profile.json"
PAGE = Path("docs") / "performance.md"
RESULTS = "results"


def read(folder: Path) -> list[Measurement]:
    """Return the measurements of `folder`/bench.json, none if there is no such file."""
    path = folder / FIGURES
    return [Measurement(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def read_machine(folder: Path) -> Machine | None:
    """Return the machine that `folder`'s figures were measured on, where it is known."""
    path = folder / MACHINE
    return Machine(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def merge(old: Iterable[Measurement], fresh: Iterable[Measurement], figures: Sequence[Figure]) -> list[Measurement]:
    """Return the old measurements with the fresh ones in their places, in the order of the figures.

    What no longer belongs to any figure is dropped, so that nothing stays that nobody can measure again.
    """
    known = {item.name: item for item in [*old, *fresh]}
    return [known[figure.name] for figure in figures if figure.name in known]


def write(folder: Path, measurements: Sequence[Measurement], machine: Machine) -> None:
    """Write both files of `folder`."""
    write_whole(folder / FIGURES, to_json([asdict(item) for item in measurements]))
    write_whole(folder / MACHINE, to_json(asdict(machine)))


def to_json(value: Any) -> str:
    """Return JSON as it stands in results/; never NaN or infinity, which are not JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_page(root: Path, figures: Sequence[Figure]) -> None:
    """Put the tables of `root`/results/ between their markers in docs/performance.md."""
    page = root / PAGE
    write_whole(page, filled(page.read_text(encoding="utf-8"), root / RESULTS, figures))


def filled(text: str, folder: Path, figures: Sequence[Figure]) -> str:
    """Return the page's text with the tables of `folder` between its markers."""
    machine = read_machine(folder)
    lines = [f"{line}." for line in machine.lines()] if machine else []
    text = put(text, "figures", "\n\n".join([*lines, figure_table(read(folder), figures)]))
    profile = folder / PROFILE
    table = profile_tables(json.loads(profile.read_text(encoding="utf-8"))) if profile.exists() else ""
    return put(text, "profile", table or "Not measured yet: `rl2 bench profile`.")


def put(text: str, name: str, content: str) -> str:
    """Return the text with `content` between the markers `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: if the markers are not there, once each and in this order.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended) or begin in rest or end in before + after:
        raise ValueError(f"{PAGE}: expected the markers {begin} and {end} once each; put them where the table goes")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def cells(item: Measurement, figures: Sequence[Figure]) -> tuple[str, str, str, str, str]:
    """Return a table's cells: name, measured, target, met, note."""
    aims = {figure.name: figure.aim for figure in figures}
    measured = "–" if item.measured is None else f"{number(item.measured)} {item.unit}"
    met = {True: "✓", False: "✗", None: ""}[item.met]
    return item.name, measured, aims.get(item.name, ""), met, item.note


def number(value: float) -> str:
    """Return three digits' worth: 0.944, 23.1, 6,660."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figure_table(measurements: Sequence[Measurement], figures: Sequence[Figure]) -> str:
    """Return the measurements as a Markdown table."""
    if not measurements:
        return "Not measured yet: `rl2 bench`."
    head = ("figure", "measured", "target", "met", "how")
    return markdown([head, *(cells(item, figures) for item in measurements)])


def profile_tables(profile: list[dict[str, Any]]) -> str:
    """Return results/profile.json as Markdown, a table a learner."""
    parts = []
    for entry in profile:
        rows = [(row["part"], f"{row['milliseconds']:.1f}", f"{row['share']:.0%}") for row in entry["parts"]]
        rows.append(("all", f"{entry['milliseconds']:.1f}", "100%"))
        parts.append(f"{entry['title']}:\n\n{markdown([('part', 'ms', 'share'), *rows])}")
    return "\n\n".join(parts)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table, the first its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
