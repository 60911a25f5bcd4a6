"""The grader's side of a box: a `Handle` whose student lives in another process."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.box.sandbox import START_SECONDS, Sandbox, SandboxLost
from autograder.box.wire import (
    MAX_REPLY_BODY,
    MAX_REPLY_HEADER,
    Channel,
    Closed,
    Decoder,
    Silence,
    WireError,
    encode,
)
from rl2lib.lab.handle import StudentError, StudentGone, StudentTimeout, naming_the_call
from rl2lib.lab.values import Callback, Ref

MAX_RECEIVED = 100_000_000  # bytes of all replies of an exercise; those of a right answer take 6 MB
JSON_WEIGHT = 20  # how much memory a byte of JSON takes once it is read
MAX_MESSAGE = 600


class BoxHandle:
    """Opens a box, runs student code in it, and speaks to it.

    Args:
        sandbox: what opens the box.
        seconds: time limit of one operation, everything that it calls back included.

    Raises:
        SandboxMissing: no box can be opened here.
        SandboxLost: it died before any student code ran. Every operation may raise this.
    """

    def __init__(self, sandbox: Sandbox, seconds: float = 10.0):
        self._seconds = seconds
        self._budget, self._budget_ends = math.inf, math.inf
        self._bytes_left = MAX_RECEIVED
        self._callbacks: dict[int, Callback] = {}
        self._box = sandbox.open()
        descriptor = self._box.channel.detach()
        self._channel = Channel(descriptor, os.dup(descriptor))
        self._open = True
        try:
            self._channel.receive(START_SECONDS)  # it is locked in
        except WireError:
            raise SandboxLost(f"a box ended with status {self.close()} before any code ran in it") from None

    # ------------------------------------------------------------------ life

    @property
    def alive(self) -> bool:
        """Whether the box still answers."""
        return self._open

    def give(self, seconds: float, told: float) -> None:
        """Allow all operations from now on this long together; a timeout speaks of `told` seconds."""
        self._bytes_left = MAX_RECEIVED
        self._budget, self._budget_ends = told, time.monotonic() + seconds

    def close(self) -> int | None:
        """End the box and everything in it; return its exit code, negative for a signal, None if its room is gone."""
        if not self._open:
            return 0
        self._open = False
        self._channel.close()
        return self._box.end()

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
        return str(self._request("origin", [name]))[:200]

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
        now = time.monotonic()
        ends = min(now + limit, self._budget_ends)
        header = {
            "op": operation,
            "args": encode(args, body, self._keep_callback),
            "kwargs": encode(dict(kwargs or {}), body, self._keep_callback),
        }
        try:
            self._channel.send(header, body, ends - now)
            while True:
                reply, raw = self._receive(ends - time.monotonic())
                if not isinstance(reply, dict):
                    raise WireError("a reply that is no dictionary")
                if "callback" in reply:
                    self._answer(reply["callback"], raw, ends)
                elif "error" in reply:
                    kind, message, line = (str(part) for part in reply["error"])
                    raise StudentError(kind[:100], message[:MAX_MESSAGE], line[:300])
                else:
                    return Decoder(raw).value(reply["ok"])
        except Silence:
            self.close()
            raise StudentTimeout(limit if ends < self._budget_ends else self._budget) from None
        except Closed:
            raise self._ended() from None
        except (StudentError, StudentGone):
            raise
        except Exception as error:  # whatever a lie on the wire does to us
            self.close()
            told = f"the process answered with something it should not: {str(error)[:200]}"
            raise StudentGone("tampered", told) from None

    def _receive(self, seconds: float) -> tuple[Any, bytes]:
        reply, raw = self._channel.receive(seconds, MAX_REPLY_HEADER, MAX_REPLY_BODY)
        self._bytes_left -= len(raw) + JSON_WEIGHT * self._channel.header_bytes
        if self._bytes_left < 0:
            raise WireError(f"more than {MAX_RECEIVED} bytes in one exercise")
        return reply, raw

    def _answer(self, request: Any, raw: bytes, ends: float) -> None:
        """Serve a callback: the student called an object that stayed here."""
        key, method, args, kwargs = request
        callback = self._callbacks[key]
        decoder = Decoder(raw)
        values, named = decoder.value(args), decoder.value(kwargs)
        body: list[bytes] = []
        try:
            if method not in callback.methods:
                raise AttributeError(f"this object has no method {str(method)[:100]!r}")
            result = getattr(callback.target, method)(*values, **named)
            reply = {"ok": encode(result, body, self._keep_callback)}
        except Exception as error:  # whatever the student passed in, the fault is theirs to see
            body.clear()
            reply = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
        self._channel.send(reply, body, ends - time.monotonic())

    def _keep_callback(self, callback: Callback) -> int:
        key = len(self._callbacks)
        self._callbacks[key] = callback
        return key

    def _ended(self) -> StudentGone:
        code = self.close()
        if code is None:
            raise SandboxLost("the room of this box is gone")
        reason = f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
        return StudentGone("crashed", f"the process that ran your code {reason}")

    def _ref(self, value: Any) -> Ref:
        return value if isinstance(value, Ref) else self._liar("a value where an object was asked for")

    def _liar(self, what: str) -> Any:
        self.close()
        raise StudentGone("tampered", f"the process answered with {what}")
