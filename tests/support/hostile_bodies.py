"""Bodies of 64 KiB that cost as much as possible to refuse, made from the schema of a route."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from marshmallow import Schema, fields

SIZE = 64 * 1024
ROOM = SIZE - 1024  # the rest is for the other fields of a valid body
TEXTS = ("a", "\\u0001", "\u202e", "=?x", "www.", " ")
LISTS = ("0", "0.1", '""', "[]", "{}", '"2999-01-01T00:00:00Z"', '{"a":0}', "9" * 4000, f'"{"a" * 20_000}"')
WHOLE = {
    "deep array": "[" * SIZE,
    "deep object": '{"a":' * (SIZE // 5),
    "array": "[" + "0," * (SIZE // 2 - 2) + "0]",
    "blanks": " " * (SIZE - 2) + "{}",
    "long number": '{"x":' + "9" * (SIZE - 6) + "}",
    "long fraction": '{"x":0.' + "9" * (SIZE - 8) + "}",
    "long exponent": '{"x":1e' + "9" * (SIZE - 8) + "}",
    "no end": '{"x":"' + "a" * (SIZE - 6),
    "escapes": '{"x":"' + "\\ud83d" * (SIZE // 6 - 2) + '"}',
}


def numbered(value: str, name: str = "") -> str:
    """Return an object of as many names as fit into 63 KiB; each begins with `name`."""
    entries: list[str] = []
    length = 2
    while length < ROOM:
        entries.append(f'"{name}{len(entries)}":{value}')
        length += len(entries[-1].encode()) + 1
    return "{" + ",".join(entries) + "}"


def hostile_values() -> Iterator[tuple[str, str]]:
    """Yield names and JSON texts of values that a field may get, of a little less than 64 KiB."""
    for text in TEXTS:
        yield f"text of {text!r}", '"' + text * (ROOM // len(text.encode())) + '"'
    for item in (*LISTS, "[" * 20 + "]" * 20):
        yield f"list of {item[:20]}", "[" + ",".join([item] * (ROOM // (len(item) + 1))) + "]"
    yield "object of unknown names", numbered("0")
    yield "number", "9" * 4000


def hostile_bodies(schema: Schema, valid: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies: whole ones, unknown names, and each field with each value in a body else valid."""
    for name, body in WHOLE.items():
        yield name, body.encode()
    for value in ("0", "[]", "{}", '"x"', "9" * 300):
        yield f"unknown names with {value[:9]}", numbered(value).encode()
    for letter in ("a" * 900, "\\u0001" * 100, "\U0001f600" * 200, "\\n", "."):
        yield f"names of {letter[:9]!r}", numbered("0", letter).encode()
    for item in LISTS:  # orjson refuses the first kind and sees nothing of the second
        flood = ",".join([item] * (ROOM // (len(item) + 1)))
        yield f"list of {item[:20]} without an end", f'{{"x":[{flood}]'.encode()
        yield f"list of {item[:20]} under a repeated name", f'{{"x":[{flood}],"x":0}}'.encode()
    yield "one name", ('{"' + "\\u0001" * (ROOM // 6) + '":0}').encode()
    yield "the same name", ("{" + '"a":0,' * (SIZE // 6 - 2) + '"a":0}').encode()
    for path in field_paths(schema):
        for name, value in hostile_values():
            yield f"{'.'.join(path)}: {name}", replaced(valid, path, value)


def field_paths(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the keys that lead to each field of a body."""
    for name, field in schema.load_fields.items():
        own = (*path, field.data_key or name)
        yield own
        if isinstance(field, fields.Nested):
            yield from field_paths(field.schema, own)


def replaced(valid: dict[str, Any], path: tuple[str, ...], value: str) -> bytes:
    """Return the valid body as JSON with the value, which is JSON already, at the path."""
    body = deepcopy(valid)
    inner = body
    for key in path[:-1]:
        inner[key] = inner.get(key) or {}
        inner = inner[key]
    inner[path[-1]] = "@value@"
    return json.dumps(body).replace('"@value@"', value).encode()
