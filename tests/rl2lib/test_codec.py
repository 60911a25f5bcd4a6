"""The codec: what it writes it reads, and what is anything else it refuses with its place."""

from typing import Annotated, NotRequired, TypedDict

import pytest
from msgspec import Meta, Struct

from rl2lib import codec
from rl2lib.codec import CodecError, Count, Digest


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    seeds: int | None = None
    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    parts: tuple[int, ...] = ()


class Card(TypedDict):
    sha256: Digest
    steps: NotRequired[Count]


def test_what_is_written_is_read() -> None:
    item = Item("ü\u2028\n", 3, 0.5, (1, 2))
    line = codec.to_line(item)
    assert line.isascii() and b"\n" not in line
    assert codec.decode(line, Item, "x") == item
    assert codec.builtins(item) == {"name": "ü\u2028\n", "seeds": 3, "share": 0.5, "parts": (1, 2)}


REFUSED = {
    "a text for a number": ('{"name": "a", "seeds": "3"}', r"expected `int \| null`, got `str` - at `\$.seeds`"),
    "a truth for a number": ('{"name": "a", "seeds": true}', r"expected `int \| null`, got `bool` - at `\$.seeds`"),
    "out of range": ('{"name": "a", "share": 1.5}', r"expected `float` <= 1.0 - at `\$.share`"),
    "NaN": ('{"name": "a", "share": NaN}', "JSON is malformed"),
    "too large": ('{"name": "a", "share": 1e999}', r"number out of range - at `\$.share`"),
    "deep inside": ('{"name": "a", "parts": [1, 2.5]}', r"expected `int`, got `float` - at `\$.parts\[1\]`"),
    "missing": ("{}", "object missing required field `name`"),
    "unknown": ('{"name": "a", "nmae": 1}', "object contains unknown field `nmae`"),
    "torn": ('{"name": "a"', "input data was truncated"),
    "more than one": ('{"name": "a"} {}', "JSON is malformed: trailing characters"),
    "deeper than any": ("[" * 100_000, "expected `object`, got `array`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_record_is_refused_with_its_place(case: str) -> None:
    text, said = REFUSED[case]
    with pytest.raises(CodecError, match=f"^some.json: {said}"):
        codec.decode(text, Item, "some.json")


def test_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(CodecError, match=r"^x: .*UTF-8"):
        codec.decode(b'{"name": "\xff"}', Item, "x")


def test_a_dict_has_its_fields_and_no_others() -> None:
    assert codec.decode_dict(f'{{"sha256": "{"0" * 64}"}}', Card, "x") == {"sha256": "0" * 64}
    with pytest.raises(CodecError, match="x: object contains unknown field `step`"):
        codec.decode_dict(f'{{"sha256": "{"0" * 64}", "step": 1}}', Card, "x")
    with pytest.raises(CodecError, match=r"expected `str` matching regex .* - at `\$.sha256`"):
        codec.decode_dict('{"sha256": "0"}', Card, "x")
    with pytest.raises(CodecError, match=r"expected `int` >= 0 - at `\$.steps`"):
        codec.decode_dict(f'{{"sha256": "{"0" * 64}", "steps": -1}}', Card, "x")


def test_what_is_not_finite_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.to_line({"share": float("nan")})
