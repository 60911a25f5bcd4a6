"""Records as JSON: written plainly, and read strictly, whoever wrote them.

A record is a `msgspec.Struct` with `forbid_unknown_fields=True` whose types say lengths and ranges; what is missing,
unknown, of another type or out of range is refused with its place. Nothing is converted: '3' is no number, 1 no truth.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

import msgspec

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A sha256, in hexadecimal digits."""
Count = Annotated[int, msgspec.Meta(ge=0)]
Kind = TypeVar("Kind")


class CodecError(ValueError):
    """What was read is no such record; the message is one line: whose, what was expected, what is there, and where."""


def decode(data: bytes | str, kind: type[Kind], name: str) -> Kind:
    """Return the record that some JSON is.

    Args:
        data: the text, from anybody.
        kind: a Struct, or whatever else msgspec decodes into.
        name: of the file or the record, to begin a message with.

    Raises:
        CodecError: if it is not JSON, or not of that kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # ValueError: msgspec's own, and text that is no UTF-8
        raise CodecError(f"{name}: {said(error)}") from error


def decode_dict(data: bytes | str, kind: Any, name: str) -> dict[str, Any]:
    """Return the dict that some JSON is.

    Args:
        data: the text, from anybody.
        kind: a TypedDict that says its fields; more are refused.
        name: of the file or the record, to begin a message with.

    Raises:
        CodecError: if it is not JSON, or not of that kind.
    """
    if unknown := decode(data, dict[str, msgspec.Raw], name).keys() - kind.__annotations__.keys():
        raise CodecError(f"{name}: object contains unknown field `{min(unknown)}`")
    found: dict[str, Any] = decode(data, kind, name)
    return found


def said(error: Exception) -> str:
    """Return an error of msgspec as words of ours: "expected `int`, got `str` - at `$.seed`"."""
    text = str(error)
    return text if text.startswith("JSON") else text[:1].lower() + text[1:]


def builtins(record: Any) -> Any:
    """Return a record as what `json.dumps` takes: dicts, tuples, texts, numbers."""
    return msgspec.to_builtins(record)


def to_line(record: Any) -> bytes:
    """Return a record as one line of ASCII, without its line break."""
    return json.dumps(builtins(record), allow_nan=False).encode()
