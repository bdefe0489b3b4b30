"""LIMIT: a bare WSGI callable that verifies the token and lets Postgres build the JSON. Ratios refer to it.

It runs one prepared statement per request on a psycopg connection per thread. It has no framework, schemas, log or
sessions. `remembering` adds a minimal validated cache: it reads one row by its primary key and returns stored bytes.
"""

import os
import threading
from urllib.parse import parse_qs

import jwt
import psycopg

URL = os.environ["DATABASE_URL"]
KEY = os.environ["JWT_SECRET_KEY"]
_local = threading.local()
_cached: dict[tuple[str | None, str], str | None] = {}

_ISO = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_INTERVIEW = f"""
    'interviewId', i.id, 'applicationId', i.application_id,
    'company', json_build_object('id', c.id, 'name', c.name, 'logo', c.logo {{company}}),
    'job', json_build_object('id', j.id, 'title', j.title {{job}}),
    'status', i.status, 'type', i.type, 'scheduledDate', {_ISO.format("i.starts_at")},
    'scheduledTime', to_char(i.starts_at AT TIME ZONE i.time_zone, 'HH24:MI'),
    'location', i.location, 'meetingLink', i.meeting_link, 'notes', i.notes,
    'confirmedAt', {_ISO.format("i.confirmed_at")}, 'completedAt', {_ISO.format("i.completed_at")},
    'cancelledAt', {_ISO.format("i.cancelled_at")}, 'cancellationReason', i.cancellation_reason,
    'isHired', i.is_hired, 'appliedAt', {_ISO.format("a.applied_at")}, 'scheduledAt', {_ISO.format("i.created_at")}
"""
LIST = f"""
SELECT json_build_object('message', 'Candidate interviews retrieved successfully', 'data', json_build_object(
  'interviews', coalesce((
    SELECT json_agg(json_build_object({_INTERVIEW.format(company="", job="")}) ORDER BY i.starts_at DESC, i.id)
    FROM (SELECT * FROM interviews WHERE candidate_id = %(me)s
          ORDER BY starts_at DESC, id LIMIT %(limit)s OFFSET %(skip)s) i
    JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id
    JOIN companies c ON c.id = j.company_id
  ), '[]'::json),
  'total', n.total, 'pendingCount', n.pending, 'upcomingCount', n.upcoming, 'completedCount', n.completed))::text
FROM (SELECT count(*) AS total, count(*) FILTER (WHERE status = 'en_attente') AS pending,
        count(*) FILTER (WHERE status = 'confirmed' AND starts_at >= now()) AS upcoming,
        count(*) FILTER (WHERE status = 'completed') AS completed
      FROM interviews WHERE candidate_id = %(me)s) n
"""
DETAILS = f"""
SELECT json_build_object('message', 'Interview details retrieved successfully', 'data', json_build_object({
    _INTERVIEW.format(
        company=", 'address', c.address, 'phone', c.phone, 'email', c.email", job=", 'description', j.description"
    )
}, 'feedback', CASE WHEN i.share_feedback THEN i.feedback END))::text
FROM interviews i JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id
JOIN companies c ON c.id = j.company_id
WHERE i.id = %(id)s AND i.candidate_id = %(me)s
"""
CONFIRM = f"""
WITH updated AS (
  UPDATE interviews SET status = 'confirmed', confirmed_at = date_trunc('milliseconds', now()),
    updated_at = date_trunc('milliseconds', now()), reschedule_request = NULL,
    notices_after = date_trunc('milliseconds', now()), next_notice_at = date_trunc('milliseconds', now())
  WHERE id = %(id)s AND candidate_id = %(me)s AND status = 'en_attente' RETURNING *
), updated_application AS (
  UPDATE applications SET status = 'confirme', date_confirmed = updated.confirmed_at, date_cancelled = NULL,
    cancellation_reason = NULL
  FROM updated WHERE applications.id = updated.application_id
), inserted_event AS (
  INSERT INTO events (interview_id, type, at, actor, revision, candidate_id, company_id)
  SELECT id, 'interview.confirmed', confirmed_at, 'candidate', revision, candidate_id, company_id FROM updated
)
SELECT json_build_object('message', 'Interview confirmed successfully', 'data', json_build_object(
  'interviewId', i.id, 'status', i.status, 'confirmedAt', {_ISO.format("i.confirmed_at")},
  'interview', json_build_object('date', {_ISO.format("i.starts_at")},
    'time', to_char(i.starts_at AT TIME ZONE i.time_zone, 'HH24:MI'), 'type', i.type, 'location', i.location,
    'meetingLink', i.meeting_link, 'company', json_build_object('name', c.name),
    'job', json_build_object('title', j.title))))::text
FROM updated i JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id
JOIN companies c ON c.id = j.company_id
"""


def _fetch(statement: str, values: dict[str, object]) -> str | None:
    if not hasattr(_local, "cursor"):
        _local.cursor = psycopg.connect(URL, autocommit=True, prepare_threshold=0).cursor()
    row = _local.cursor.execute(statement, values).fetchone()
    return row[0] if row else None


def app(environ, start_response, *, fetch=_fetch):
    """Answer GET /candidate/interviews, GET /candidate/interviews/{id} and PUT /candidate/interviews/{id}/confirm."""
    try:
        token = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        me = jwt.decode(token, KEY, algorithms=["HS256"], audience="interviews-api", issuer="interviews-api")["sub"]
    except (KeyError, jwt.PyJWTError):
        start_response("401 Unauthorized", [("Content-Type", "application/json")])
        return [b'{"statusCode":401,"message":"Unauthorized","error":"Unauthorized"}']
    parts = environ["PATH_INFO"].split("/")
    if len(parts) == 3:
        query = parse_qs(environ["QUERY_STRING"])
        limit, skip = int(query.get("limit", ["10"])[0]), int(query.get("skip", ["0"])[0])
        body = fetch(LIST, {"me": me, "limit": limit, "skip": skip})
    else:
        body = fetch(CONFIRM if environ["REQUEST_METHOD"] == "PUT" else DETAILS, {"me": me, "id": parts[3]})
    if body is None:
        start_response("404 Not Found", [("Content-Type", "application/json")])
        return [b'{"statusCode":404,"message":"Interview not found","error":"Not Found"}']
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body.encode())))])
    return [body.encode()]


def _fetch_cached(statement: str, values: dict[str, object]) -> str | None:
    version = _fetch("SELECT id FROM candidates WHERE id = %(me)s", values)
    key = version, str(values.get("id"))
    if key not in _cached:
        _cached[key] = _fetch(statement, values)
    return _cached[key]


def remembering(environ, start_response):
    """Answer the GET requests of `app` from the cache."""
    return app(environ, start_response, fetch=_fetch_cached)
