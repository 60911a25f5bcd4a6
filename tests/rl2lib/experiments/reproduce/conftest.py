"""Shared by these tests: places of their own, and a catalogue with nothing in it but what a test enters."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rl2lib.evaluation import figures
from rl2lib.experiments.catalogue import EXPERIMENTS
from rl2lib.experiments.plan import Experiment
from rl2lib.experiments.reproduce.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "results", tmp_path / "running")


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what fills the catalogue; pictures are small, so that pages take no time."""
    monkeypatch.setattr(figures, "SAVED_DPI", 20)

    def entered(*experiments: Experiment) -> None:
        for known in list(EXPERIMENTS):
            monkeypatch.delitem(EXPERIMENTS, known)
        for experiment in experiments:
            monkeypatch.setitem(EXPERIMENTS, experiment.id, experiment)

    return entered
