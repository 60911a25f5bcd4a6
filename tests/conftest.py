"""Settings of every test: no learner's progress touched, no window, one torch thread a process."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ["RL2_PROGRESS"] = "off"
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("RL2_CACHE", tempfile.mkdtemp(prefix="rl2-cache-"))
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """A learner's folder of the test's own, progress recorded."""
    monkeypatch.setenv("RL2_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("RL2_PROGRESS", "on")
    return tmp_path / "work"
