"""The access matrix has the role that each route's contract demands."""

import pytest
from flask import Flask

from interviews_api.accounts.errors import OwnerRightsRequired
from interviews_api.web.route_contract import RouteContract, contract_of
from tests.support.access_rules import CANDIDATE, COMPANY, OWNER, RULES, SIGNED_IN
from tests.support.routes import routes


@pytest.fixture
def contracts(session_app: Flask) -> dict[str, RouteContract]:
    views = {route: session_app.view_functions[rule.endpoint] for route, rule in routes(session_app).items()}
    return {route: contract for route, view in views.items() if (contract := contract_of(view))}


def test_routes_that_demand_an_owner_are_in_the_matrix_as_such(contracts: dict[str, RouteContract]) -> None:
    demanding = {route for route, contract in contracts.items() if contract.needs_owner}
    assert demanding == {route for route, rule in RULES.items() if rule.role == OWNER}
    assert len(demanding) >= 6


def test_routes_that_demand_an_owner_describe_the_refusal(contracts: dict[str, RouteContract]) -> None:
    for route, contract in contracts.items():
        assert (OwnerRightsRequired in contract.errors) == contract.needs_owner, route
        assert contract.role == "company" or not contract.needs_owner, route


def test_other_roles_of_the_matrix_are_those_of_the_contracts(contracts: dict[str, RouteContract]) -> None:
    roles = {CANDIDATE: "candidate", COMPANY: "company", OWNER: "company", SIGNED_IN: "any", "refresh token": "any"}
    for route, contract in contracts.items():
        assert contract.role == roles.get(RULES[route].role), route
