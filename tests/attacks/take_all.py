"""Answers that take all memory, processes, threads, files or descriptors that there are."""

from attacks.entry import Attack

TAKE_ALL = [
    Attack(
        "memory_bomb",
        "a list that grows without end",
        ("memory", "crashed", "timeout"),
        """
            def NAME(*a, **k):
                kept = []
                while True: kept.append(bytearray(1 << 26))
            """,
        stock=False,
    ),
    Attack(
        "memory_in_cell",
        "a terabyte at the top of the cell",
        ("error", "memory", "crashed"),
        """
            import numpy
            held = numpy.ones(1 << 37)
            """,
        then_wrong=True,
    ),
    Attack(
        "hungry_then_tidy",
        "eats memory, catches the error and answers wrongly",
        "failed",
        """
            def NAME(*a, **k):
                try:
                    kept = [bytes(1 << 28) for _ in range(10**6)]
                except MemoryError: pass
                return 17.25
            """,
        stock=False,
    ),
    Attack(
        "fork_bomb",
        "forks without end",
        ("error", "timeout"),
        """
            import os
            def NAME(*a, **k):
                while True: os.fork()
            """,
        seconds=3.0,
        stock=False,
    ),
    Attack(
        "thread_bomb",
        "threads without end, on tiny stacks",
        "crashed",
        """
            import threading
            def NAME(*a, **k):
                threading.stack_size(32768)
                rest = threading.Event()
                while True:
                    try: threading.Thread(target=rest.wait, daemon=True).start()
                    except Exception: pass
            """,
        stock=False,
    ),
    Attack(
        "orphan",
        "a process that outlives the grading",
        "error",
        """
            import subprocess
            def NAME(*a, **k):
                return subprocess.Popen(['sleep', '9371'], start_new_session=True).pid
            """,
    ),
    Attack(
        "fill_disk",
        "fills the disk",
        "error",
        """
            def NAME(*a, **k):
                for number in range(10**6):
                    with open(f'{number}', 'wb') as file: file.write(bytes(1 << 20))
            """,
        stock=False,
    ),
    Attack(
        "fill_inodes",
        "a million empty files",
        "error",
        """
            def NAME(*a, **k):
                for number in range(10**6): open(f'{number}', 'w').close()
            """,
        stock=False,
    ),
    Attack(
        "fill_shared_memory",
        "fills /dev/shm",
        "error",
        """
            def NAME(*a, **k):
                with open('/dev/shm/rl2-attack', 'wb') as file: file.write(bytes(1 << 26))
            """,
        stock=False,
    ),
    Attack(
        "descriptors",
        "opens files until none is left",
        ("error", "crashed", "failed"),
        """
            import os
            def NAME(*a, **k):
                while True: os.dup(0)
            """,
    ),
    Attack(
        "many_pipes",
        "pipes and socket pairs, filled",
        ("error", "failed"),
        """
            import os, socket
            def NAME(*a, **k):
                held = []
                while True: held.append((os.pipe(), socket.socketpair()))
            """,
    ),
]
