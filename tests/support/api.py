"""Calls to the API as a client makes them, and the bodies of common requests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Json = dict[str, Any]
PASSWORD = "a-good-password"


def in_days(days: float) -> datetime:
    """Return the UTC moment `days` from now, rounded down to the minute."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(second=0, microsecond=0)


def local(start: datetime) -> Json:
    """Return the `date` and `time` of a request body for a start in UTC."""
    return {"date": start.strftime("%Y-%m-%d"), "time": start.strftime("%H:%M")}


def invitation(application_id: str, days: float = 3, **values: Any) -> Json:
    """Return the body of a schedule request for a start `days` from now."""
    return {"applicationId": application_id, **local(in_days(days)), "timeZone": "UTC", "type": "Phone"} | values


@dataclass
class Caller:
    """A client with the headers of one viewer, or with none."""

    client: FlaskClient
    headers: dict[str, str]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """Return the response; a keyword like `If_Match="x"` sends that header."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent)

    def ok(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Return the data of a response, which must be a success."""
        response = self.call(method, path, body, **headers)
        assert 200 <= response.status_code < 300, (method, path, response.text)
        return response.get_json()["data"]

    def refused(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Return status and message of a response, which must be an error."""
        response = self.call(method, path, body, **headers)
        answer = response.get_json()
        assert answer.keys() - {"details"} == {"statusCode", "message", "error"}, (method, path, answer)
        assert response.status_code == answer["statusCode"] >= 400
        return response.status_code, answer["message"]
