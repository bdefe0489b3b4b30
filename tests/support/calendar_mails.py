"""Mails of candidates' calendars: answers in the forms of Gmail, Outlook, Apple Calendar and Thunderbird."""

import base64
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from interviews_api.db.connections import Database
from interviews_api.notifications.models import Delivery
from tests.support.people import People

Receive = Callable[[bytes], str]
"""Gives a mail to `flask mail receive`, which must succeed, and returns its outcome."""

REPLY_ADDRESS = "replies@jobs.example"


@dataclass(frozen=True)
class Invited:
    """What a calendar knows of an invitation: the organizer, the interview, its revision and the candidate."""

    organizer: str
    interview_id: str
    sequence: int
    candidate: str


Form = Callable[..., bytes]
"""Writes the mail of an answer to an invitation: `form(invited, partstat, method=..., attendee=..., extra=...)`."""


def crlf(text: str) -> bytes:
    return re.sub("\r?\n", "\r\n", text).encode()


def folded(line: str) -> str:
    """Return the content line in lines of 75 characters."""
    return "\n ".join([line[:75], *(line[index : index + 74] for index in range(75, len(line), 74))])


def calendar(
    invited: Invited, attendee: str, *, method: str = "REPLY", organizer: str = "", extra: str = "", head: str = ""
) -> str:
    """Return the calendar of an answer; `attendee` is the whole line, and so is `organizer`, which may be missing."""
    lines = ["BEGIN:VCALENDAR", "PRODID:-//test//EN", "VERSION:2.0", f"METHOD:{method}" if method else "", head,
             "BEGIN:VEVENT", "DTSTAMP:20261126T090000Z", organizer, f"UID:{invited.interview_id}@interviews-api",
             attendee, f"SEQUENCE:{invited.sequence}", "SUMMARY:Interview", extra, "END:VEVENT",
             "END:VCALENDAR"]  # fmt: skip
    return "\n".join(folded(line) if "\n" not in line else line for line in lines if line) + "\n"


def gmail(invited: Invited, partstat: str = "ACCEPTED", *, method: str = "REPLY", attendee: str = "",
          extra: str = "") -> bytes:  # fmt: skip
    """Folded lines, a second copy in base64, and the mark of an automatic mail although a person pressed Yes."""
    address = attendee or invited.candidate
    line = f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT={partstat};CN={address};X-NUM-GUESTS=0:mailto:{address}"
    text = calendar(invited, line, method=method, organizer=f"ORGANIZER;CN=us:mailto:{invited.organizer}", extra=extra)
    copy = base64.encodebytes(crlf(text)).decode()
    return crlf(f"""Return-Path: <{address}>
Reply-To: {address}
Sender: Google Calendar <calendar-notification@google.com>
Auto-Submitted: auto-generated
Message-ID: <calendar-1@google.com>
Subject: Accepted: Interview @ Mon
From: {address}
To: us <{invited.organizer}>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="000000000000aa"

--000000000000aa
Content-Type: multipart/alternative; boundary="000000000000ab"

--000000000000ab
Content-Type: text/plain; charset="UTF-8"; format=flowed; delsp=yes
Content-Transfer-Encoding: base64

QWRhIGhhcyBhY2NlcHRlZCB0aGlzIGludml0YXRpb24uCg==
--000000000000ab
Content-Type: text/calendar; charset="UTF-8"; method={method}
Content-Transfer-Encoding: 7bit

{text}
--000000000000ab--
--000000000000aa
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"
Content-Transfer-Encoding: base64

{copy}
--000000000000aa--
""")


def outlook(invited: Invited, partstat: str = "ACCEPTED", *, method: str = "REPLY", attendee: str = "",
            extra: str = "") -> bytes:  # fmt: skip
    """No ORGANIZER, 8 bits, capitals in MAILTO, and a Windows time zone."""
    address = attendee or invited.candidate
    zone = "\n".join(["BEGIN:VTIMEZONE", "TZID:Romance Standard Time", "BEGIN:STANDARD", "DTSTART:16010101T030000",
                      "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "RRULE:FREQ=SECONDLY", "END:STANDARD",
                      "END:VTIMEZONE"])  # fmt: skip
    line = f"ATTENDEE;PARTSTAT={partstat};RSVP=TRUE;CN=Zoë:MAILTO:{address}"
    text = calendar(invited, line, method=method, extra=extra, head=zone)
    return crlf(f"""Received: from AS8P251MB0958.EURP251.PROD.OUTLOOK.COM
From: =?utf-8?Q?Zo=C3=AB?= <{address}>
To: "'us'" <{invited.organizer}>
Subject: =?utf-8?Q?Accept=C3=A9=C2=A0:_Interview?=
Thread-Topic: Interview
X-MS-Has-Attach:
X-Auto-Response-Suppress: DR, OOF, AutoReply
Auto-Submitted: auto-generated
Content-Type: multipart/alternative;
\tboundary="_000_AS8P251MB0958_"
MIME-Version: 1.0

--_000_AS8P251MB0958_
Content-Type: text/plain; charset="windows-1252"
Content-Transfer-Encoding: quoted-printable


--_000_AS8P251MB0958_
Content-Type: text/calendar; charset="utf-8"; method={method}
Content-Transfer-Encoding: 8bit

{text}
--_000_AS8P251MB0958_--
""")


