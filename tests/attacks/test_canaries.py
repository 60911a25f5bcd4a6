"""What must not be read is marked with a word that is nowhere else; whatever leaves the grader must not contain it.

Planted in the hidden checks, the mutants and the reference answers, in the gradebook, in another submission, in the
grader's environment, in its home, and in its checkout. The attacks know where all of that lies, and raise, return or
print what they find: an exception's text does reach the student.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from autograder.box.wire import Channel
from autograder.grade import grade_file
from autograder.samples import filled, reference_answers, write_submission

from attacks.entry import COURSE

ROOT = Path(__file__).resolve().parent.parent.parent
WORD = "canary5f2c"
PLACES = ("autograder", "solutions", "gradebook", "submitted", "home", "checkout", "environment")
SNOOP = """
import gc, os
FIRST, LAST = "canary", "5f2c"  # never together, or it would find itself
def look():
    found = []
    def note(where, text):
        at = text.find(FIRST)
        if at >= 0 and text[at + len(FIRST):].startswith(LAST): found.append(f"{where}: {text[max(0, at - 30):at + 30]!r}")
    def read(path):
        try:
            with open(path, errors="replace") as file: note(path, file.read(10**7))
        except OSError: pass
    for top in PATHS:
        read(top)
        for folder, _, names in os.walk(top):
            for name in names: read(os.path.join(folder, name))
    for process in ("self", *range(1, 40)):
        for name in ("environ", "cmdline", "maps"): read(f"/proc/{process}/{name}")
    note("environment", str(dict(os.environ)))
    for thing in gc.get_objects():
        if type(thing) in (dict, list, tuple) and thing is not found:
            for value in list(thing.values() if type(thing) is dict else thing):
                if type(value) is str and "FIRST, LAST" not in value: note("memory", value)
    return found
"""
ENDINGS = {
    "raises": "def mean_trial_return(*a): raise ValueError(str(look()))",
    "raises-in-cell": "raise ValueError(str(look()))",
    "returns": "def mean_trial_return(*a): return str(look())",
    "keys": "def mean_trial_return(*a): return {text[-90:]: 1 for text in look()}",
    "type-name": "def mean_trial_return(*a): return type(str(look())[:190], (), {})()",
    "prints": "def mean_trial_return(*a):\n    print(look())\n    os.write(2, str(look()).encode())",
}


def plant(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Lay the word everywhere; return the environment that the grader is started with, and where the word lies."""
    checkout, home, submitted = folder / "checkout", folder / "home", folder / "submitted"
    shutil.copytree(ROOT / "autograder", checkout / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "solutions", checkout / "solutions", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(ROOT / "notebooks", checkout / "notebooks")
    for path in (*(checkout / "autograder").rglob("nb*.py"), *(checkout / "autograder").glob("*.py")):
        path.write_text(path.read_text() + f"\n# {WORD}\n")
    for path in (checkout / "solutions").glob("*.py"):
        path.write_text(path.read_text().replace("### BEGIN SOLUTION\n", f"### BEGIN SOLUTION\n    # {WORD}\n"))
    home.mkdir()
    (home / "notes.txt").write_text(WORD)
    (checkout / "private.txt").write_text(WORD)
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("create table grade (student text)")
        book.execute("insert into grade values (?)", (WORD,))
    right = reference_answers(COURSE["00"])["mean_trial_return"].replace(
        "trial_returns =", f"# {WORD}\n    trial_returns ="
    )
    write_submission(submitted, "honest", COURSE["00"], filled(COURSE["00"], {"mean_trial_return": right}))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(checkout), str(ROOT)]),
        "HOME": str(home),
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "RL2_SECRET": WORD,
    }
    return environment, [str(checkout), str(home), str(submitted), str(folder / "gradebook.db")]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    environment, paths = plant(folder)
    snoop = f"PATHS = {paths!r}\n" + SNOOP
    for name, ending in ENDINGS.items():
        content = filled(COURSE["00"], {"mean_trial_return": f"{snoop}\n{ending}"})
        write_submission(folder / "submitted", name, COURSE["00"], content)
    command = [sys.executable, "-m", "autograder.cli", "grade", str(folder / "submitted"), "--out", str(folder / "out")]
    ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder, environment, snoop, ended.stdout + ended.stderr


def test_outside_of_a_box_the_attack_finds_the_word_everywhere(graded):
    folder, environment, snoop, _ = graded
    program = f"{snoop}\nprint(chr(10).join(look()))"
    found = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=folder)
    for place in PLACES:
        assert place in found.stdout, (place, found.stdout[-2000:] + found.stderr[-2000:])


def test_nothing_that_leaves_the_grader_contains_the_word(graded):
    folder, _, _, said = graded
    results = {
        line["student"]: line for line in map(json.loads, (folder / "out" / "results.jsonl").read_text().splitlines())
    }
    assert set(results) == {"honest", *ENDINGS}
    for name, result in results.items():
        (exercise,) = result["exercises"]
        assert (exercise["status"] == "passed") == (name == "honest"), exercise
    assert "ValueError: []" in results["raises"]["exercises"][0]["reason"]  # it looked, and found nothing
    # The gradebook is the instructor's own: nbgrader keeps the source in it, answers and all.
    written = [path for path in (folder / "out").rglob("*") if path.is_file() and path.name != "gradebook.db"]
    assert len(written) > 2 * len(results)
    assert not [path for path in written if WORD.encode() in path.read_bytes()] and WORD not in said


def test_the_box_never_learns_the_seed(tmp_path, monkeypatch):
    sent, send = [], Channel.send
    monkeypatch.setattr(
        Channel, "send", lambda self, header, *rest: (sent.append(json.dumps(header)), send(self, header, *rest))[1]
    )
    seed = 7_700_770_077_007_700_770
    content = filled(COURSE["01"], reference_answers(COURSE["01"]))
    result = grade_file(write_submission(tmp_path, "ada", COURSE["01"], content), "ada", COURSE["01"], seed)
    assert result.seed == seed and len(sent) > 100 and not [text for text in sent if str(seed) in text]
