"""What is shipped: a learner's wheel holds the notebooks and no answer, hidden check or mutant."""

import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    from pathlib import Path

    root, out = Path(__file__).resolve().parent.parent, tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([*command, str(root), str(root / "autograder")], check=True, capture_output=True)
    return {path.name.split("-")[0]: zipfile.ZipFile(path) for path in out.glob("*.whl")}


def test_the_learners_wheel_holds_the_notebooks_and_nothing_of_the_grader(wheels, root):
    names = wheels["rl2lib"].namelist()
    assert not [name for name in names if "autograder" in name or "mutants" in name or "solutions" in name]
    shipped = {name.rsplit("/", 1)[-1] for name in names if name.endswith(".ipynb")}
    assert shipped == {path.name for path in (root / "notebooks").glob("*.ipynb")}
    for name in names:
        assert b"BEGIN SOLUTION" not in wheels["rl2lib"].read(name), name
    assert "rl2lib/lab/course.json" in names


def test_the_graders_wheel_is_one_package_of_its_name(wheels):
    names = [name for name in wheels["rl2_autograder"].namelist() if ".dist-info" not in name]
    assert names and all(name.startswith("autograder/") for name in names)
    assert {"autograder/box/server.py", "autograder/checks/nb00.py", "autograder/mutants/nb00.py"} <= set(names)
