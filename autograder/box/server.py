"""Runs inside the box: holds the student's namespace and answers the grader's requests, one at a time.

It has no check, no answer and no grade to give away.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from autograder.box.wire import Channel, Decoder, TooLarge, WireError, encode
from rl2lib.lab.handle import LocalHandle, StudentError, run_cell, student_error
from rl2lib.lab.values import Callback


class RemoteTarget:
    """The inside's stand-in for an object that stayed with the grader."""

    def __init__(self, server: Server, key: int, methods: list[str], attributes: dict[str, Any]):
        self._server, self._key, self._methods, self._attributes = server, key, methods, attributes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._attributes:
            return self._attributes[name]
        return self._forward(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._forward("__call__")(*args, **kwargs)

    def _forward(self, name: str) -> Callable[..., Any]:
        def method(*args: Any, **kwargs: Any) -> Any:
            return self._server.ask(self._key, name, args, kwargs)

        return method


class Server:
    """Serves one namespace over one channel until the channel closes."""

    def __init__(self, channel: Channel):
        self._channel = channel
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._handle = LocalHandle(self._namespace)

    def serve(self) -> None:
        """Say that it is ready, then answer requests for ever."""
        self._channel.send({"ok": None}, [])
        while True:
            operation, args, kwargs = self._receive()
            body: list[bytes] = []
            try:
                reply = {"ok": encode(self._perform(operation, args, kwargs), body)}
            except BaseException as error:  # whatever a student's object does while it is looked at
                body.clear()
                told = error if isinstance(error, StudentError) else student_error(error)
                reply = {"error": [told.kind[:200], told.message[:2000], told.line[:500]]}
            try:
                self._channel.send(reply, body)
            except (TooLarge, ValueError) as error:  # an integer may have more digits than Python writes
                self._channel.send({"error": ["ValueError", f"the result is too large: {error}", ""]}, [])

    def ask(self, key: int, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of an object that stayed with the grader."""
        body: list[bytes] = []
        request = [key, method, encode(list(args), body), encode(kwargs, body)]
        self._channel.send({"callback": request}, body)
        header, raw = self._channel.receive()
        if "error" in header:
            raise RuntimeError(header["error"])
        return Decoder(raw, self._callback, requests=True).value(header["ok"])

    def _receive(self) -> tuple[str, list[Any], dict[str, Any]]:
        header, raw = self._channel.receive()
        decoder = Decoder(raw, self._callback, requests=True)
        return header["op"], decoder.value(header["args"]), decoder.value(header["kwargs"])

    def _callback(self, key: int, methods: list[str], attributes: dict[str, Any]) -> Callback:
        return Callback(RemoteTarget(self, key, methods, attributes), methods, tuple(attributes))

    def _perform(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if operation == "run":
            return self._run(*args)
        return getattr(self._handle, operation)(*args, **kwargs)

    def _run(self, source: str, label: str) -> None:
        try:
            run_cell(source, self._namespace, label)
        except BaseException as error:
            raise student_error(error) from None


def serve(descriptor: int) -> None:
    """Serve a fresh namespace on a socket until the grader closes it."""
    channel = Channel(descriptor, os.dup(descriptor))
    with contextlib.suppress(WireError):
        Server(channel).serve()
