"""E-mail addresses of seed files: one user a mailbox, and no characters that nobody sees."""

import pytest
from flask.testing import FlaskClient

from interviews_api.errors import SeedRefused
from tests.support.addresses import MAILBOX, SPELLINGS, WITH_HIDDEN
from tests.support.api import PASSWORD
from tests.support.factories import World


def problems(world: World) -> list[str]:
    with pytest.raises(SeedRefused) as refused:
        world.load()
    return list(refused.value.problems)


def test_file_gives_one_mailbox_to_one_user(world: World, client: FlaskClient) -> None:
    first = world.candidate(email=SPELLINGS[1], password=PASSWORD)
    world.load()
    world.candidate(email=SPELLINGS[2])
    assert problems(world) == ["candidates[1].email: Another user in the file has this address."]
    world.content["candidates"].remove(first)
    assert problems(world) == ["candidates[0].email: Email is already registered."]
    world.content["candidates"] = [first | {"email": SPELLINGS[3], "password": None}]
    world.load()
    login = client.post("/auth/login", json={"email": MAILBOX, "password": PASSWORD})
    assert login.get_json()["data"]["user"]["email"] == SPELLINGS[3]


def test_hidden_character_of_an_address_is_named(world: World) -> None:
    for email in WITH_HIDDEN:
        company = world.company(email=email)
        world.company_user(company, email=email)
        world.candidate(email=email)
    lines = problems(world)
    assert len(lines) == 3 * len(WITH_HIDDEN)
    assert all(".email: Must not contain a hidden character (U+" in line for line in lines)


def test_contact_of_a_company_is_any_visible_text(world: World, client: FlaskClient) -> None:
    contact = "HR, 2nd floor <hr@bücher.example>"
    world.job(world.company(email=f" {contact} "))
    world.company(email=None)
    world.load()
    assert client.get("/jobs").status_code == 200
