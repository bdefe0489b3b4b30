"""Pages of other origins: which may call the API, what they may send and read."""

import pytest
from flask.testing import FlaskClient

from interviews_api import create_app
from tests.support.settings import SECRETS


def test_cors_allows_only_the_configured_origins(client: FlaskClient, database_url: str) -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, if-match"}
    path = f"/candidate/interviews/{'a' * 24}/confirm"
    good = client.options(path, headers=ask | {"Origin": "http://localhost:3000"})
    assert good.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "PUT" in good.headers["Access-Control-Allow-Methods"]
    assert "authorization" in good.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Credentials" not in good.headers
    failure = client.get("/nope", headers={"Origin": "http://localhost:3000"})
    assert failure.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    readable = {"ETag", "Error-Code", "Idempotent-Replayed", "Retry-After", "WWW-Authenticate", "X-Request-Id"}
    assert readable == set(failure.headers["Access-Control-Expose-Headers"].split(", "))
    closed = create_app(SECRETS | {"DATABASE_URL": database_url}).test_client()
    for browser, origin in ((client, "https://evil.example"), (client, "null"), (closed, "http://localhost:3000")):
        assert "Access-Control-Allow-Origin" not in browser.get("/health/live", headers={"Origin": origin}).headers


@pytest.mark.parametrize(
    "name", ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id"]
)
def test_pages_may_send_each_header_that_the_api_reads(name: str, client: FlaskClient) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Origin": "http://localhost:3000"}
    preflight = client.options("/jobs", headers=ask | {"Access-Control-Request-Headers": name.lower()})
    assert preflight.headers["Access-Control-Allow-Headers"].lower() == name.lower()
    sent = client.get("/nope", headers={"Origin": "http://localhost:3000", "X-Request-Id": "theirs"})
    assert sent.headers["X-Request-Id"] == "theirs"
    foreign = ask | {"Access-Control-Request-Headers": "X-Forwarded-For"}
    assert "Access-Control-Allow-Headers" not in client.options("/jobs", headers=foreign).headers


@pytest.mark.parametrize("origins", ["http://a.example", "http://a.example,http://b.example"])
def test_responses_vary_by_origin(origins: str, database_url: str) -> None:
    client = create_app(SECRETS | {"DATABASE_URL": database_url, "CORS_ORIGINS": origins}).test_client()
    for path, origin in (("/health/live", "http://a.example"), ("/nope", "http://evil.example"), ("/nope", None)):
        response = client.get(path, headers={"Origin": origin} if origin else {})
        assert response.headers.getlist("Vary") == ["Origin"]
        allowed = "http://a.example" if origin == "http://a.example" else None
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
    without = create_app(SECRETS | {"DATABASE_URL": database_url}).test_client()
    assert "Vary" not in without.get("/health/live", headers={"Origin": "http://a.example"}).headers
