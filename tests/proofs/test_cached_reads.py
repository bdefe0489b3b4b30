"""Proof: a cached response is never older than a change that was acknowledged before the read."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from interviews_api.db.connections import Database
from tests.support.api import Caller, in_days, invitation, local
from tests.support.people import People
from tests.support.proof_table import figure, proof


@pytest.mark.proof
def test_read_is_never_older_than_an_acknowledged_write(
    cached_workers: list[Flask], people: People, database: Database
) -> None:
    """Read from both workers without a pause while one of them writes."""
    writes = figure(sample=60, full=1_000)
    us, candidate = people.us, people.candidate.headers
    interview_id = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, notes="0"))["interviewId"]
    is_over, acknowledged, reads = threading.Event(), [0], [0]

    def write() -> None:
        try:
            for number in range(1, writes + 1):
                us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(4)) | {"notes": str(number)})
                acknowledged[0] = number
        finally:
            is_over.set()

    def read(worker: Flask, path: str) -> int:
        caller, count = Caller(worker.test_client(), candidate), 0
        while not is_over.is_set() or count < 10:
            least = acknowledged[0]
            data = caller.ok("GET", path)
            assert int(data["interviews"][0]["notes"] if "interviews" in data else data["notes"]) >= least
            count += 1
        return count

    paths = ["/candidate/interviews", f"/candidate/interviews/{interview_id}"]
    with (
        proof("reads of two workers while one interview changes", database.engine.dialect.name, writes) as proof_row,
        ThreadPoolExecutor(5) as pool,
    ):
        readers = [pool.submit(read, worker, path) for worker in cached_workers[:2] for path in paths]
        pool.submit(write).result()
        reads[0] = sum(reader.result() for reader in readers)
        proof_row.result = f"{reads[0]} reads, none older than what was acknowledged before it"
    assert reads[0] >= 40
