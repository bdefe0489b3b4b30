"""The contract of a route, and the order of its decorators."""

from functools import reduce

import pytest
from flask import Flask

from interviews_api.accounts.approval import approval_required
from interviews_api.accounts.authentication import company_required
from interviews_api.accounts.errors import CandidatesSignInElsewhere
from interviews_api.accounts.idempotency import idempotent
from interviews_api.accounts.identity_provider import local_session_required
from interviews_api.errors import ApiError
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import ForeignForm, authorize_before_validation, same_origin_required
from interviews_api.web.operation import operation
from interviews_api.web.route_contract import CachePolicy, Layer, View, check_routes, contract_of

declare = operation("Done", Nothing, body=Nothing)
authorize = authorize_before_validation(lambda *_anything: None)


def view() -> View:
    return lambda viewer: {}


def test_decorators_in_their_order_make_one_contract() -> None:
    contract = contract_of(company_required(approval_required(authorize(idempotent(declare(view()))))))
    assert contract is not None
    assert (contract.layer, contract.role, contract.is_idempotent) == (Layer.ROLE, "company", True)
    assert contract.message == "Done"


@pytest.mark.parametrize(
    ("guard", "layer", "error"),
    [
        (same_origin_required, Layer.ORIGIN, ForeignForm),
        (local_session_required, Layer.AVAILABILITY, CandidatesSignInElsewhere),
    ],
)
def test_guard_declares_its_own_refusal(guard: View, layer: Layer, error: type[ApiError]) -> None:
    contract = contract_of(guard(authorize(declare(view()))))
    assert contract is not None
    assert (contract.layer, contract.errors) == (layer, (error,))


@pytest.mark.parametrize(
    "decorators",
    [
        (declare, authorize, idempotent),
        (declare, company_required, authorize),
        (declare, company_required, idempotent),
        (declare, authorize, authorize),
        (declare, company_required, approval_required),
        (declare, approval_required, authorize),
        (declare, company_required, local_session_required),
        (declare, same_origin_required, authorize),
        (declare, same_origin_required, company_required),
        (idempotent,),
        (company_required,),
    ],
)
def test_decorators_out_of_order_are_refused(decorators: tuple[View, ...]) -> None:
    with pytest.raises(TypeError, match="cannot stand outside of"):
        reduce(lambda decorated, decorate: decorate(decorated), decorators, view())


@pytest.mark.parametrize(("has_etag", "status"), [(False, 200), (True, 201)])
def test_a_cached_response_needs_an_etag_and_status_200(has_etag: bool, status: int) -> None:
    policy = CachePolicy(lambda _viewer: ())
    with pytest.raises(TypeError, match="needs has_etag and status 200"):
        operation("Done", Nothing, has_etag=has_etag, status=status, cache=policy)
    operation("Done", Nothing, has_etag=True, cache=policy)


def test_a_route_that_changes_something_needs_a_contract() -> None:
    app = Flask(__name__)
    app.add_url_rule("/x", "x", lambda: "", methods=["POST"])
    with pytest.raises(TypeError, match="/x has no contract"):
        check_routes(app)
