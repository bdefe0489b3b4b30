"""Validation of values by schemas of the OpenAPI document."""

from typing import Any

from jsonschema import Draft202012Validator


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    """Return whether the value is valid by the schema, whose references lead into the document."""
    validator = Draft202012Validator(schema | {"components": document["components"]})
    return validator.is_valid(value)
