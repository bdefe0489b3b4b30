"""From rows to plain values: for each marshmallow schema a function is written that returns what its `dump` returns.

The schema stays the only source. A field that the writer does not know serializes itself; a schema with hooks or an
accessor of its own is refused, and marshmallow dumps it (ADR 0018).
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from interviews_api.clock import format_instant
from interviews_api.web.fields import FlatNested, Instant

Serializer = Callable[[Any], Any]
_DUMPING = ("dump", "_serialize", "get_attribute")


class UnsupportedSchema(Exception):
    """The schema does what only its own `dump` can do."""


def compile_serializer(schema: Schema) -> Serializer:
    """A function that returns what `schema.dump` does; raises CannotCompile."""
    return _SerializerCompiler(schema).function


def serializer_for(schema: Schema) -> Serializer:
    """The same, or the schema's own `dump` where that is refused."""
    try:
        return compile_serializer(schema)
    except UnsupportedSchema:
        return schema.dump


class _SerializerCompiler:
    """Writes one function `dump(row)`; nested schemas get theirs, parts of the same row are written inline."""

    def __init__(self, schema: Schema) -> None:
        self._names = (f"_{number}" for number in count())
        self._scope: dict[str, Any] = {"plain": schema.dump, "present": _present}
        # A mapping without a key, or an object with attributes, is marshmallow's.
        lines = ["def dump(row):", " try:", f"  return {self._object(schema)}",
                 " except (KeyError, TypeError):", "  return plain(row)"]  # fmt: skip
        exec("\n".join(lines), self._scope)  # noqa: S102  # of names and numbers, nothing of what anybody sent
        self.function: Serializer = self._scope["dump"]

    def _object(self, schema: Schema) -> str:
        has_own = [name for name in _DUMPING if getattr(type(schema), name) is not getattr(Schema, name)]
        if has_own or schema.many or schema._hooks[PRE_DUMP] or schema._hooks[POST_DUMP]:
            raise UnsupportedSchema(type(schema).__name__)
        keys = {name: name if field.data_key is None else field.data_key for name, field in schema.dump_fields.items()}
        values = {name: self._value(schema, name, field) for name, field in schema.dump_fields.items()}
        return "{" + ", ".join(f"{key!r}: {values[name]}" for name, key in keys.items()) + "}"

    def _value(self, schema: Schema, name: str, field: Any) -> str:
        key, kind = field.attribute or name, type(field)
        if kind is FlatNested:
            return self._object(field.schema)
        is_usual = kind.serialize is fields.Field.serialize and kind.get_value is fields.Field.get_value
        if not is_usual or not field._CHECK_ATTRIBUTE or "." in key:
            whole = self._name(lambda row: field.serialize(name, row, accessor=schema.get_attribute))
            return f"present({whole}(row))"
        value = f"row[{key!r}]"
        if kind._serialize is fields.Field._serialize:
            return value
        if written := self._written(field):
            return f"(None if (v := {value}) is None else {written})"
        return f"{self._name(field._serialize)}({value}, {name!r}, row)"

    def _written(self, field: Any) -> str:
        """What becomes of a value `v` that is not None; nothing for a field that knows that better."""
        if type(field) is Instant:
            return f"v if v.__class__ is str else {self._name(format_instant)}(v)"
        serialize = type(field)._serialize
        if serialize is fields.String._serialize:
            return f"v if v.__class__ is str else {self._name(field._serialize)}(v, None, None)"
        if serialize is fields.Integer._serialize and field.num_type is int and not field.as_string:
            return f"v if v.__class__ is int else {self._name(field._serialize)}(v, None, None)"
        nested = field.inner if serialize is fields.List._serialize else field
        if type(nested)._serialize is not fields.Nested._serialize or nested.many:
            return ""
        dump = self._name(_SerializerCompiler(nested.schema).function)
        return f"{dump}(v)" if nested is field else f"[None if one is None else {dump}(one) for one in v]"

    def _name(self, value: object) -> str:
        name = next(self._names)
        self._scope[name] = value
        return name


def _present(value: object) -> object:
    if value is missing:  # which marshmallow leaves out of the answer
        raise KeyError
    return value
