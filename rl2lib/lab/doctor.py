"""`rl2 doctor`: looks at everything a notebook needs, and says how to mend what is wrong."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rl2lib.lab import course, places

PACKAGES = ("numpy", "torch", "matplotlib", "scipy", "jupyterlab", "ipykernel", "ipywidgets", "safetensors")
MIN_PYTHON = (3, 11)
MIN_FREE_BYTES = 1_000_000_000
LEARNER = "rl2lib.training.probes:reinforce"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `fix` is "" where all is well."""

    what: str
    found: str
    fix: str = ""


def examine() -> list[Finding]:
    """Look at Python, the packages, the kernel, threads, disk, write access and the course files."""
    looks: tuple[Callable[[], list[Finding]], ...] = (_python, _packages, _kernel, _threads, _disk, _writing, _course)
    return [finding for look in looks for finding in look()]


def probe(learner: str = LEARNER) -> Iterator[Finding]:
    """Climb the probe ladder with a learner, one finding a rung, up to the first that fails.

    Args:
        learner: "module:name" of a function that makes one; see `rl2lib.training.probes.MakeLearner`.

    Raises:
        FileNotFoundError: there is no such module or no such name in it.
    """
    from rl2lib.training.probes import LADDER, climb

    make = _named(learner)
    for one in LADDER:
        (rung,) = climb(make, [one], threads=1)
        yield Finding(one.name, rung.found, "" if rung.passed else one.suspects)
        if not rung.passed:
            return


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    sys.path.insert(0, os.getcwd())  # a learner's own file lies where the command is run
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FileNotFoundError(f"--learner: expected module:name, got {path!r} ({error})") from error
    finally:
        sys.path.pop(0)


def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fix = "" if sys.version_info >= MIN_PYTHON else "install Python 3.11 or newer, remove .venv, run `make setup`"
    return [Finding("Python", f"{version} at {sys.executable}", fix)]


def _packages() -> list[Finding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(Finding(name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(name, "not installed", "run `make setup`, or `pip install -c constraints.txt .`"))
    return findings


def _kernel() -> list[Finding]:
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return [Finding("kernel", "jupyter_client is not installed", "run `make setup`")]
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return [Finding("kernel", "no kernel called python3", "run `python -m ipykernel install --sys-prefix`")]
    own = os.path.basename(command).startswith("python") and (
        os.sep not in command or os.path.realpath(command) == os.path.realpath(sys.executable)
    )
    fix = "" if own else f"another Python answers as python3: run `{sys.executable} -m ipykernel install --sys-prefix`"
    return [Finding("kernel", f"python3: {command}", fix)]


def _threads() -> list[Finding]:
    import torch

    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    fix = "" if threads <= cores else f"set OMP_NUM_THREADS={cores}: more threads than cores slow training down"
    return [Finding("threads", f"{threads} torch threads on {cores} cores", fix)]


def _disk() -> list[Finding]:
    folder = places.work()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    fix = "" if free >= MIN_FREE_BYTES else "make room: checkpoints and notebooks want 1 GB"
    return [Finding("free disk", f"{free / 1e9:.1f} GB at {folder}", fix)]


def _writing() -> list[Finding]:
    folder = places.state()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        return [Finding("write access", str(error), "set RL2_WORK to a folder of your own")]
    return [Finding("write access", str(folder))]


def _course() -> list[Finding]:
    try:
        notebooks = course.load().notebooks
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Finding("course", str(error), "run `make build`, or reinstall rl2lib")]
    missing = [item.name for item in notebooks if not (places.released() / f"{item.name}.ipynb").exists()]
    if missing:
        return [Finding("course", f"missing: {', '.join(missing)}", "run `make build`, or reinstall rl2lib")]
    return [Finding("course", f"{len(notebooks)} notebooks, version {course.load().version}")]
