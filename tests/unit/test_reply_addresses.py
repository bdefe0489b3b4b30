"""Reply addresses: how long they are, and how much of their token nobody can guess."""

import base64

from interviews_api.notifications.incoming.reply_addresses import (
    find_tokens,
    interview_id_of,
    is_genuine,
    make_reply_address,
)
from tests.support.settings import SECRETS

KEY = SECRETS["SECRET_KEY"]
INTERVIEW, CANDIDATE = "a" * 24, "b" * 24
LONGEST = f"{'r' * 23}@jobs.example"


def test_longest_address_has_64_octets_and_an_unguessable_token() -> None:
    """RFC 5321, section 4.5.3.1.1, and a MAC of at least 80 bits after the interview's id."""
    address = make_reply_address(LONGEST, KEY, INTERVIEW, CANDIDATE)
    assert len(address.rpartition("@")[0]) == 64
    (token,) = find_tokens(LONGEST, address)
    assert token == token.lower()
    raw = base64.b32decode(token.upper())
    assert raw[:12].hex() == interview_id_of(token) == INTERVIEW
    assert len(raw[12:]) * 8 >= 80
    assert find_tokens(LONGEST, address.upper()) == [token]


def test_change_of_any_character_is_noticed() -> None:
    (token,) = find_tokens(LONGEST, make_reply_address(LONGEST, KEY, INTERVIEW, CANDIDATE))
    assert is_genuine(KEY, token, CANDIDATE)
    for position, character in enumerate(token):
        other = "a" if character != "a" else "b"
        assert not is_genuine(KEY, token[:position] + other + token[position + 1 :], CANDIDATE)
    assert not is_genuine(KEY, token, INTERVIEW)
    assert not is_genuine("k" * 40, token, CANDIDATE)
