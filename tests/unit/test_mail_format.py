"""The format of mails: what strict servers take, and what a person reads in each mail program."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

import pytest

from interviews_api.config import Settings
from interviews_api.notifications.channels.email import compose
from interviews_api.web.uris import as_uri
from tests.support.delivery_contexts import delivery_context
from tests.support.settings import SECRETS
from tests.unit.test_email_headers import MAILS

CANDIDATE = {"id": "c" * 24, "email": "ada@example.com", "role": "candidate"}
COMPANY_USER = {"id": "d" * 24, "email": "boss@us.example", "role": "company"}
LINK = "https://meet.example/?a=1&b=2"


def composed(user: dict[str, Any], event: str | None, text: str = "x", **values: Any) -> tuple[bytes, EmailMessage]:
    """Return the bytes of a mail, and the mail as a program reads it."""
    settings = Settings.load(SECRETS | {"MAIL_FROM": values.pop("mail_from", "Interviews <no-reply@jobs.example>")})
    raw = compose(settings, user, delivery_context(event, text) | values).as_bytes()
    message = message_from_bytes(raw, policy=modern)
    assert isinstance(message, EmailMessage)
    return raw, message


def body(message: EmailMessage, kind: str) -> str:
    return str(message.get_body((kind,)).get_content()).replace("\r\n", "\n")  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["Bäcker \U0001f600", "x" * 3000, "é" * 3000, "From x\n.\n.x\nend \n", "a \t\n\n\nb"])
@pytest.mark.parametrize(("role", "event"), MAILS)
def test_each_part_is_ascii_in_short_lines(role: str | None, event: str | None, text: str) -> None:
    raw, message = composed(CANDIDATE | {"role": role}, event, text)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    encodings = [part["Content-Transfer-Encoding"] for part in message.walk() if not part.is_multipart()]
    assert encodings in (["quoted-printable"] * 2, ["quoted-printable"] * 2 + ["base64"])
    if event and event.startswith("interview"):
        assert text.split("\n")[0].rstrip() in body(message, "plain")


@pytest.mark.parametrize(("role", "event"), MAILS)
def test_mail_is_of_no_list(role: str | None, event: str | None) -> None:
    _, message = composed(CANDIDATE | {"role": role}, event)
    assert not {"List-Unsubscribe", "List-Id", "Precedence"} & set(message)


def test_links_are_anchors_in_html() -> None:
    _, message = composed(CANDIDATE, "interview.scheduled", meeting_link=LINK)
    html, written = body(message, "html"), LINK.replace("&", "&amp;")
    assert f'<a href="{written}">{written}</a>' in html
    assert re.search(r'<a href="http://127\.0\.0\.1:8000/interviews/confirm/', html)
    assert f"Link: {LINK}\n" in body(message, "plain")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "Call me", 'https://"><b>'])
def test_text_that_is_no_safe_link_is_escaped(link: str) -> None:
    html = body(composed(CANDIDATE, "interview.scheduled", meeting_link=link)[1], "html")
    assert "<b>" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert as_uri(link).replace("&", "&amp;") in html


@pytest.mark.parametrize("event", ["scheduled", "rescheduled", "updated", "confirmed"])
@pytest.mark.parametrize("status", ["en_attente", "confirmed", "completed"])
def test_mail_that_waited_asks_for_what_is_still_to_do(event: str, status: str) -> None:
    """It is sent when a server that was away for hours is back, and the interview was answered meanwhile."""
    values: dict[str, Any] = {"status": status, "reschedule_request": None}
    _, message = composed(CANDIDATE, f"interview.{event}", **values)
    for text in (body(message, "plain"), body(message, "html")):
        assert bool(re.search("say whether|please confirm", text)) == (status == "en_attente" and event != "confirmed")
        assert ("/interviews/confirm/" in text) == (status != "completed")
        assert ("Only the link answers" in text) == (status == "en_attente")


def test_update_asks_nobody_again_whose_request_for_another_time_stands() -> None:
    _, message = composed(CANDIDATE, "interview.updated")
    assert "Your request for another time stands." in body(message, "plain")
    assert "say whether" not in body(message, "plain")


@pytest.mark.parametrize("stands", [True, False])
def test_mail_says_whether_the_request_for_another_time_stands(stands: bool) -> None:
    request = {"reason": "A train", "proposed_times": []} if stands else None
    _, message = composed(COMPANY_USER, "interview.reschedule_requested", reschedule_request=request)
    assert ("stays as it is until you move it" in body(message, "plain")) == stands
    assert ("no longer stands" in body(message, "plain")) != stands


@pytest.mark.parametrize(
    ("user", "values", "lines"),
    [
        (CANDIDATE, {"location": None, "candidate_phone": "+33 1"}, ["How: Phone", "Call: Us calls you at +33 1"]),
        (CANDIDATE, {"location": None, "candidate_phone": None}, ["How: Phone", "Call: Please call Us at +44 2"]),
        (CANDIDATE, {"location": "+49 301 234"}, ["How: Phone", "Call: Please call Us at +49 301 234"]),
        (CANDIDATE, {"location": "Room 3", "status": "annule"}, ["How: Phone", "Where: Room 3"]),
        (CANDIDATE, {"location": "Room 3", "type": "InPerson"}, ["How: In person", "Where: Room 3"]),
        (COMPANY_USER, {"location": "Room 3"}, ["How: Phone", "Where: Room 3"]),
    ],
)
def test_mail_about_an_open_phone_interview_says_who_calls_whom(
    user: dict[str, Any], values: dict[str, Any], lines: list[str]
) -> None:
    about = {"type": "Phone", "company_name": "Us", "company_phone": "+44 2"} | values
    _, message = composed(user, "interview.confirmed", **about)
    assert [line for line in body(message, "plain").split("\n") if re.match("How|Call|Where", line)] == lines
    assert lines[1].partition(": ")[2] in body(message, "html")


def test_webhook_of_a_mail_is_an_anchor() -> None:
    url = "https://hooks.example/?a=1&b=2"
    anchor = '<a href="https://hooks.example/?a=1&amp;b=2">'
    disabled = composed(COMPANY_USER, None, kind="webhook_disabled", webhook_url=url)[1]
    assert anchor in body(disabled, "html")
    assert f"Webhook: {url}" in body(disabled, "plain")
    details = {
        "person": "Ada",
        "change": "removed",
        "company": "us",
        "by": "Bo",
        "webhooks": f"{url}, https://b.example",
    }
    removed = composed(COMPANY_USER, "account_colleague_changed", mail_details=details)[1]
    assert anchor in body(removed, "html")
    assert '<a href="https://b.example">' in body(removed, "html")
    joined = composed(COMPANY_USER, "account_colleague_changed", mail_details=details | {"webhooks": ""})[1]
    assert "<a" not in body(joined, "html")


@pytest.mark.parametrize(
    ("user", "event", "field"),
    [
        (CANDIDATE, "interview.scheduled", "notes"), (CANDIDATE, "interview.cancelled", "cancellation_reason"),
        (CANDIDATE, "interview.reminder", "location"), (COMPANY_USER, "interview.declined", "cancellation_reason"),
    ],
)  # fmt: skip
def test_line_breaks_are_elements_and_blank_lines_stay(user: dict[str, Any], event: str, field: str) -> None:
    _, message = composed(user, event, **{field: "One\r\n<two>\n\nthree\rfour"})
    html = body(message, "html")
    assert "One<br>\n&lt;two&gt;<br>\n<br>\nthree<br>\nfour" in html
    assert "white-space" not in html
    assert "One\n<two>\n\nthree\nfour" in body(message, "plain")


@pytest.mark.parametrize(
    ("user", "event", "values", "reply_to"),
    [
        (CANDIDATE, "interview.scheduled", {"company_answerable_email": "hr@us.example"}, "hr@us.example"),
        (CANDIDATE, "interview.reminder", {"company_answerable_email": "hr@bücher.example"},
         "hr@xn--bcher-kva.example"),
        (CANDIDATE, "interview.scheduled", {"company_answerable_email": None, "company_email": "me@us.example"}, None),
        (CANDIDATE, "interview.scheduled", {"company_answerable_email": "ask us"}, None),
        (CANDIDATE, "interview.scheduled", {"company_answerable_email": "a@b.example, c@d.example"}, None),
        (CANDIDATE, "interview.cancelled", {"company_answerable_email": "hr@us.example", "is_muted": True}, None),
        (CANDIDATE, None, {"company_answerable_email": "hr@us.example"}, None),
        (COMPANY_USER, "interview.confirmed", {"candidate_email": "ada@example.com"}, "ada@example.com"),
        (COMPANY_USER, "interview.declined", {"candidate_email": "é@example.com"}, None),
        (COMPANY_USER, "account_colleague_changed", {"candidate_email": "ada@example.com"}, None),
    ],
)  # fmt: skip
def test_answers_go_to_the_other_party(
    user: dict[str, Any], event: str | None, values: dict[str, Any], reply_to: str | None
) -> None:
    _, message = composed(user, event, **values)
    assert message["Reply-To"] == reply_to


@pytest.mark.parametrize("name", [
    "Jobs: HR, Paris", "me@home", "Bücher GmbH", "Ünï " * 30, "word, " * 40, "x" * 200, 'A "B" C', "الشركة: وظائف",
])  # fmt: skip
def test_sender_has_one_mailbox_whatever_its_name(name: str) -> None:
    quoted = name.strip().replace('"', r"\"")
    raw, message = composed(CANDIDATE, "interview.scheduled", mail_from=f'"{quoted}" <no-reply@bücher.example>')
    assert message["From"].defects == ()
    (sender,) = message["From"].addresses
    assert sender.addr_spec == "no-reply@xn--bcher-kva.example"
    # Python 3.11 parses two encoded words of a name with a blank between them, which RFC 2047 does not have.
    written = str(make_header(decode_header(message_from_bytes(raw)["From"])))
    assert name.strip() in (sender.display_name, written.partition(" <")[0])
    assert raw.partition(b"\r\n\r\n")[0].isascii()
