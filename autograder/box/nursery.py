"""Runs in the room that bubblewrap made: imports everything once, then forks a locked-in server for each box.

It reads requests from a socket that is its standard input, and runs no student code itself. It knows nothing worth
stealing: library modules, no answer, no check, no submission.

    {"op": "open"} + a descriptor  ->  {"box": number}      the server speaks on that descriptor
    {"op": "end", "box": number}   ->  {"status": code}      killed if it still lived; negative for a signal
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from autograder.box import confine
from autograder.box.server import serve

MESSAGE_BYTES = 4096
WATCH_SECONDS = 0.1


class Nursery:
    """Forks boxes and buries them.

    Args:
        control: where requests come from.
        sandboxed: whether this process is in a sandbox, so that its boxes can and must be locked in.
    """

    def __init__(self, control: socket.socket, sandboxed: bool):
        self._control = control
        self._sandboxed = sandboxed
        self._memory = confine.address_space() + confine.MEMORY
        self._children: dict[int, tuple[int, int]] = {}
        self._opened = 0
        self._alone = False

    def run(self) -> None:
        """Say what this machine can do, then serve until the other side goes."""
        if self._sandboxed and not self._try_alone():
            confine.close_to_others()  # a box that shares our process numbers must not reach our memory
        self._say({"alone": self._alone, "missing": self._try_lock()})
        while True:
            text, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 1)
            if not text:
                return
            request = json.loads(text)
            if request["op"] == "open":
                self._say({"box": self._open(descriptors[0])})
            else:
                self._say({"status": self._end(request["box"])})

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())

    # ------------------------------------------------------------------ what can be done here

    def _try_alone(self) -> bool:
        """Find out whether boxes can have namespaces of their own; if not, each needs a room of its own."""
        if not self._sandboxed:
            return False
        self._alone = True
        self._alone = self._trial(confine.mount_scratch) == ""
        return self._alone

    def _try_lock(self) -> str:
        """Return what keeps a box from being locked in, "" where nothing does."""
        return self._trial(confine.lock) if self._sandboxed else ""

    def _trial(self, step: Any) -> str:
        """Do one step in a process that ends at once; return why it failed."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                if self._alone:
                    confine.enter_namespaces()
                    self._alone = False
                    problem = self._trial(step)
                else:
                    step()
                    problem = ""
            except (OSError, confine.ConfinementError) as error:
                problem = str(error) or type(error).__name__
            os.write(writing, problem.encode()[:1000])
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            problem = pipe.read().decode()
        status = os.waitpid(child, 0)[1]
        return problem or ("" if status == 0 else f"ended with status {status}")

    # ------------------------------------------------------------------ boxes

    def _open(self, descriptor: int) -> int:
        """Fork a box; the one who forked it waits for it, so that it can be the first of its namespaces."""
        reading, writing = os.pipe()
        keeper = os.fork()
        if keeper == 0:
            os.close(reading)
            self._keep(descriptor, writing)
        os.close(writing)
        os.close(descriptor)
        with open(reading, "rb") as pipe:
            told = pipe.read()
        self._opened += 1
        self._children[self._opened] = (keeper, int(told or 0))
        return self._opened

    def _keep(self, descriptor: int, writing: int) -> None:
        """Fork the server, tell its number, wait for it, and end as it ended."""
        status = 1
        try:
            self._control.close()
            if self._alone:
                confine.enter_namespaces()
            # The box will lay an empty folder over /proc; -1 where there is none at all.
            processes = os.open("/proc", os.O_RDONLY) if os.path.isdir("/proc") else -1
            child = os.fork()
            if child == 0:
                os.close(writing)
                self._become_server(descriptor)
            os.write(writing, str(child).encode())
            os.close(writing)
            os.close(descriptor)
            self._watch(child, processes)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            if status < 0:
                with contextlib.suppress(OSError):
                    signal.signal(-status, signal.SIG_DFL)
                os.kill(os.getpid(), -status)
            os._exit(status)

    def _watch(self, child: int, processes: int) -> None:
        """Return when the box has ended; end it where it makes threads without end.

        A thread takes a process number and memory of the kernel, which no limit of a process counts for root.
        """
        with contextlib.suppress(OSError, AttributeError):  # no such system call, not even Linux: it just waits
            ended = os.pidfd_open(child)
            while not select.select([ended], [], [], WATCH_SECONDS)[0]:
                told = os.open(f"{child}/stat", os.O_RDONLY, dir_fd=processes)
                threads = int(os.read(told, 4096).rpartition(b")")[2].split()[17])
                os.close(told)
                if threads > confine.MAX_THREADS:
                    os.kill(child, signal.SIGKILL)
                    return

    def _become_server(self, descriptor: int) -> None:
        try:
            os.setsid()
            confine.die_with_parent()
            channel = os.dup(descriptor)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(nowhere, standard)
            os.closerange(3, channel)
            os.closerange(channel + 1, 4096)
            if self._alone:
                confine.mount_scratch()
            confine.limit(self._memory)
            if self._sandboxed:
                confine.lock()
            serve(channel)
        finally:
            os._exit(0)

    def _end(self, box: int) -> int:
        keeper, child = self._children.pop(box)
        ended, status = os.waitpid(keeper, os.WNOHANG)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child or keeper, signal.SIGKILL)
                os.kill(keeper, signal.SIGCONT)  # a box that it is not kept apart from may have stopped it
            status = os.waitpid(keeper, 0)[1]
        return os.waitstatus_to_exitcode(status)


def main() -> None:
    """`python -m autograder.box.nursery sandboxed|bare MODULE ...`: import the modules, then serve."""
    control = socket.socket(fileno=os.dup(0))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    Nursery(control, sandboxed=sys.argv[1] == "sandboxed").run()


if __name__ == "__main__":
    main()
