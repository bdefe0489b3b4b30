"""Every regular expression of the package takes linear time, whatever its input."""

import ast
import importlib
import inspect
import pkgutil
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from marshmallow import Schema, validate

import interviews_api
from interviews_api.web.fields import CamelSchema

LENGTH = 64 * 1024
CPU_SECONDS = 0.02
METHODS = ("match", "fullmatch", "search", "sub", "findall", "finditer", "split")
PARTS = ("a", "0", " ", "\t", "\n", "\u00fc", "=?", "=?x", "?", "a.", "a-", "a@", "aA0", "x ,", "a/", "\t;", "<a", "a:")
ENDS = ("", "\x00", "!", "\n", "@a.co")
NOT_EVALUATED = {
    "re.fullmatch(self._digits)",  # [0-9]{1,10}
}


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(interviews_api.__path__, "interviews_api."):
        yield importlib.import_module(info.name)


def calls_of(module: ModuleType) -> Iterator[tuple[str, str | None, str]]:
    """Yield expression, pattern and method of each call of a method of `re` or of a pattern of the module."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
            continue
        owner = ast.unparse(node.func.value)
        if owner == "re":
            argument = ast.unparse(node.args[0])
            name = f"re.{node.func.attr}({argument})"
            yield name, None if name in NOT_EVALUATED else eval(argument, vars(module)), node.func.attr
        elif isinstance(vars(module).get(owner), re.Pattern):
            yield owner, text_pattern(vars(module)[owner]), node.func.attr


def text_pattern(compiled: re.Pattern[Any]) -> str:
    """Return the pattern, of bytes as one of text, which takes as long."""
    return compiled.pattern if isinstance(compiled.pattern, str) else compiled.pattern.decode("latin-1")


def all_validators(schema: type[Schema]) -> Iterator[Any]:
    for field in schema().load_fields.values():
        for part in (field, getattr(field, "inner", None)):
            yield from part.validators if part is not None else ()
    for child in schema.__subclasses__():
        yield from all_validators(child)


def collect() -> tuple[dict[str, set[str]], set[str]]:
    """Return the methods by which each pattern is used, and the calls whose pattern is not known."""
    uses: dict[str, set[str]] = defaultdict(set)
    unknown = set()
    for module in modules():
        for name, pattern, method in calls_of(module):
            if pattern is None:
                unknown.add(name)
            else:
                uses[pattern].add(method)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                uses[text_pattern(value)] |= set()
            elif isinstance(value, str) and name.endswith("PATTERN"):
                uses[value].add("search" if value.startswith("^") else "fullmatch")  # by JSON Schema, too
    for check in all_validators(CamelSchema):
        if isinstance(check, validate.Regexp):
            uses[check.regex.pattern].add("match")
    return uses, unknown


USES, UNKNOWN = collect()


def slowest(pattern: str, method: str, length: int = LENGTH) -> tuple[float, str]:
    """Return the seconds of CPU of the worst text for the pattern, and the part that it repeats."""
    compiled = re.compile(pattern)
    arguments = {"sub": ("",)}.get(method, ())
    literals = set(re.sub(r"\\[A-Za-z]|[^\x20-\x7e]", "", pattern))
    worst = (0.0, "")
    for part in (*PARTS, *literals):
        for end in ENDS:
            text = part * ((length - len(end)) // len(part)) + end
            durations: list[float] = []
            while not durations or (min(durations) > CPU_SECONDS and len(durations) < 3):  # others may disturb
                began = time.process_time()
                getattr(compiled, method)(*arguments, text)
                durations.append(time.process_time() - began)
            worst = max(worst, (min(durations), part))
    return worst


def test_all_expressions_are_known() -> None:
    assert UNKNOWN == NOT_EVALUATED
    assert len(USES) > 25
    assert [pattern for pattern, methods in USES.items() if not methods] == []


@pytest.mark.parametrize(("pattern", "method"), [(use, method) for use in sorted(USES) for method in sorted(USES[use])])
def test_expression_is_linear(pattern: str, method: str) -> None:
    duration, part = slowest(pattern, method)
    assert duration < CPU_SECONDS, f"{part!r} repeated"


def test_quadratic_expression_is_noticed() -> None:
    assert slowest("a*a*b", "match", length=6000)[0] > CPU_SECONDS
