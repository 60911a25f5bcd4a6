"""A learner's own answer takes the library's place when, and only when, its check passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rl2lib.lab import course, workbook
from rl2lib.lab.answers_so_far import own
from rl2lib.lab.store import Store

NAME = "baseline_loss"
RIGHT = (
    "def baseline_loss(value, target, mask):\n"
    "    print('loud')\n"
    "    return 0.5 * (value - target.detach()).square()[mask].mean()"
)
WRONG = "def baseline_loss(value, target, mask):\n    return (value - target.detach()).square()[mask].mean()"


def library(value: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return value.sum()


def answered(source: str, name: str = NAME) -> Path:
    """A learner's copy with one answer cell written, and a pass on record."""
    notebook, _ = course.load().exercise(name)
    (path,) = workbook.start(notebook.number)
    data = json.loads(path.read_text())
    next(cell for cell in data["cells"] if cell.get("id") == name)["source"] = source
    path.write_text(json.dumps(data))
    Store().record_attempt(name, "passed")
    return path


def test_a_passed_answer_takes_the_place_of_the_librarys(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answered(RIGHT)
    found = own(NAME, library)
    assert "yours" in capsys.readouterr().out
    mask = torch.tensor([[True, False]])
    assert found(torch.tensor([[3.0, 9.0]]), torch.zeros(1, 2), mask).item() == 4.5


def test_an_answer_that_was_never_checked_is_not_taken(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answered(RIGHT)
    Store().path.unlink()
    assert own(NAME, library) is library
    assert "has not passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "source", [WRONG, "def baseline_loss(value, target, mask):\n    return helper(value)", "1 / 0", "def ("]
)
def test_an_answer_that_was_spoilt_since_is_not_taken(
    source: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(source)
    assert own(NAME, library) is library
    assert capsys.readouterr().out.count("\n") == 1


def test_a_lost_or_broken_copy_is_not_taken(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = answered(RIGHT)
    path.write_text("{")
    assert own(NAME, library) is library
    path.unlink()
    assert own(NAME, library) is library
    assert capsys.readouterr().out.count("the library's") == 2


def test_a_set_up_name_may_be_replaced_by_another_piece(work: Path) -> None:
    answered(
        "def baseline_loss(value, target, mask):\n"
        "    return 0.5 * losses.masked_mean((value - target.detach()).square(), mask)"
    )

    class Doubled:
        @staticmethod
        def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return 2 * values[mask].mean()

    mask = torch.tensor([[True, False]])
    found = own(NAME, library, losses=Doubled)
    assert found(torch.tensor([[3.0, 9.0]]), torch.zeros(1, 2), mask).item() == 9.0


def test_an_unknown_exercise_is_named(work: Path) -> None:
    with pytest.raises(course.UnknownName, match="did you mean 'baseline_loss'"):
        own("baseline_los", library)
