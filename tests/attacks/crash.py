"""Answers that end the process, or never end themselves."""

from attacks.entry import Attack

CRASH = [
    Attack(
        "exit_in_call",
        "os._exit in the function",
        "crashed",
        """
            import os
            def NAME(*a, **k): os._exit(0)
            """,
    ),
    Attack(
        "exit_in_cell",
        "os._exit at the top of the cell",
        "crashed",
        """
            import os
            os._exit(0)
            """,
        then_wrong=True,
    ),
    Attack(
        "kill_in_call",
        "SIGKILL to itself in the function",
        ("failed", "crashed"),
        """
            import os
            def NAME(*a, **k):
                os.kill(os.getpid(), 9)
                return 17.25
            """,
    ),
    Attack(
        "sys_exit_in_call",
        "sys.exit in the function",
        "error",
        """
            import sys
            def NAME(*a, **k): sys.exit(0)
            """,
    ),
    Attack(
        "sys_exit_in_cell",
        "sys.exit at the top of the cell",
        "error",
        """
            import sys
            sys.exit(0)
            """,
        then_wrong=True,
    ),
    Attack(
        "cancelled",
        "an asyncio.CancelledError, which nbclient takes for its own",
        "error",
        """
            import asyncio
            def NAME(*a, **k): raise asyncio.CancelledError
            """,
    ),
    Attack("input", "a question to the keyboard", "error", "def NAME(*a, **k): return input('grade? ')"),
    Attack(
        "segfault",
        "reads address 0",
        "crashed",
        """
            import ctypes
            def NAME(*a, **k): ctypes.string_at(0)
            """,
    ),
    Attack(
        "rude_exception",
        "an exception that raises when it is read",
        "error",
        """
            class Rude(BaseException):
                def __str__(self): raise Rude
                __repr__ = __str__
            def NAME(*a, **k): raise Rude
            """,
    ),
    Attack(
        "abort",
        "abort() of the C library",
        "crashed",
        """
            import ctypes
            def NAME(*a, **k): ctypes.CDLL(None).abort()
            """,
    ),
    Attack(
        "close_everything",
        "closes every file descriptor, the grader's among them",
        "crashed",
        """
            import os
            def NAME(*a, **k): os.closerange(0, 1024)
            """,
    ),
    Attack(
        "late_exit",
        "a thread that ends the process while the next exercise is graded",
        "failed",
        """
            import os, threading
            def NAME(*a, **k):
                threading.Timer(0.05, os._exit, (0,)).start()
                return 17.25
            """,
    ),
    Attack(
        "exit_hooks",
        "atexit, a finaliser and a signal handler that fire later",
        "failed",
        """
            import atexit, os, signal
            atexit.register(os._exit, 3)
            class Late:
                def __del__(self): os.write(1, b'x')
            late = Late()
            for number in (2, 10, 12, 15): signal.signal(number, lambda *_: os._exit(4))
            """,
        then_wrong=True,
    ),
]

TIME = [
    Attack(
        "loop",
        "an endless loop",
        "timeout",
        """
            def NAME(*a, **k):
                while True: pass
            """,
        seconds=1.0,
    ),
    Attack(
        "stubborn_loop",
        "a loop that swallows every interrupt",
        "timeout",
        """
            def NAME(*a, **k):
                while True:
                    try:
                        while True: pass
                    except BaseException: pass
            """,
        seconds=1.0,
    ),
    Attack(
        "loop_in_cell",
        "an endless loop at the top of the cell",
        "timeout",
        "while True: pass",
        seconds=1.0,
        then_wrong=True,
    ),
    Attack("c_loop", "an endless loop in C", "timeout", "def NAME(*a, **k): return sum(iter(int, 1))", seconds=1.0),
    Attack(
        "slow",
        "answers too slowly",
        "timeout",
        """
            import time
            def NAME(*a, **k):
                time.sleep(1e6)
                return 17.25
            """,
        seconds=1.0,
    ),
    Attack(
        "slow_message",
        "an exception whose text takes for ever",
        ("timeout", "error"),
        """
            class Slow(Exception):
                def __str__(self):
                    while True: pass
            def NAME(*a, **k): raise Slow
            """,
        seconds=1.0,
    ),
    Attack(
        "stop_signal",
        "SIGSTOP to itself",
        ("timeout", "failed"),
        """
            import os
            def NAME(*a, **k):
                os.kill(os.getpid(), 19)
                return 17.25
            """,
        seconds=1.0,
        stock=False,
    ),
    Attack(
        "stack_overflow",
        "recursion without end, with the limit taken away",
        ("crashed", "error", "memory", "timeout"),
        """
            import sys
            def NAME(*a, **k):
                sys.setrecursionlimit(10**9)
                f = lambda: [f() for _ in '1']
                f()
            """,
        seconds=1.0,
        stock=False,
    ),
]
