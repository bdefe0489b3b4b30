"""A yes pressed in the calendar counts: answers of the four calendars, by `flask mail receive`."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from interviews_api.accounts.models import User
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.notifications.models import Delivery
from tests.support.api import in_days, local
from tests.support.calendar_mails import (
    FORMS,
    Form,
    Invited,
    Receive,
    answers,
    apple,
    calendar,
    crlf,
    gmail,
    interview_of,
    outlook,
    plain,
    status,
    thunderbird,
    timeline,
)
from tests.support.people import People

GMAIL_PROPOSAL = "DTSTART:20300517T080000Z"
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


@each_form
def test_yes_in_the_calendar_confirms(
    form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    assert receive(form(invited)) == "applied"
    assert status(people, invited) == "confirmed"
    assert timeline(people, invited)[1:] == [("interview.confirmed", "candidate")]
    assert receive(form(invited)) == "ignored"  # mail servers may deliver twice
    assert answers(database) == []


@each_form
def test_no_in_the_calendar_declines(
    form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    assert receive(form(invited, "DECLINED", extra="COMMENT:Another offer\\, sorry")) == "applied"
    interview = interview_of(people, invited)
    assert (interview["status"], interview["cancelledBy"]) == ("annule", "candidate")
    assert interview["cancellationReason"] == "Another offer, sorry"
    assert receive(form(invited, "DECLINED")) == "ignored"
    assert answers(database) == []


@each_form
def test_maybe_changes_nothing_and_is_answered(
    form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    before = interview_of(people, invited)
    assert receive(form(invited, "TENTATIVE")) == "answered"
    assert interview_of(people, invited) == before
    assert answers(database) == ["tentative"]


@pytest.mark.parametrize(
    ("form", "extra", "proposed"),
    [
        (gmail, GMAIL_PROPOSAL, ["2030-05-17T08:00:00.000Z"]),
        (outlook, "DTSTART;TZID=Romance Standard Time:20300517T100000\nCOMMENT:A train", ["2030-05-17T08:00:00.000Z"]),
        (thunderbird, 'DTSTART;TZID="Europe/Paris":20300517T100000', ["2030-05-17T08:00:00.000Z"]),
        (apple, "DTSTART;TZID=Nowhere/Land:20300517T100000", []),
        (gmail, "DTSTART:20200517T080000Z", []),
        (gmail, "DTSTART;VALUE=DATE:20300517", []),
        (gmail, "DTSTART:99990601T000000Z", []),
        (outlook, "DTSTART:00010101T000000Z", []),
    ],
)
def test_counter_asks_for_another_time(
    form: Form, extra: str, proposed: list[str], receive: Receive, people: People, invited: Invited
) -> None:
    assert receive(form(invited, "TENTATIVE", method="COUNTER", extra=extra)) == "applied"
    interview = interview_of(people, invited)
    assert interview["status"] == "en_attente"
    assert interview["rescheduleRequest"]["proposedTimes"] == proposed
    assert interview["rescheduleRequest"]["reason"] == ("A train" if "COMMENT" in extra else None)


@each_form
def test_answer_to_an_earlier_time_changes_nothing_and_is_answered(
    form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    people.us.ok("PUT", f"/interviews/{invited.interview_id}/reschedule", local(in_days(5)))
    assert receive(form(invited)) == "answered"
    assert receive(form(invited, "DECLINED")) == "answered"
    assert receive(form(invited, method="COUNTER", extra=GMAIL_PROPOSAL)) == "answered"
    assert status(people, invited) == "en_attente"
    assert answers(database) == ["outdated"] * 3
    assert receive(form(replace(invited, sequence=1))) == "applied"
    assert status(people, invited) == "confirmed"


def test_answer_to_a_cancelled_interview_is_answered(
    receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    people.us.ok("PUT", f"/interviews/{invited.interview_id}/cancel", {"cancellationReason": "Filled"})
    assert receive(gmail(replace(invited, sequence=1))) == "answered"
    assert receive(gmail(invited, "DECLINED")) == "answered"
    assert status(people, invited) == "annule"
    assert answers(database) == ["outdated"] * 2


def test_sequence_of_no_revision_changes_nothing(receive: Receive, people: People, invited: Invited) -> None:
    assert receive(gmail(replace(invited, sequence=1))) == "answered"
    assert receive(outlook(invited).replace(b"SEQUENCE:0", b"SEQUENCE:x")) == "answered"
    assert status(people, invited) == "en_attente"


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("ada@example.com", "ADA@Example.COM"),
        ("ada@example.com", " <ada@example.com> "),
        ("ada+jobs@example.com", "ada%2Bjobs@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("Ada.Okafor+jobs@gmail.com", "adaokafor@googlemail.com"),
    ],
)
def test_attendee_is_compared_as_an_address(
    stored: str, written: str, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.id == people.candidate_id).values(email=stored))
    assert receive(outlook(invited, attendee=written)) == "applied"


def test_several_events_of_which_only_ours_counts(receive: Receive, people: People, invited: Invited) -> None:
    other = replace(invited, interview_id="f" * 24, sequence=9)
    text = calendar(other, f"ATTENDEE;PARTSTAT=DECLINED:mailto:{invited.candidate}")
    event = crlf(text[text.index("BEGIN:VEVENT") : text.index("END:VCALENDAR")])
    assert receive(outlook(invited).replace(b"END:VCALENDAR", event + b"END:VCALENDAR")) == "applied"
    assert status(people, invited) == "confirmed"


def test_case_of_the_address_is_ignored(receive: Receive, people: People, invited: Invited) -> None:
    assert receive(gmail(replace(invited, organizer=invited.organizer.upper()))) == "applied"


def test_organizer_names_the_interview_if_the_header_does_not(
    receive: Receive, people: People, invited: Invited
) -> None:
    raw = gmail(invited).replace(f"To: us <{invited.organizer}>".encode(), b"To: us <hr@us.example>")
    assert receive(raw) == "applied"


def test_plain_mail_is_answered_once_a_day(
    receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    assert receive(plain(invited)) == "answered"
    assert receive(plain(invited)) == "ignored"
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(created_at=now() - timedelta(days=1, seconds=1)))
    assert receive(plain(invited)) == "answered"
    assert answers(database) == ["plain"] * 2
    assert status(people, invited) == "en_attente"


def test_at_most_three_answers_a_day(receive: Receive, people: People, invited: Invited, database: Database) -> None:
    outcomes = [receive(gmail(invited, "TENTATIVE")) for _ in range(4)]
    assert outcomes == ["answered"] * 3 + ["ignored"]
    assert receive(plain(invited)) == "ignored"
    assert answers(database) == ["tentative"] * 3
    assert receive(gmail(invited)) == "applied"  # answers are limited, a yes is not


def test_calendar_that_is_no_answer_is_a_plain_mail(
    receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    raw = apple(invited).replace(b"method=REPLY", b"method=REQUEST")
    assert receive(raw) == "answered"
    assert answers(database) == ["plain"]
    assert status(people, invited) == "en_attente"


def test_comment_is_cut_and_cleaned(receive: Receive, people: People, invited: Invited) -> None:
    comment = "COMMENT:a\x00\x0bb" + "c" * 3000
    assert receive(gmail(invited, "DECLINED", extra=comment)) == "applied"
    reason = interview_of(people, invited)["cancellationReason"]
    assert len(reason) == 2000
    assert reason.startswith("a bc")
