"""`flask seed load`: a seed file into the database, all of it or nothing."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any

from marshmallow import ValidationError
from sqlalchemy.exc import IntegrityError

from interviews_api.accounts.models import Candidate, Company, CompanyUser, Role, User, email_key
from interviews_api.accounts.passwords import hash_password
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.db.types import Base
from interviews_api.errors import SeedRefused
from interviews_api.events.log import invalidate_all_caches
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.models import Interview
from interviews_api.seed.repository import SeedRepository
from interviews_api.seed.schemas import SeedFile
from interviews_api.web import strict_json
from interviews_api.web.fields import camel_case, flatten

Record = dict[str, Any]
World = dict[str, list[Record]]

_SCHEMA = SeedFile()
_STAMPS = ("updated_at", "notices_after", "next_notice_at")


def load_bytes(raw: bytes) -> dict[str, int]:
    """Load a seed file's bytes; how many records of each array. Raises SeedRefused, and then nothing was written."""
    try:
        return load_world(strict_json.loads(raw))
    except strict_json.JSONRefused as error:
        raise SeedRefused([str(error)]) from None


def load_world(content: object) -> dict[str, int]:
    """Load a parsed seed file, in the file's own spelling; raises SeedRefused, and then nothing was written."""
    try:
        world: World = _SCHEMA.load(content)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SeedRefused(f"{_place(path)}: {problems[0]}" for path, problems in flatten(error.messages)) from None
    _refuse_repeats(world)
    users = _users(world)
    try:
        with transaction(no_timeouts=True) as connection:
            _write(SeedRepository(connection), world, users)
            invalidate_all_caches(connection)
    except IntegrityError as error:
        raise SeedRefused([f"The records contradict what is stored: {error.orig}"]) from None
    return {camel_case(name): len(records) for name, records in world.items()}


def _place(path: Sequence[str | int]) -> str:
    """`interviews[3].status`; names that could be misread are quoted."""
    place = ""
    for part in path:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            name = part if re.fullmatch(r"\w+", part) else json.dumps(part, ensure_ascii=False)
            place += f".{name}" if place else name
    return place or "the file"


def _refuse(world: World, name: str, field: str, is_wrong: Callable[[Record], bool], why: str) -> None:
    """Raise SeedRefused for every record of the array that is wrong."""
    problems = [
        f"{camel_case(name)}[{index}].{field}: {why}" for index, record in enumerate(world[name]) if is_wrong(record)
    ]
    if problems:
        raise SeedRefused(problems)


def _refuse_repeats(world: World) -> None:
    for name in world:
        _refuse(world, name, "id", _met_before(itemgetter("id")), "Appears twice in the file.")
    id_met, email_met = _met_before(itemgetter("id")), _met_before(lambda record: email_key(record["email"]))
    for name in ("company_users", "candidates"):
        _refuse(world, name, "id", id_met, "Another user in the file has this id.")
        _refuse(world, name, "email", email_met, "Another user in the file has this address.")
    pair_met = _met_before(itemgetter("candidate_id", "job_id"))
    _refuse(world, "applications", "jobId", pair_met, "The candidate applies twice for this job.")


def _met_before(key: Callable[[Record], object]) -> Callable[[Record], bool]:
    """A check that is true of a record whose key it was already asked about."""
    met: set[object] = set()

    def is_repeat(record: Record) -> bool:
        count = len(met)
        met.add(key(record))
        return len(met) == count

    return is_repeat


def _users(world: World) -> list[Record]:
    """The rows of `users`: each hash takes 25 ms, so they are made before the transaction and side by side."""
    roles = {"company_users": Role.COMPANY, "candidates": Role.CANDIDATE}
    everyone = [(record, role) for name, role in roles.items() for record in world[name]]
    created_at = now()
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(lambda one: one[0]["password"] and hash_password(one[0]["password"]), everyone)
        return [
            {
                "id": record["id"],
                "role": role,
                "email": record["email"],
                "email_key": email_key(record["email"]),
                "password_hash": password_hash,
                "created_at": created_at,
            }
            for (record, role), password_hash in zip(everyone, hashes, strict=True)
        ]


def _write(repository: SeedRepository, world: World, users: Sequence[Record]) -> None:
    """Parents first; each array is checked against what is stored by then.

    But interviews are locked before all: a move holds its interview while it asks for the application.
    """
    repository.lock(Interview, world["interviews"])
    repository.upsert(Company, world["companies"])
    _check_references(repository, world, "company_users", "company_id", Company)
    _check_users(repository, world, users)
    repository.upsert(User, users, keep=["role", "created_at"])
    repository.upsert(CompanyUser, list(_without(world["company_users"], "email", "password")))
    repository.upsert(Candidate, list(_without(world["candidates"], "email", "password")))
    _check_references(repository, world, "jobs", "company_id", Company)
    present = now()
    repository.upsert(Job, [job | {"created_at": present} for job in world["jobs"]], keep=["created_at"])
    _check_references(repository, world, "applications", "candidate_id", Candidate)
    _check_references(repository, world, "applications", "job_id", Job)
    _check_pairs(repository, world)
    companies = repository.companies_of_jobs({record["job_id"] for record in world["applications"]})
    repository.upsert(
        Application, [record | {"company_id": companies[record["job_id"]]} for record in world["applications"]]
    )
    _check_references(repository, world, "interviews", "application_id", Application)
    interviews = _interviews(repository, world["interviews"])
    repository.upsert(Interview, interviews, keep=["revision"], stamps=_STAMPS)


def _without(records: Iterable[Record], *names: str) -> Iterator[Record]:
    for record in records:
        yield {name: value for name, value in record.items() if name not in names}


def _check_references(repository: SeedRepository, world: World, name: str, key: str, model: type[Base]) -> None:
    known = repository.existing(model, {record[key] for record in world[name]})
    _refuse(world, name, camel_case(key), lambda record: record[key] not in known, "There is no such record.")


def _check_users(repository: SeedRepository, world: World, users: Sequence[Record]) -> None:
    """An id keeps its role; an address is free once the file before this one has freed it: no swaps in one file."""
    stored_roles = repository.roles(user["id"] for user in users)
    moved = {user["id"] for user in users if stored_roles.get(user["id"], user["role"]) != user["role"]}
    owners = repository.owners_of_emails(user["email_key"] for user in users)
    for name in ("company_users", "candidates"):
        _refuse(world, name, "id", lambda one: one["id"] in moved, "A user of the other role has this id.")
        _refuse(
            world,
            name,
            "email",
            lambda one: owners.get(email_key(one["email"]), one["id"]) != one["id"],
            "Email is already registered.",
        )


def _check_pairs(repository: SeedRepository, world: World) -> None:
    stored = repository.application_ids({record["candidate_id"] for record in world["applications"]})
    _refuse(
        world,
        "applications",
        "jobId",
        lambda one: stored.get((one["candidate_id"], one["job_id"]), one["id"]) != one["id"],
        "The candidate has already applied for this job.",
    )


def _interviews(repository: SeedRepository, records: Sequence[Record]) -> list[Record]:
    """With what the application says: whose it is, and the company's time zone where the record names none."""
    known = repository.applications({record["application_id"] for record in records})
    present = now()
    rows = []
    for record in records:
        candidate_id, company_id, company_zone = known[record["application_id"]]
        owners = {"candidate_id": candidate_id, "company_id": company_id}
        times = {"invited_at": record["created_at"]}
        times |= dict.fromkeys(_STAMPS, present)
        rows.append(record | owners | times | {"time_zone": record["time_zone"] or company_zone, "revision": 0})
    return rows
