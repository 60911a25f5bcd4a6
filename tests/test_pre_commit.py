"""The hooks refuse what `make lint` would: bad style, bad format, an import that climbs the layers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def checkout(root, tmp_path):
    """A git repository of its own with the code of this one, everything in it staged."""
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb", "*.safetensors", "*.json")
    for package in ("rl2lib", "autograder"):
        shutil.copytree(root / package, tmp_path / package, ignore=ignore)
    for name in ("pyproject.toml", ".pre-commit-config.yaml"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".gitignore").write_text(".venv\n__pycache__\n.ruff_cache\n.cache\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def hooks(folder: Path, *files: str) -> tuple[int, dict[str, str]]:
    """The exit status of pre-commit on these files, and how each hook ended."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GIT_DIR")}
    environment["PRE_COMMIT_HOME"] = str(folder / ".cache")
    command = [sys.executable, "-m", "pre_commit", "run", "--color=never", "--files", *files]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    lines = [line for line in done.stdout.splitlines() if line.endswith(("Passed", "Failed", "Skipped"))]
    return done.returncode, {line.split(".")[0].strip("( "): line.rsplit(".", 1)[1] for line in lines}


def test_the_hooks_pass_what_is_clean_and_leave_excluded_files_alone(checkout):
    for name in ("mutants/nb00.py", "cli.py"):
        assert (checkout / "autograder" / name).is_file()
    status, ended = hooks(checkout, "autograder/mutants/nb00.py", "autograder/cli.py")
    assert status == 0 and ended == {"ruff check": "Passed", "ruff format": "Passed", "import layers": "Passed"}
    assert git(checkout, "diff", "--stat") == ""


def test_the_hooks_refuse_bad_style_bad_format_and_an_import_that_climbs(checkout):
    path = checkout / "rl2lib" / "files.py"
    path.write_text(path.read_text() + "\nfrom rl2lib  import lab\n")
    status, ended = hooks(checkout, "rl2lib/files.py")
    assert status == 1 and ended == {"ruff check": "Failed", "ruff format": "Failed", "import layers": "Failed"}
    assert path.read_text().endswith("\nfrom rl2lib import lab\n"), "the formatter mends what it refuses"
