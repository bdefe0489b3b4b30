"""The strict JSON parser: what it refuses by number and depth."""

import time

import pytest

from interviews_api.web.strict_json import MAX_DEPTH, JSONRefused, loads

FULL = b"[" + b",".join([b"0"] * 10) + b"]"


@pytest.mark.parametrize(
    "text",
    [
        FULL, b"[" + b",".join([b"{}"] * 10) + b"]", b'{"a":[0,0,0,0,0,0,0,0,0]}', b'{"a":{"b":[0,0,0,0,0,0,0,0]}}',
        b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0}', b'[[[[[[[[[["text"]]]]]]]]]]',
    ],
)  # fmt: skip
def test_items_of_all_lists_and_objects_are_counted(text: bytes) -> None:
    assert loads(text, max_values=10) == loads(text)
    for more in (b'{"x":' + text + b"}", b"[" + text + b"]"):
        assert loads(more)
        with pytest.raises(JSONRefused, match="over 10 values"):
            loads(more, max_values=10)


@pytest.mark.parametrize("value", [b"{}", b"0", b"-0.1e1"])
@pytest.mark.parametrize("text", [b"[%s]", b'{"x":[%s]', b'{"x":[%s],"x":0}', b"[%s,NaN]"])
def test_flood_is_not_read_to_its_end(text: bytes, value: bytes) -> None:
    """Half of its millions of bytes would take a second."""
    flood = text % b",".join([value] * 2_000_000)
    began = time.process_time()
    with pytest.raises(JSONRefused):
        loads(flood, max_values=1000)
    assert time.process_time() - began < 0.1


def test_depth_is_refused_one_level_further() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(JSONRefused, match="nested"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


BODY = '{"a": "é"}'


@pytest.mark.parametrize("raw", [BODY.encode("utf-8-sig"), BODY.encode()])
def test_byte_order_mark_before_the_text_is_skipped(raw: bytes) -> None:
    assert loads(raw) == {"a": "é"}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (BODY.encode("utf-16"), "The JSON must be in UTF-8, and this is UTF-16"),
        (b"\xfe\xff" + BODY.encode("utf-16-be"), "The JSON must be in UTF-8, and this is UTF-16"),
        (BODY.encode("utf-32"), "The JSON must be in UTF-8, and this is UTF-32"),
        (b"\0\0\xfe\xff" + BODY.encode("utf-32-be"), "The JSON must be in UTF-8, and this is UTF-32"),
        (BODY.encode("utf-16-le"), "The JSON must be in UTF-8, and this looks like UTF-16 or UTF-32"),
        (BODY.encode("utf-32-be"), "The JSON must be in UTF-8, and this looks like UTF-16 or UTF-32"),
        (BODY.encode("latin-1"), "The JSON must be in UTF-8"),
        (b"\xef\xbb{}", "The JSON must be in UTF-8"),
        (b'"\xed\xa0\x80"', "The JSON must be in UTF-8"),
        (b"\xef\xbb\xbf", "This is not valid JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "This is not valid JSON"),
        (b"{}\xef\xbb\xbf", "This is not valid JSON"),
    ],
)
def test_other_encodings_are_refused_by_name(raw: bytes, words: str) -> None:
    with pytest.raises(JSONRefused) as error:
        loads(raw)
    assert str(error.value) == words