def apple(invited: Invited, partstat: str = "ACCEPTED", *, method: str = "REPLY", attendee: str = "",
          extra: str = "") -> bytes:  # fmt: skip
    """One part alone in base64, the method in the MIME type only, the address in EMAIL and percent-encoded."""
    address = attendee or invited.candidate
    encoded = address.replace("@", "%40").replace("+", "%2B")
    line = f'ATTENDEE;CN="Ada, Okafor";CUTYPE=INDIVIDUAL;EMAIL="{address}";PARTSTAT={partstat}:mailto:{encoded}'
    organizer = f'ORGANIZER;CN="us":mailto:{invited.organizer}'
    text = base64.encodebytes(crlf(calendar(invited, line, method="", organizer=organizer, extra=extra))).decode()
    return crlf(f"""Return-Path: <{address}>
From: Ada Okafor <{address}>
To: {invited.organizer}
Subject: Accepted: Interview
X-Mailer: Apple Mail
MIME-Version: 1.0
Content-Type: text/calendar; charset=utf-8; method={method}
Content-Transfer-Encoding: base64

{text}""")


def thunderbird(invited: Invited, partstat: str = "ACCEPTED", *, method: str = "REPLY", attendee: str = "",
                extra: str = "") -> bytes:  # fmt: skip
    """Quoted-printable within two multiparts, To in capitals, and the organizer's other properties."""
    address = attendee or invited.candidate
    line = f"ATTENDEE;RSVP=TRUE;CN=Ada;PARTSTAT={partstat};ROLE=REQ-PARTICIPANT:mailto:{address}"
    text = crlf(calendar(invited, line, method=method, organizer=f"ORGANIZER:mailto:{invited.organizer}", extra=extra))
    return crlf(f"""Message-ID: <1@example.com>
MIME-Version: 1.0
User-Agent: Mozilla Thunderbird
From: Ada Okafor <{address}>
To: {invited.organizer.upper()}
Subject: Event Invitation Reply (Accepted): Interview
Content-class: urn:content-classes:calendarmessage
Content-Type: multipart/mixed; boundary="------------tb1"

--------------tb1
Content-Type: multipart/alternative; boundary="------------tb2"

--------------tb2
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

Ada has accepted your event invitation.
--------------tb2
Content-Type: text/calendar; method={method}; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

{quopri.encodestring(text, quotetabs=True).decode()}
--------------tb2--
--------------tb1--
""")


FORMS: dict[str, Form] = {"gmail": gmail, "outlook": outlook, "apple": apple, "thunderbird": thunderbird}


def plain(invited: Invited, *headers: str, text: str = "Can I bring my dog?") -> bytes:
    """Return a person's own mail to the reply address, with further header lines."""
    lines = [f"From: <{invited.candidate}>", f"To: <{invited.organizer}>", "Subject: Re: Invitation", *headers]
    return crlf("\n".join([*lines, "", text, ""]))


def interview_of(people: People, invited: Invited) -> Any:
    return people.us.ok("GET", f"/interviews/{invited.interview_id}")


def status(people: People, invited: Invited) -> str:
    return str(interview_of(people, invited)["status"])


def answers(database: Database) -> list[str]:
    """Return the kinds of the answers to incoming mail, oldest first."""
    statement = select(Delivery.answer).where(Delivery.answer.is_not(None)).order_by(Delivery.id)
    with database.reads.connection() as connection:
        return [str(answer) for answer in connection.execute(statement).scalars()]


def timeline(people: People, invited: Invited) -> list[tuple[str, str]]:
    path = f"/candidate/interviews/{invited.interview_id}/timeline"
    return [(each["type"], each["by"]) for each in people.candidate.ok("GET", path)["events"]]
