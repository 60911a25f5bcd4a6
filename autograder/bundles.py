"""What notebooks ship of results/: copied into the package, byte for byte the same from the same results."""

from __future__ import annotations

from pathlib import Path

from autograder.source import course_root
from rl2lib.experiments import model_card
from rl2lib.experiments.bundled import BUNDLES, select
from rl2lib.files import write_whole

FOLDER = Path("rl2lib") / "lab" / "checkpoints"


def build_bundles(root: Path | None = None) -> list[Path]:
    """Write every bundle below `root`; return the files that changed.

    Raises:
        CheckpointError: if something that is selected is not among the results; one line says what.
    """
    stale = _stale(root or course_root())
    for path, content in stale.items():
        write_whole(path, content)
    return list(stale)


def stale_bundles(root: Path | None = None) -> list[Path]:
    """Return the files that differ from what `build_bundles` would write.

    Raises:
        CheckpointError: as for `build_bundles`.
    """
    return list(_stale(root or course_root()))


def _stale(root: Path) -> dict[Path, bytes]:
    files: dict[Path, bytes] = {}
    if (root / FOLDER).is_dir():  # a course of one's own may have none
        for name in BUNDLES:
            card, weights = select(name, root / "results")
            files[root / FOLDER / f"{name}{model_card.WEIGHTS}"] = weights
            files[root / FOLDER / f"{name}{model_card.CARD}"] = card.encode()  # last: it vouches for the weights
    return {path: content for path, content in files.items() if not path.exists() or path.read_bytes() != content}
