"""Compiled serializers: a generated function for each marshmallow schema, with the results of its `dump` (ADR 22).

The schema stays the only source. Fields of unknown classes serialize themselves. Schemas with hooks or an accessor of
their own are dumped by marshmallow.

Uses private API of marshmallow 4.4: `Schema._hooks`, `decorators.PRE_DUMP` and `.POST_DUMP`, `Field._CHECK_ATTRIBUTE`,
and `_serialize` of schemas and fields. tests/unit/test_internals.py fails when one of these changes. If one is missing,
marshmallow serializes instead.
"""

import logging
from collections.abc import Callable
from itertools import count
from typing import Any

from marshmallow import Schema, decorators, fields, missing

from interviews_api.clock import format_instant
from interviews_api.web.fields import FlatNested, Instant

Serializer = Callable[[Any], Any]
_OVERRIDABLE = ("dump", "_serialize", "get_attribute")
_log = logging.getLogger(__name__)


class UnsupportedSchema(Exception):
    """The schema overrides how marshmallow dumps it."""


def compile_serializer(schema: Schema) -> Serializer:
    """Return a function with the results of `schema.dump`; raises UnsupportedSchema."""
    return _SerializerCompiler(schema).function


def serializer_for(schema: Schema) -> Serializer:
    """Return the compiled serializer, or `schema.dump` if the schema or the marshmallow version has none."""
    try:
        return compile_serializer(schema)
    except UnsupportedSchema:
        return schema.dump
    except AttributeError:
        _log.warning("marshmallow dumps %s: its internals have changed", type(schema).__name__, exc_info=True)
        return schema.dump


class _SerializerCompiler:
    """Compiler of one function `dump(row)`. Nested schemas get functions of their own; a FlatNested is inlined."""

    def __init__(self, schema: Schema) -> None:
        self._names = (f"_{number}" for number in count())
        self._scope: dict[str, Any] = {"plain": schema.dump, "require_present": _require_present}
        # marshmallow dumps a mapping that lacks a key, and an object with attributes.
        lines = ["def dump(row):", " try:", f"  return {self._object(schema)}",
                 " except (KeyError, TypeError):", "  return plain(row)"]  # fmt: skip
        exec("\n".join(lines), self._scope)  # noqa: S102  # the code holds names of schemas, no input
        self.function: Serializer = self._scope["dump"]

    def _object(self, schema: Schema) -> str:
        overrides = [name for name in _OVERRIDABLE if getattr(type(schema), name) is not getattr(Schema, name)]
        hooks = schema._hooks[decorators.PRE_DUMP] or schema._hooks[decorators.POST_DUMP]
        if overrides or schema.many or hooks:
            raise UnsupportedSchema(type(schema).__name__)
        keys = {name: name if field.data_key is None else field.data_key for name, field in schema.dump_fields.items()}
        values = {name: self._expression(schema, name, field) for name, field in schema.dump_fields.items()}
        return "{" + ", ".join(f"{key!r}: {values[name]}" for name, key in keys.items()) + "}"

    def _expression(self, schema: Schema, name: str, field: Any) -> str:
        """Return the Python expression of a field's value."""
        key, kind = field.attribute or name, type(field)
        if kind is FlatNested:
            return self._object(field.schema)
        is_plain = kind.serialize is fields.Field.serialize and kind.get_value is fields.Field.get_value
        if not is_plain or not field._CHECK_ATTRIBUTE or "." in key:
            serialize = self._name(lambda row: field.serialize(name, row, accessor=schema.get_attribute))
            return f"require_present({serialize}(row))"
        value = f"row[{key!r}]"
        if kind._serialize is fields.Field._serialize:
            return value
        if conversion := self._conversion(field):
            return f"(None if (v := {value}) is None else {conversion})"
        return f"{self._name(field._serialize)}({value}, {name!r}, row)"

    def _conversion(self, field: Any) -> str:
        """Return the expression that serializes a value `v` that is not None; empty for fields of unknown classes."""
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
        return f"{dump}(v)" if nested is field else f"[None if item is None else {dump}(item) for item in v]"

    def _name(self, value: object) -> str:
        name = next(self._names)
        self._scope[name] = value
        return name


def _require_present(value: object) -> object:
    if value is missing:  # marshmallow leaves the key out
        raise KeyError
    return value
