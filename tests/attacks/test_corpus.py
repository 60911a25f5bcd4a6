"""Every attack against our grader: no unearned point, no lost point, no abort, nothing left behind.

Attacks that are one answer each share a submission, and the other exercises carry right answers, which must earn all
their points. One grader process grades them all, so that what one leaves behind would meet the next.
"""

import contextlib
import gc
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import pytest
import rl2lib.types
from autograder.feedback import feedback_html, feedback_markdown
from autograder.grade import course_sandbox, grade_file
from autograder.result import Result
from rl2lib import codec

from attacks.corpus import GROUPS
from attacks.entry import Handed, packed

pytestmark = pytest.mark.slow
HANDED = [(kind, item) for kind, attacks in GROUPS.items() for item in packed(attacks)]
SECONDS = 30.0  # of our own processor time, whatever the attack does with its own
MEMORY = 400 << 20


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(tmp_path_factory):
    """Temporary folders, processes and descriptors of the grader are as before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        grade_warm()
        before = traces()
        yield
        gc.collect()
        after = traces()
    assert after["folders"] == before["folders"] and after["zombies"] == 0
    assert after["descriptors"] <= before["descriptors"] + 2
    assert after["processes"] <= before["processes"]


def grade_warm() -> None:
    """Start the room, so that it is there before anything is counted."""
    box = course_sandbox(True).open()
    box.channel.close()
    box.end()


def traces() -> dict:
    """Count what a submission could leave behind."""
    family = list(descendants(os.getpid()))
    states = [Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] for process in family]
    return {
        "folders": sorted(path.name for path in Path(tempfile.gettempdir()).glob("rl2*")),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(family),
        "zombies": states.count("Z"),
    }


def descendants(process):
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):
            for child in map(int, Path(f"/proc/{process}/task/{task}/children").read_text().split()):
                yield child
                yield from descendants(child)


@pytest.mark.parametrize(("kind", "item"), HANDED, ids=[f"{kind}-{item.name}"[:100] for kind, item in HANDED])
def test_attack(kind, item, tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.grade.CALL_SECONDS", item.seconds)
    path = item.write(tmp_path)
    beside = sorted(path.parent.iterdir())
    room = course_sandbox(True)._room
    began, held = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = grade_file(path, "eve", item.notebook)
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * 1024 < MEMORY
    assert sorted(path.parent.iterdir()) == beside
    judge(item, result)
    assert rl2lib.types.__name__ == "rl2lib.types"
    assert course_sandbox(True)._room is room, "the room in which boxes are opened was lost"


def judge(item: Handed, result: Result) -> None:
    """Compare a result with what the attack should come to, and look at all that leaves the grader."""
    assert [exercise.name for exercise in result.exercises] == list(item.expected)
    worth = {exercise.name: float(exercise.points) for exercise in item.notebook.exercises}
    for exercise in result.exercises:
        assert exercise.status in item.expected[exercise.name], (exercise, item.expected[exercise.name])
        assert exercise.points == (worth[exercise.name] if exercise.status == "passed" else 0.0)
        assert exercise.max_points == worth[exercise.name]
        assert bool(exercise.reason) == (exercise.status != "passed")
        assert len(exercise.reason) <= 4000
    for attack in item.attacks:
        assert attack.says in " ".join(exercise.reason for exercise in result.exercises)
        assert attack.flag in " ".join(result.flags)
    page, text, line = (
        feedback_html(result),
        feedback_markdown(result),
        json.dumps(codec.builtins(result), ensure_ascii=False),
    )
    for shown in (page, text, line):
        assert len(shown.encode()) < 200_000  # strict: a lone surrogate would raise
        assert not set(shown) & set("\x00\x1b\u202e\u2066")
    assert "<script" not in page
