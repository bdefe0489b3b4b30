"""`flask seed demo`: a small demo world around today, in the format of the seed file; ids are the same each time."""

from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from interviews_api.clock import format_instant, now, zone

CANDIDATE_EMAIL = "ines.moreau@example.com"
COMPANY_EMAIL = "hiring@lumenworks.example"
PASSWORD = "demo-password-1"  # noqa: S105  # public on purpose: the command prints it

Record = dict[str, Any]

_COMPANIES = {
    "Lumen Works": ("Europe/Paris", "18 Rue de la Paix, 75002 Paris", "+33 1 70 18 99 00", COMPANY_EMAIL),
    "Tech Solutions Inc": (
        "America/Los_Angeles",
        "123 Tech Street, San Francisco, CA",
        "+1-555-0123",
        "hr@tech.example",
    ),
    "Kaveri Systems": ("Asia/Kolkata", "80 Feet Road, Bengaluru 560034", "+91 80 4000 1234", "people@kaveri.example"),
    "Southern Cross Health": (
        "Australia/Adelaide",
        "40 King William St, Adelaide",
        "+61 8 7000 1200",
        "jobs@sch.example",
    ),
}
_JOBS = {
    "Senior Frontend Developer": ("Tech Solutions Inc", "React and TypeScript, in a team of six."),
    "Platform Engineer": ("Tech Solutions Inc", "Keep three hundred services boring."),
    "Data Analyst": ("Lumen Works", "Turn sensor readings into decisions."),
    "Product Designer": ("Lumen Works", "From first sketch to shipped screen."),
    "Backend Engineer (Python)": ("Kaveri Systems", "APIs that answer in milliseconds."),
    "Site Reliability Engineer": ("Kaveri Systems", "Nights are quiet because days are careful."),
    "Clinical Systems Specialist": ("Southern Cross Health", "Where software meets the ward."),
}
_CANDIDATES = {
    CANDIDATE_EMAIL: ("Inès", "Moreau", "+33 6 12 34 56 78"),
    "arjun.rao@example.com": ("Arjun", "Rao", "+91 98450 12345"),
    "grace.okafor@example.com": ("Grace", "Okafor", None),
}
# candidate, job, status, type, days from today, wall time in the company's zone, further fields of the seed file
_INTERVIEWS: list[tuple[str, str, str, str, int, str, Record]] = [
    (CANDIDATE_EMAIL, "Senior Frontend Developer", "en_attente", "Video", 3, "14:30",
     {"notes": "Please prepare a brief presentation about your recent projects"}),
    (CANDIDATE_EMAIL, "Backend Engineer (Python)", "en_attente", "Phone", 5, "10:00",
     {"notes": "We call the number in your profile.", "durationMinutes": 30}),
    (CANDIDATE_EMAIL, "Data Analyst", "confirmed", "InPerson", 1, "09:30",
     {"notes": "Ask for Camille at the desk.", "durationMinutes": 90}),
    (CANDIDATE_EMAIL, "Clinical Systems Specialist", "confirmed", "Video", 8, "11:15", {}),
    (CANDIDATE_EMAIL, "Product Designer", "confirmed", "Video", -1, "16:00", {}),
    (CANDIDATE_EMAIL, "Platform Engineer", "completed", "Video", -6, "15:00",
     {"isHired": True, "hiringDecisionReason": "Best of five.", "feedback": {
         "overallRating": 9, "communication": 8, "comments": "A pleasure to talk to.",
         "strengths": ["system design"], "recommendation": "hire"}}),
    (CANDIDATE_EMAIL, "Data Analyst", "completed", "Phone", -15, "10:30", {"isHired": None}),
    (CANDIDATE_EMAIL, "Site Reliability Engineer", "completed", "Video", -30, "17:00",
     {"isHired": False, "shareFeedback": False, "feedback": {"overallRating": 4, "recommendation": "reject"}}),
    (CANDIDATE_EMAIL, "Senior Frontend Developer", "annule", "InPerson", -10, "13:00",
     {"cancelledBy": "company", "cancellationReason": "The panel is travelling; a new invitation follows."}),
    ("arjun.rao@example.com", "Senior Frontend Developer", "en_attente", "Video", 2, "09:00", {}),
    ("arjun.rao@example.com", "Product Designer", "confirmed", "InPerson", 4, "14:00", {}),
    ("arjun.rao@example.com", "Platform Engineer", "annule", "Phone", -3, "11:00",
     {"cancelledBy": "candidate", "cancellationReason": "I have accepted another offer."}),
    ("grace.okafor@example.com", "Clinical Systems Specialist", "en_attente", "InPerson", 6, "10:00", {}),
    ("grace.okafor@example.com", "Site Reliability Engineer", "completed", "Video", -2, "12:30", {"isHired": True}),
]  # fmt: skip
_APPLICATION_STATUS = {
    "en_attente": "entretien_programmer", "confirmed": "confirme", "completed": "vu", "annule": "annule"
}  # fmt: skip


