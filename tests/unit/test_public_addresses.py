"""Public and private addresses, and URLs that lead to private ones."""

import pytest

from interviews_api.notifications.channels.https_client import (
    UrlRefused,
    check_url,
    is_public,
)
from tests.support.hostile_addresses import LITERALS, ODD, PRIVATE


def test_there_are_eighty_hostile_addresses() -> None:
    assert len(PRIVATE) + len(LITERALS) + len(ODD) >= 80


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_address_is_public() -> None:
    for address in ("93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"):
        assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    with pytest.raises(UrlRefused):
        check_url("https://innocent.example/", lambda _host: ["93.184.215.14", address])
