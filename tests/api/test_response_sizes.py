"""The table of the largest responses in docs/limits.md."""

import re

from flask import Flask
from flask.testing import FlaskClient

from interviews_api.db.connections import Database
from interviews_api.web.fields import camel_case
from interviews_api.web.route_contract import RouteContract, contract_of
from tests.support.largest_responses import (
    CONSTANT,
    WIDEST_IN_HTML,
    WIDEST_IN_JSON,
    LargestWorld,
    largest_size,
    rows_of,
)
from tests.support.routes import routes
from tests.support.settings import ROOT


def as_markdown(sizes: dict[str, int], rows: dict[str, int | None]) -> str:
    """Return the table of routes with rows and KiB (rounded up), the largest first."""
    lines = ["| route | rows | KiB |", "|---|---|---|"]
    for route in sorted(sizes, key=lambda each: (-sizes[each], each)):
        path = re.sub("<([a-z_]+)>", lambda name: f":{camel_case(name[1])}", route)
        lines.append(f"| `{path}` | {rows[route] or ''} | {-(-sizes[route] // 1024):,} |")
    return "\n".join(lines) + "\n"


def rows_and_sizes(markdown: str) -> dict[str, tuple[str, int]]:
    """Return the rows and the KiB of each route in the table."""
    found = re.findall(r"^\| `GET (\S+)` \| (\d*) \| ([\d,]+) \|$", markdown, re.MULTILINE)
    return {route: (rows, int(size.replace(",", ""))) for route, rows, size in found}


def test_documentation_has_the_largest_responses(app: Flask, client: FlaskClient, database: Database) -> None:
    contracts: dict[str, RouteContract] = {}
    for route, rule in routes(app).items():
        if route.startswith("GET ") and route not in CONSTANT:
            contract = contract_of(app.view_functions[rule.endpoint])
            assert contract is not None, route
            contracts[route] = contract
    sizes: dict[str, int] = {}
    for number, character in enumerate((WIDEST_IN_JSON, WIDEST_IN_HTML)):
        world = LargestWorld(client, database, character, number)
        for route, contract in contracts.items():
            responses = list(world.responses(route, contract.role))
            assert responses, f"{route} answers nobody; see LargestWorld.responses"
            size = max(largest_size(route, contract, response) for response in responses)
            sizes[route] = max(size, sizes.get(route, 0))
    table = as_markdown(sizes, {route: rows_of(route, contract) for route, contract in contracts.items()})
    documented = rows_and_sizes((ROOT / "docs/limits.md").read_text())
    computed = rows_and_sizes(table)
    assert {route: rows for route, (rows, _) in documented.items()} == {
        route: rows for route, (rows, _) in computed.items()
    }, f"the table has to be:\n{table}"
    for route, (_, size) in computed.items():  # ids and tokens are random, so a page varies by a few bytes
        assert 0 <= documented[route][1] - size <= 1, f"the table has to be:\n{table}"