def demo_world() -> dict[str, list[Record]]:
    """Return the content of a seed file with the demo world; its dates lie around today."""
    today = now().replace(minute=0, second=0, microsecond=0)
    interviews = [_interview(today, number, *row) for number, row in enumerate(_INTERVIEWS)]
    return {
        "companies": [
            {"id": _id("company", name), "name": name, "logo": f"https://logo.example/{_id('company', name)}.png",
             "address": address, "phone": phone, "email": email, "timeZone": time_zone}
            for name, (time_zone, address, phone, email) in _COMPANIES.items()
        ],
        "companyUsers": [
            {"id": _id("user", COMPANY_EMAIL), "companyId": _id("company", "Lumen Works"),
             "email": COMPANY_EMAIL, "password": PASSWORD}
        ],
        "jobs": [
            {"id": _id("job", title), "companyId": _id("company", company), "title": title, "description": description}
            for title, (company, description) in _JOBS.items()
        ],
        "candidates": [
            {"id": _id("user", email), "email": email, "password": PASSWORD,
             "firstName": first_name, "lastName": last_name, "phone": phone}
            for email, (first_name, last_name, phone) in _CANDIDATES.items()
        ],
        "applications": list(
            {
                (email, job): {
                    "id": _id("application", email, job), "candidateId": _id("user", email), "jobId": _id("job", job),
                    "status": _APPLICATION_STATUS[status], "appliedAt": format_instant(today - timedelta(days=45)),
                }
                for email, job, status, *_ in reversed(_INTERVIEWS)
            }.values()
        ),
        "interviews": interviews,
    }  # fmt: skip


def _id(*names: str) -> str:
    return sha256("/".join(names).encode()).hexdigest()[:24]


def _interview(
    present: datetime,
    number: int,
    email: str,
    job: str,
    status: str,
    type_: str,
    days: int,
    wall_time: str,
    extra: Record,
) -> Record:
    company = _JOBS[job][0]
    time_zone, address, *_ = _COMPANIES[company]
    today = present.astimezone(zone(time_zone)).date()
    local = datetime.combine(today + timedelta(days=days), time.fromisoformat(wall_time), zone(time_zone))
    starts_at = local.astimezone(UTC)
    ends_at = starts_at + timedelta(minutes=extra.get("durationMinutes", 60))
    created_at = min(starts_at, present) - timedelta(days=4)
    is_confirmed = status in ("confirmed", "completed")
    return {
        "id": _id("interview", str(number)),
        "applicationId": _id("application", email, job),
        "status": status,
        "type": type_,
        "scheduledDate": format_instant(starts_at),
        "timeZone": time_zone,
        "location": address if type_ == "InPerson" else None,
        "meetingLink": f"https://meet.example/{_id('room', str(number))[:10]}" if type_ == "Video" else None,
        "confirmedAt": format_instant(created_at + timedelta(days=1)) if is_confirmed else None,
        "completedAt": format_instant(ends_at) if status == "completed" else None,
        "cancelledAt": format_instant(created_at + timedelta(days=2)) if status == "annule" else None,
        "scheduledAt": format_instant(created_at),
        **extra,
    }
