"""The grader's side of a box: a `Handle` whose student lives in another process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.box.wire import Channel, Closed, Decoder, Silence, WireError, encode
from rl2lib.lab.handle import StudentError, StudentGone, StudentTimeout, naming_the_call
from rl2lib.lab.values import Callback, Ref

START_SECONDS = 60.0


class BoxHandle:
    """Starts a child process that runs student code, and speaks to it.

    A plain subprocess: it survives crashes and endless loops, it does not keep hostile code from the machine.

    Args:
        seconds: time limit of one operation.
    """

    def __init__(self, seconds: float = 10.0):
        self._seconds = seconds
        self._callbacks: dict[int, Callback] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="rl2box-")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": self._folder.name,
            "TMPDIR": self._folder.name,
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": self._folder.name,
            "RL2_PROGRESS": "off",
            "OMP_NUM_THREADS": "1",
            "PYTHONSAFEPATH": "1",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "autograder.box.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=environment,
            start_new_session=True,
        )
        if self._child.stdin is None or self._child.stdout is None:
            raise RuntimeError("the box has no pipes")
        self._channel = Channel(os.dup(self._child.stdout.fileno()), os.dup(self._child.stdin.fileno()))
        self._child.stdin.close()
        self._child.stdout.close()
        self._open = True

    # ------------------------------------------------------------------ life

    @property
    def alive(self) -> bool:
        """Whether the box still answers."""
        return self._open

    def close(self) -> None:
        """Kill the box and everything that it started in its session."""
        if self._open:
            self._open = False
            try:
                os.killpg(self._child.pid, 9)
            except ProcessLookupError:
                self._child.kill()
            self._child.wait()
            self._channel.close()
            self._folder.cleanup()

    def __enter__(self) -> BoxHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ the operations of a Handle

    def run(self, source: str, label: str, seconds: float | None = None) -> None:
        """Execute a cell inside.

        Raises:
            StudentError: it raised.
            StudentTimeout: it did not end; the box is gone.
        """
        self._request("run", [source, label], {}, seconds)

    def kind(self, name: str) -> str:
        return str(self._request("kind", [name]))

    def origin(self, name: str) -> str:
        return str(self._request("origin", [name]))

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        with naming_the_call(name, args, kwargs):
            return self._request("call", [name, *args], kwargs)

    def construct(self, name: str, *args: Any, **kwargs: Any) -> Ref:
        return self._ref(self._request("construct", [name, *args], kwargs))

    def method(self, ref: Ref, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._request("method", [ref, name, *args], kwargs)

    def attribute(self, ref: Ref, name: str) -> Any:
        return self._request("attribute", [ref, name])

    def state_dict(self, ref: Ref) -> dict[str, Any]:
        state = self._request("state_dict", [ref])
        return state if isinstance(state, dict) else self._liar("a state_dict that is no dictionary")

    def load_state_dict(self, ref: Ref, state: Mapping[str, Any]) -> None:
        self._request("load_state_dict", [ref, dict(state)])

    def keep(self, value: Any) -> Ref:
        return self._ref(self._request("keep", [value]))

    def grad(
        self, function: str | tuple[Ref, str], args: Sequence[Any], wrt: Sequence[int | Ref], cotangent: Any = None
    ) -> list[Any]:
        found = self._request("grad", [function, list(args), list(wrt), cotangent])
        return found if isinstance(found, list) else self._liar("gradients that are no list")

    # ------------------------------------------------------------------ the wire

    def _request(
        self, operation: str, args: list[Any], kwargs: Mapping[str, Any] | None = None, seconds: float | None = None
    ) -> Any:
        if not self._open:
            raise StudentGone("crashed", "the process that ran this submission's code is gone")
        body: list[bytes] = []
        limit = self._seconds if seconds is None else seconds
        header = {
            "op": operation,
            "args": encode(args, body, self._keep_callback),
            "kwargs": encode(dict(kwargs or {}), body, self._keep_callback),
        }
        try:
            self._channel.send(header, body, limit)
            while True:
                reply, raw = self._channel.receive(limit)
                if not isinstance(reply, dict):
                    raise WireError("a reply that is no dictionary")
                if "callback" in reply:
                    self._answer(reply["callback"], raw, limit)
                elif "error" in reply:
                    kind, message, line = (str(part) for part in reply["error"])
                    raise StudentError(kind[:200], message[:2000], line[:500])
                else:
                    return Decoder(raw).value(reply["ok"])
        except Silence:
            self.close()
            raise StudentTimeout(limit) from None
        except Closed:
            raise self._ended() from None
        except (WireError, KeyError, TypeError, ValueError) as error:
            self.close()
            raise StudentGone("tampered", f"the process answered with something it should not: {error}") from None

    def _answer(self, request: Any, raw: bytes, limit: float) -> None:
        """Serve a callback: the student called an object that stayed here."""
        key, method, args, kwargs = request
        callback = self._callbacks[key]
        body: list[bytes] = []
        if method not in callback.methods:
            self._channel.send({"error": f"this object has no method {str(method)[:100]!r}"}, body, limit)
            return
        decoder = Decoder(raw)
        values, named = decoder.value(args), decoder.value(kwargs)
        try:
            result = getattr(callback.target, method)(*values, **named)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            self._channel.send({"error": f"{type(error).__name__}: {str(error)[:500]}"}, body, limit)
            return
        self._channel.send({"ok": encode(result, body, self._keep_callback)}, body, limit)

    def _keep_callback(self, callback: Callback) -> int:
        key = len(self._callbacks)
        self._callbacks[key] = callback
        return key

    def _ended(self) -> StudentGone:
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._child.wait(timeout=1.0)
        self.close()
        reason = f"ended with exit code {code}" if code is None or code >= 0 else f"was ended by signal {-code}"
        return StudentGone("crashed", f"the process that ran your code {reason}")

    def _ref(self, value: Any) -> Ref:
        return value if isinstance(value, Ref) else self._liar("a value where an object was asked for")

    def _liar(self, what: str) -> Any:
        self.close()
        raise StudentGone("tampered", f"the process answered with {what}")
