"""A kill or a full disk leaves the file that was there, and nothing beside it."""

import os
from pathlib import Path

import pytest

from rl2lib.files import write_whole


@pytest.mark.parametrize("problem", [OSError("disk full"), KeyboardInterrupt()])
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    place = tmp_path / "table1" / "laptop.csv"
    write_whole(place, "RL²,ε\n")
    assert place.read_bytes() == "RL²,ε\n".encode()

    def broken(source: object, target: object) -> None:
        raise problem

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(type(problem)):
        write_whole(place, "other")
    assert place.read_text(encoding="utf-8") == "RL²,ε\n" and os.listdir(place.parent) == ["laptop.csv"]
    monkeypatch.undo()
    write_whole(place, b"\x00new")
    assert place.read_bytes() == b"\x00new" and place.stat().st_mode & 0o777 == 0o644
