"""`flask seed load`: load a seed file into the database, all of it or nothing."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import itemgetter
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.errors import EmailTaken
from interviews_api.accounts.models import Approval, Candidate, Company, CompanyUser, Role, User
from interviews_api.accounts.passwords import hash_concurrently
from interviews_api.accounts.registration import delete_unverified_account
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.db.types import Base
from interviews_api.email_addresses import email_key
from interviews_api.errors import SeedRefused
from interviews_api.events.log import invalidate_all_caches
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.models import Interview
from interviews_api.seed.repository import (
    SeedRepository,
    new_or_stored,
    next_revision,
    open_request,
    set_instant,
    stored_or_new,
)
from interviews_api.seed.schemas import SeedFile
from interviews_api.web import strict_json
from interviews_api.web.fields import camel_case, flatten

Record = dict[str, Any]
World = dict[str, list[Record]]

_SCHEMA = SeedFile()
_STAMPS = ("updated_at", "notices_after", "next_notice_at")


def load_bytes(raw: bytes) -> dict[str, int]:
    """Load a seed file from bytes; return the number of records by array.

    Raises SeedRefused; nothing is written then.
    """
    try:
        return load_world(strict_json.loads(raw))
    except strict_json.JSONRefused as error:
        raise SeedRefused([str(error)]) from None


def load_world(content: object) -> dict[str, int]:
    """Load a parsed seed file, with the file's own key names; return the number of records by array.

    Raises SeedRefused; nothing is written then.
    """
    try:
        world: World = _SCHEMA.load(content)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SeedRefused(f"{_place(path)}: {problems[0]}" for path, problems in flatten(error.messages)) from None
    _check_repeats(world)
    users = _users(world)
    try:
        with transaction(no_timeouts=True) as connection:
            _write(connection, world, users)
            invalidate_all_caches(connection)
    except IntegrityError as error:
        raise SeedRefused([f"The records contradict what is stored: {error.orig}"]) from None
    return {camel_case(name): len(records) for name, records in world.items()}


def _place(path: Sequence[str | int]) -> str:
    """Return a path as `interviews[3].status`; names with other than word characters are quoted."""
    place = ""
    for part in path:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            name = part if re.fullmatch(r"\w+", part) else json.dumps(part, ensure_ascii=False)
            place += f".{name}" if place else name
    return place or "the file"


def _refuse(world: World, name: str, field: str, is_wrong: Callable[[Record], bool], message: str) -> None:
    """Raise SeedRefused with a line for each wrong record of the array."""
    wrong = [index for index, record in enumerate(world[name]) if is_wrong(record)]
    problems = [f"{camel_case(name)}[{index}].{field}: {message}" for index in wrong]
    if problems:
        raise SeedRefused(problems)


def _check_repeats(world: World) -> None:
    """Raise SeedRefused for ids, addresses or applications that appear twice in the file."""
    for name in world:
        _refuse(world, name, "id", _repeat_detector(itemgetter("id")), "Appears twice in the file.")
    is_repeated_id = _repeat_detector(itemgetter("id"))
    is_repeated_email = _repeat_detector(lambda record: email_key(record["email"]))
    for name in ("company_users", "candidates"):
        _refuse(world, name, "id", is_repeated_id, "Another user in the file has this id.")
        _refuse(world, name, "email", is_repeated_email, "Another user in the file has this address.")
    is_repeated_pair = _repeat_detector(itemgetter("candidate_id", "job_id"))
    _refuse(world, "applications", "jobId", is_repeated_pair, "The candidate applies twice for this job.")


def _repeat_detector(key: Callable[[Record], object]) -> Callable[[Record], bool]:
    """Return a predicate that is true for a record whose key an earlier record had."""
    seen: set[object] = set()

    def is_repeat(record: Record) -> bool:
        count = len(seen)
        seen.add(key(record))
        return len(seen) == count

    return is_repeat


def _users(world: World) -> list[Record]:
    """Return the rows of `users`.

    A password hash takes 25 ms, so the hashes are made in parallel and before the transaction.
    """
    roles = {"company_users": Role.COMPANY, "candidates": Role.CANDIDATE}
    users = [(record, role) for name, role in roles.items() for record in world[name]]
    created_at = now()
    passwords = [record["password"] for record, _ in users]
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(lambda password: password and hash_concurrently(password), passwords)
        return [
            {
                "id": record["id"],
                "role": role,
                "email": record["email"],
                "email_key": email_key(record["email"]),
                "password_hash": password_hash,
                "created_at": created_at,
                "email_verified_at": created_at,
            }
            for (record, role), password_hash in zip(users, hashes, strict=True)
        ]


def _write(connection: Connection, world: World, users: Sequence[Record]) -> None:
    """Write the arrays, parents first; check each against what is stored by then.

    Interviews are locked first of all. A transition locks its interview before the application, so the opposite order
    could deadlock.
    """
    repository = SeedRepository(connection)
    repository.lock(Interview, (interview["id"] for interview in world["interviews"]))
    _delete_unverified_accounts(connection, repository, users)
    companies = [
        company | {"approval": Approval.APPROVED.value, "vouched_email": company["email"]}
        for company in world["companies"]
    ]
    present = now()
    change_stamps: dict[str, Any] = {"merge": {"updated_at": set_instant(present)}, "stamps": ["updated_at"]}
    repository.upsert(Company, companies, keep=["approval"], **change_stamps)
    _check_references(repository, world, "company_users", "company_id", Company)
    _check_users(repository, world, users)
    credentials = {
        "password_hash": new_or_stored("password_hash"),
        "email_verified_at": stored_or_new("email_verified_at"),
    }
    repository.upsert(User, users, keep=["role", "created_at"], merge=credentials)
    repository.upsert(CompanyUser, list(_without(world["company_users"], "email", "password")))
    repository.upsert(Candidate, list(_without(world["candidates"], "email", "password")))
    _check_references(repository, world, "jobs", "company_id", Company)
    jobs = [job | {"created_at": present} for job in world["jobs"]]
    repository.upsert(Job, jobs, keep=["created_at"], **change_stamps)
    _check_references(repository, world, "applications", "candidate_id", Candidate)
    _check_references(repository, world, "applications", "job_id", Job)
    _check_pairs(repository, world)
    company_ids = repository.companies_of_jobs({record["job_id"] for record in world["applications"]})
    repository.upsert(
        Application, [record | {"company_id": company_ids[record["job_id"]]} for record in world["applications"]]
    )
    _check_references(repository, world, "interviews", "application_id", Application)
    interviews = _interviews(repository, world["interviews"])
    merge = {
        "accepted_at": new_or_stored("accepted_at"),
        "revision": next_revision,
        "reschedule_request": open_request,
    }
    repository.upsert(Interview, interviews, merge=merge, stamps=_STAMPS)


def _without(records: Iterable[Record], *names: str) -> Iterator[Record]:
    """Yield the records without those fields."""
    for record in records:
        yield {name: value for name, value in record.items() if name not in names}


def _check_references(repository: SeedRepository, world: World, name: str, key: str, model: type[Base]) -> None:
    """Raise SeedRefused for records of the array that refer to a row that does not exist."""
    existing = repository.existing(model, {record[key] for record in world[name]})
    _refuse(world, name, camel_case(key), lambda record: record[key] not in existing, "There is no such record.")


def _delete_unverified_accounts(connection: Connection, repository: SeedRepository, users: Sequence[Record]) -> None:
    """Delete the accounts that are not in the file and hold one of its addresses, if addresses must be verified.

    Anybody can register an address, so an account that nobody has verified gives way. `_check_users` refuses the
    addresses of accounts that stay.
    """
    if not is_verification_required():
        return
    ids = {user["id"] for user in users}
    owners = repository.owners_of_emails((user["email_key"] for user in users), only_unverified=True)
    others = {key: owner_id for key, owner_id in owners.items() if owner_id not in ids}
    repository.lock_accounts(others.values())
    for key, _ in sorted(others.items(), key=itemgetter(1)):
        with suppress(EmailTaken):  # `_check_users` refuses the address
            delete_unverified_account(connection, key)


def _check_users(repository: SeedRepository, world: World, users: Sequence[Record]) -> None:
    """Raise SeedRefused for an id with another role, and for an address of another user.

    Only stored addresses count, so two users cannot swap addresses in one file.
    """
    stored_roles = repository.roles(user["id"] for user in users)
    changed_roles = {user["id"] for user in users if stored_roles.get(user["id"], user["role"]) != user["role"]}
    owners = repository.owners_of_emails(user["email_key"] for user in users)
    for name in ("company_users", "candidates"):
        _refuse(world, name, "id", lambda user: user["id"] in changed_roles, "A user of the other role has this id.")
        _refuse(
            world,
            name,
            "email",
            lambda record: owners.get(email_key(record["email"]), record["id"]) != record["id"],
            "Email is already registered.",
        )


def _check_pairs(repository: SeedRepository, world: World) -> None:
    """Raise SeedRefused for a second application of a candidate for the same job."""
    stored = repository.application_ids({record["candidate_id"] for record in world["applications"]})
    _refuse(
        world,
        "applications",
        "jobId",
        lambda record: stored.get((record["candidate_id"], record["job_id"]), record["id"]) != record["id"],
        "The candidate has already applied for this job.",
    )


def _interviews(repository: SeedRepository, records: Sequence[Record]) -> list[Record]:
    """Return the rows of `interviews`, with the application's candidate and company.

    A record without a time zone gets the company's.
    """
    applications = repository.applications({record["application_id"] for record in records})
    present = now()
    rows = []
    for record in records:
        candidate_id, company_id, company_zone = applications[record["application_id"]]
        owners = {"candidate_id": candidate_id, "company_id": company_id}
        times = {"invited_at": record["created_at"], "accepted_at": record["confirmed_at"]}
        times |= dict.fromkeys(_STAMPS, present)
        rows.append(record | owners | times | {"time_zone": record["time_zone"] or company_zone, "revision": 0})
    return rows
