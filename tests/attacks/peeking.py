"""Answers that read or write what is not theirs. What they find becomes an exception's text, which a student sees.

Here are places that are the same on every machine; test_canaries.py tries those that only who knows the paths can try.
"""

import textwrap

from attacks.entry import Attack


def reads(name: str, tries: str, body: str, status: str | tuple[str, ...] = "error", stock: bool = True) -> Attack:
    """Return an attack that raises what it read."""
    lines = "\n".join("    " + line for line in textwrap.dedent(body).strip().split("\n"))
    return Attack(
        name, tries, status, f"def NAME(*a, **k):\n{lines}\n    raise ValueError('found ' + str(found))", stock=stock
    )


UPWARDS = (
    "import glob, os\nfound = []\nplace = os.getcwd()\nfor _ in range(8):\n"
    "    for path in glob.glob(place + '/WHAT', recursive=True): found.append(DO)\n    place = os.path.dirname(place)\n"
    "if not found: raise FileNotFoundError('nothing there')"
)


def upwards(what: str, do: str) -> str:
    """Do something to every file of some name in the folders above, as an assignment's folder lies in its course."""
    return UPWARDS.replace("WHAT", what).replace("DO", do)


REWRITE = "update grade set auto_score = 99, needs_manual_grade = 0"

PEEKING = [
    reads(
        "read_source",
        "reads ../source, where the answers are",
        upwards("source/*/*.ipynb", "open(path).read()[-9000:]"),
    ),
    reads(
        "read_gradebook",
        "reads the gradebook: who is in it",
        "import sqlite3\n"
        + upwards("gradebook.db", "sqlite3.connect(path).execute('select id from student').fetchall()"),
    ),
    reads("read_others", "reads another's submission", upwards("submitted/z*/*/*.ipynb", "open(path).read()[-9000:]")),
    reads(
        "write_gradebook",
        "rewrites every row of the gradebook",
        "import sqlite3\n"
        + upwards("gradebook.db", f"(lambda c: (c.execute('{REWRITE}'), c.commit()))(sqlite3.connect(path))"),
    ),
    reads(
        "write_others",
        "overwrites another's submission",
        upwards("submitted/z*/*/*.ipynb", "open(path, 'w').write('{}')"),
    ),
    reads(
        "read_hidden_check",
        "reads the hidden check's module",
        """
            import importlib.util
            spec = importlib.util.find_spec('autograder.checks.nb01')
            found = open(spec.origin).read()
            """,
    ),
    reads("passwords", "reads /etc/passwd", "found = open('/etc/passwd').read()"),
    reads(
        "process_environment",
        "reads the environment of every process",
        "found = [open(f'/proc/{n}/environ').read() for n in (1, 'self')]",
    ),
    reads("process_memory", "opens the memory of the first process", "found = open('/proc/1/mem', 'rb')", stock=False),
    reads(
        "network",
        "connects to the network",
        """
            import socket
            found = socket.create_connection(('1.1.1.1', 53), timeout=1)
            """,
        stock=False,
    ),
    reads(
        "loopback",
        "connects to this machine",
        """
            import socket
            found = socket.create_connection(('127.0.0.1', 22), timeout=1)
            """,
        stock=False,
    ),
    reads(
        "unix_socket",
        "opens a socket of another family",
        """
            import socket
            found = socket.socket(socket.AF_UNIX)
            """,
        stock=False,
    ),
    reads(
        "download",
        "downloads a page",
        """
            import urllib.request
            found = urllib.request.urlopen('http://example.com', timeout=1).read()
            """,
        stock=False,
    ),
    reads(
        "write_root",
        "writes outside of its folder",
        "found = [open(p + '/rl2-attack', 'w') for p in ('/usr', '/etc', '/', '/box', '/dev')]",
        stock=False,
    ),
    reads(
        "patch_library",
        "overwrites the library's files",
        """
            import rl2lib
            found = open(rl2lib.__file__, 'a').write('x = 1')
            """,
        stock=False,
    ),
    reads(
        "kernel",
        "mounts, unshares and traces",
        """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            found = [libc.unshare(0x10000000), libc.ptrace(16, 1, 0, 0), libc.mount(b'none', b'/scratch', b'tmpfs', 0, None)]
            if found == [-1, -1, -1]: raise PermissionError
            """,
        stock=False,
    ),
]
