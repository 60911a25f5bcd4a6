"""Frames between grader and box: JSON with tagged values, raw arrays behind it. Nothing is executed or unpickled.

A frame is two big-endian 32-bit lengths, a JSON header, and the bytes of all arrays in order. Whoever reads
trusts nothing: depth, sizes, dtypes and shapes are checked before an array is made.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rl2lib.lab.values import Callback, Generator, Lib, Ref, is_record, record_fields

MAX_HEADER = 4_000_000
MAX_BODY = 256_000_000
MAX_REPLY_HEADER = 250_000  # of what comes out of a box; the largest of a right answer has 1 kB and a body of 320 kB
MAX_REPLY_BODY = 16_000_000
MAX_DEPTH = 16
MAX_TEXT = 100_000
MAX_KEY = 200
RECORDS = ("StepInput", "Step", "Trajectory")
TAGS = ("float", "array", "tensor", "record", "tuple", "dict", "ref", "generator", "lib", "callback")
DTYPES = {
    name: np.dtype(name)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64")
}
TAG = "!"


class WireError(Exception):
    """The other side sent something that is not a proper frame, or not in time; the message says what."""


class TooLarge(WireError):
    """A message beyond the limits; nothing of it was sent."""


class Silence(WireError):
    """Nothing came before the deadline."""


class Closed(WireError):
    """The other side has gone."""


# --------------------------------------------------------------------------------------- values


def encode(value: Any, body: list[bytes], keep_callback: Callable[[Callback], int] | None = None) -> Any:
    """Turn a plain value into tagged JSON, appending array bytes to `body`.

    Raises:
        TypeError: the value is not one of those that may cross.
    """

    def tagged(kind: str, **fields: Any) -> dict[str, Any]:
        return {TAG: kind, **fields}

    def again(item: Any) -> Any:
        return encode(item, body, keep_callback)

    def mapping(items: Mapping[Any, Any]) -> list[list[Any]]:
        return [[key, again(item)] for key, item in items.items()]

    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else tagged("float", text=repr(value))
    if isinstance(value, np.generic):
        return again(value.item())
    if isinstance(value, np.ndarray):
        if value.dtype.name not in DTYPES:
            raise TypeError(f"an array of dtype {value.dtype} does not cross")
        body.append(np.ascontiguousarray(value).tobytes())
        return tagged("array", dtype=value.dtype.name, shape=list(value.shape))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return tagged("tensor", array=again(value.detach().cpu().numpy()))
    if is_record(value):
        return tagged("record", name=type(value).__name__, items=mapping(record_fields(value)))
    if isinstance(value, tuple):
        return tagged("tuple", items=[again(item) for item in value])
    if isinstance(value, list):
        return [again(item) for item in value]
    if isinstance(value, dict):
        return tagged("dict", items=mapping(value))
    if isinstance(value, Ref):
        return tagged("ref", key=value.key, type_name=value.type_name[:200])
    if isinstance(value, Generator):
        return tagged("generator", seed=value.seed, library=value.library)
    if isinstance(value, Lib):
        return tagged("lib", path=value.path, args=[again(item) for item in value.args], kwargs=mapping(value.kwargs))
    if isinstance(value, Callback) and keep_callback is not None:
        attributes = {name: getattr(value.target, name) for name in value.attributes}
        key = keep_callback(value)
        return tagged("callback", key=key, methods=list(value.methods), attributes=mapping(attributes))
    raise TypeError(f"a value of type {type(value).__name__} does not cross")


class Decoder:
    """Turns tagged JSON back into plain values, checking everything.

    Args:
        body: the bytes behind the header.
        callbacks: makes the local stand-in of a callback; None where none may come.
        requests: whether Lib and Generator may come (from us into the box, never out of it).
    """

    def __init__(self, body: bytes, callbacks: Callable[..., Any] | None = None, requests: bool = False):
        self._body = memoryview(body)
        self._offset = 0
        self._callbacks = callbacks
        self._requests = requests

    def value(self, data: Any, depth: int = 0) -> Any:
        """Decode one value.

        Raises:
            WireError: it is not a proper one.
        """
        if depth > MAX_DEPTH:
            raise WireError(f"a value nested more than {MAX_DEPTH} deep")
        if data is None or isinstance(data, bool | float):
            return data
        if isinstance(data, int):
            if abs(data) >= 2**63:
                raise WireError("an integer beyond 64 bits")
            return data
        if isinstance(data, str):
            if len(data) > MAX_TEXT:
                raise WireError(f"a text of {len(data)} characters, at most {MAX_TEXT} may come")
            return data
        if isinstance(data, list):
            return [self.value(item, depth + 1) for item in data]
        if not isinstance(data, dict) or not isinstance(data.get(TAG), str):
            raise WireError("a value without a known tag")
        if data[TAG] not in TAGS:
            raise WireError(f"an unknown tag {data[TAG][:40]!r}")
        try:
            return getattr(self, f"_{data[TAG]}")(data, depth + 1)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WireError(f"a malformed {data[TAG]}: {str(error)[:200]}") from None

    def _float(self, data: dict[str, Any], depth: int) -> float:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[data["text"]]

    def _array(self, data: dict[str, Any], depth: int) -> np.ndarray:
        dtype, shape = DTYPES[data["dtype"]], data["shape"]
        if not isinstance(shape, list) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
            raise WireError("an array with an impossible shape")
        if 0 in shape and math.prod(n for n in shape if n) > MAX_REPLY_BODY:  # no loop over a billion empty rows
            raise WireError("an array with an impossible shape")
        size = math.prod(shape) * dtype.itemsize
        if self._offset + size > len(self._body):
            raise WireError("an array larger than what was sent")
        raw = self._body[self._offset : self._offset + size]
        self._offset += size
        return np.frombuffer(raw, dtype).reshape(shape).copy()

    def _tensor(self, data: dict[str, Any], depth: int) -> Any:
        import torch

        array = self.value(data["array"], depth)
        if not isinstance(array, np.ndarray):
            raise WireError("a tensor without its array")
        return torch.from_numpy(array)

    def _record(self, data: dict[str, Any], depth: int) -> Any:
        from rl2lib import types

        if data["name"] not in RECORDS:  # or any callable of that module could be called
            raise WireError("an unknown record")
        return getattr(types, data["name"])(**self._mapping(data["items"], depth))

    def _tuple(self, data: dict[str, Any], depth: int) -> tuple:
        return tuple(self.value(item, depth) for item in data["items"])

    def _dict(self, data: dict[str, Any], depth: int) -> dict:
        return self._mapping(data["items"], depth)

    def _ref(self, data: dict[str, Any], depth: int) -> Ref:
        if type(data["key"]) is not int:
            raise WireError("a reference without a number")
        return Ref(data["key"], str(data["type_name"])[:200])

    def _generator(self, data: dict[str, Any], depth: int) -> Generator:
        self._only_in_requests()
        return Generator(data["seed"], data["library"])

    def _lib(self, data: dict[str, Any], depth: int) -> Lib:
        self._only_in_requests()
        return Lib(
            data["path"], *[self.value(item, depth) for item in data["args"]], **self._mapping(data["kwargs"], depth)
        )

    def _callback(self, data: dict[str, Any], depth: int) -> Any:
        self._only_in_requests()
        if self._callbacks is None:
            raise WireError("a callback where none may come")
        return self._callbacks(data["key"], data["methods"], self._mapping(data["attributes"], depth))

    def _only_in_requests(self) -> None:
        if not self._requests:
            raise WireError("only the grader may send this")

    def _mapping(self, items: Any, depth: int) -> dict:
        result = {}
        for key, item in items:
            if type(key) not in (str, int):
                raise WireError("a key that is neither text nor an integer")
            if type(key) is str and len(key) > MAX_KEY:
                raise WireError(f"a key of {len(key)} characters, at most {MAX_KEY} may come")
            result[key] = self.value(item, depth)
        return result


# --------------------------------------------------------------------------------------- frames


class Channel:
    """Two file descriptors that carry frames, with deadlines.

    Args:
        read, write: file descriptors, made non-blocking and owned by the channel.
    """

    def __init__(self, read: int, write: int):
        self._read, self._write = read, write
        self.header_bytes = 0  # of the last frame that was received
        os.set_blocking(read, False)
        os.set_blocking(write, False)

    def close(self) -> None:
        """Close both ends."""
        for descriptor in (self._read, self._write):
            os.close(descriptor)

    def send(self, header: Any, body: list[bytes], seconds: float | None = None) -> None:
        """Send one frame.

        Raises:
            TooLarge: there is too much to send.
            Silence: the other side does not read.
            Closed: it has gone.
        """
        text = json.dumps(header, allow_nan=False).encode()
        payload = b"".join(body)
        if len(text) > MAX_HEADER or len(payload) > MAX_BODY:
            raise TooLarge(f"{len(text) + len(payload)} bytes do not cross")
        data = memoryview(struct.pack(">II", len(text), len(payload)) + text + payload)
        deadline = _deadline(seconds)
        while data:
            self._wait(self._write, deadline, writing=True)
            try:
                data = data[os.write(self._write, data[:65536]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Closed("the other side has gone") from None

    def receive(
        self, seconds: float | None = None, max_header: int = MAX_HEADER, max_body: int = MAX_BODY
    ) -> tuple[Any, bytes]:
        """Receive one frame: (header, body).

        Args:
            seconds: to wait for all of it; None for ever.
            max_header, max_body: its largest size in bytes.

        Raises:
            Silence: not within `seconds`.
            Closed: the other side has gone.
            WireError: what came is not a frame.
        """
        deadline = _deadline(seconds)
        sizes = struct.unpack(">II", self._exactly(8, deadline))
        if sizes[0] > max_header or sizes[1] > max_body:
            raise WireError(f"a message of {sum(sizes)} bytes is too large")
        self.header_bytes = sizes[0]
        text, body = self._exactly(sizes[0], deadline), self._exactly(sizes[1], deadline)
        try:
            return json.loads(text), body
        except (ValueError, RecursionError):
            raise WireError("a header that is not JSON") from None

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        parts: list[bytes] = []
        while count:
            self._wait(self._read, deadline, writing=False)
            try:
                part = os.read(self._read, min(count, 1_000_000))
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            if not part:
                raise Closed("the other side has gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, deadline: float | None, *, writing: bool) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise Silence("no answer in time")
        ready = select.select([] if writing else [descriptor], [descriptor] if writing else [], [], left)
        if not (ready[0] or ready[1]):
            raise Silence("no answer in time")


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
