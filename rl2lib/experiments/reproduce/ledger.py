"""What has been measured: the tables of a folder of results, with the provenance of every cell beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.plan import Scale
from rl2lib.experiments.reproduce.places import VERSION, Places
from rl2lib.files import write_whole
from rl2lib.training.checkpoint import CheckpointError

T = TypeVar("T")


class Ledger:
    """Tables and provenance; a file is read once, and again only where it has been replaced, as by another command.

    Args:
        places: where they lie.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self._read: dict[Path, tuple[Any, Any]] = {}

    def measured(self, experiment: str, scale: Scale) -> Measured:
        """Return an experiment's rows and points, none where nothing was measured.

        Raises:
            ValueError: if a file is not as it was written.
        """
        table = self.places.table(experiment, scale)
        return self._once(table, table.parent.glob(f"{scale}*.csv"), lambda: rows.read(table))

    def provenance(self, experiment: str, scale: Scale) -> dict[str, Any] | None:
        """Return how the cells of a table were made; None if none was.

        Raises:
            CheckpointError: if it cannot be read.
        """
        return self._provenance(self.places.table(experiment, scale).with_suffix(".json"))

    def versions(self, experiment: str) -> dict[Path, Any]:
        """Return the version that each of an experiment's tables is of, by the path of its provenance.

        Raises:
            CheckpointError: if one cannot be read.
        """
        paths = sorted((self.places.results / experiment).glob("*.json"))
        return {path: (self._provenance(path) or {}).get("version") for path in paths}

    def record(
        self, experiment: str, scale: Scale, cell: str, outcome: tuple[Measured, dict[str, Any]], cells: Sequence[str]
    ) -> None:
        """Put a cell into its table, then its provenance beside it: a kill between has it measured again.

        Args:
            experiment: its id.
            scale: at which scale.
            cell: the cell's name.
            outcome: what was measured there, and how.
            cells: all cells of the experiment, in the table's order.
        """
        fresh, provenance = outcome
        table = self.places.table(experiment, scale)
        rows.write(table, self.measured(experiment, scale).with_cell(fresh, cells))
        book = self.provenance(experiment, scale) or {"version": VERSION, "scale": scale, "cells": {}}
        book = {**book, "cells": {**book["cells"], cell: provenance}}
        write_whole(table.with_suffix(".json"), json.dumps(book, indent=1, ensure_ascii=False) + "\n")

    def _provenance(self, path: Path) -> dict[str, Any] | None:
        def read() -> dict[str, Any] | None:
            try:
                return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
            except (ValueError, TypeError) as error:
                raise CheckpointError(f"{path}: it cannot be read ({error})") from error

        return self._once(path, [path], read)

    def _once(self, name: Path, files: Iterable[Path], read: Callable[[], T]) -> T:
        """Return what was read under a name before, unless one of its files is another now."""
        now = {path: (found.st_ino, found.st_mtime_ns) for path in files if path.exists() for found in [path.stat()]}
        if self._read.get(name, (None, None))[0] != now:
            self._read[name] = now, read()
        kept: T = self._read[name][1]
        return kept
