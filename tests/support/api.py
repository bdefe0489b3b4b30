"""Speaking to the API as a client does: sign-ups, and each move as one call."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Json = dict[str, Any]
PASSWORD = "a-good-password"


def in_days(days: float) -> datetime:
    """That long from now, to the minute."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(second=0, microsecond=0)


def local(start: datetime) -> Json:
    """The date and time of a request, of a start in UTC."""
    return {"date": start.strftime("%Y-%m-%d"), "time": start.strftime("%H:%M")}


def invitation(application_id: str, days: float = 3, **values: Any) -> Json:
    """The body of a schedule, that many days from now."""
    return {"applicationId": application_id, **local(in_days(days)), "timeZone": "UTC", "type": "Phone"} | values


@dataclass
class Caller:
    """Somebody signed in, or nobody."""

    client: FlaskClient
    headers: dict[str, str]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """The response; `If_Match="x"` sends that header."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent)

    def ok(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The data of an answer that must be a success."""
        response = self.call(method, path, body, **headers)
        assert 200 <= response.status_code < 300, (method, path, response.text)
        return response.get_json()["data"]

    def refused(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Status and message of an answer that must be a refusal."""
        response = self.call(method, path, body, **headers)
        answer = response.get_json()
        assert answer.keys() - {"details"} == {"statusCode", "message", "error"}, (method, path, answer)
        assert response.status_code == answer["statusCode"] >= 400
        return response.status_code, answer["message"]
