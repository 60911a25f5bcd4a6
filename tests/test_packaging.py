"""What is shipped: a learner's wheel holds the course and no answer, and runs on its base dependencies alone."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import autograder
import rl2lib
from tests.installed import closure

MOST = 30  # distributions of a base installation; with Jupyter, Dask and typer it was 129


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    root, out = Path(__file__).resolve().parent.parent, tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([*command, str(root), str(root / "autograder")], check=True, capture_output=True)
    return {path.name.split("-")[0]: zipfile.ZipFile(path) for path in out.glob("*.whl")}


def test_the_learners_wheel_holds_the_course_and_nothing_of_the_grader(wheels, root):
    names = wheels["rl2lib"].namelist()
    assert not [name for name in names if "autograder" in name or "mutants" in name or "solutions" in name]
    shipped = {name.rsplit("/", 1)[-1] for name in names if name.endswith(".ipynb")}
    assert shipped == {path.name for path in (root / "notebooks").glob("*.ipynb")}
    for name in names:
        assert b"BEGIN SOLUTION" not in wheels["rl2lib"].read(name), name


def test_the_learners_wheel_holds_every_file_of_the_library(wheels, root):
    kept = {path.relative_to(root).as_posix() for path in (root / "rl2lib").rglob("*") if path.is_file()}
    kept = {name for name in kept if "__pycache__" not in name}
    assert any(name.endswith(".safetensors") for name in kept) and {"rl2lib/lab/course.json", "rl2lib/py.typed"} <= kept
    assert kept <= set(wheels["rl2lib"].namelist())


def test_the_graders_wheel_is_one_package_of_its_name(wheels):
    names = [name for name in wheels["rl2_autograder"].namelist() if ".dist-info" not in name]
    assert names and all(name.startswith("autograder/") for name in names)
    assert {"autograder/box/server.py", "autograder/checks/nb00.py", "autograder/mutants/nb00.py"} <= set(names)


def test_one_version_everywhere_and_the_changelog_begins_with_it(root):
    assert rl2lib.__version__ == autograder.__version__
    assert f"\nversion: {rl2lib.__version__}\n" in (root / "CITATION.cff").read_text()
    told = re.search(r"^## (.*)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert re.fullmatch(re.escape(rl2lib.__version__) + r" \((unreleased|\d{4}-\d\d-\d\d)\)", told)


# --------------------------------------------------------------------------------------- without the extras


@pytest.fixture(scope="module")
def base_installation(wheels, tmp_path_factory):
    """The interpreter of a venv with the learner's wheel and, as links, what it requires without any extra."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    wheels["rl2lib"].extractall(packages)
    (own,) = metadata.distributions(path=[str(packages)], name="rl2lib")
    needed = closure(own.requires or [])
    for distribution in needed.values():
        for top in {file.parts[0] for file in distribution.files or [] if ".." not in file.parts} - {"__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(distribution.locate_file(top))
    return folder / "bin" / "python", needed


def run_in(interpreter: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(interpreter), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_the_base_installation_trains_and_evaluates(base_installation, root, tmp_path):
    interpreter, needed = base_installation
    assert "torch" in needed and len(needed) < MOST, sorted(needed)
    done = run_in(interpreter, str(root / "tests" / "base_installation.py"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "RL²" in done.stdout and "experiments of rl2lib" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("told:")]
    assert [line.rsplit(": ", 1)[1] for line in told] == ["pip install 'rl2lib[gym]'", "pip install 'rl2lib[cluster]'"]


@pytest.mark.slow
def test_the_command_without_its_extra_says_one_line(base_installation, tmp_path):
    done = run_in(base_installation[0], "-m", "rl2lib.cli", "progress", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "rl2: the command needs typer, which is not installed: pip install 'rl2lib[lab]'\n"
