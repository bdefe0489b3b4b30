"""The key of an e-mail address is its form on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews_api.email_addresses import email_key, in_ascii
from tests.support.addresses import MAILBOX, NO_ADDRESSES, SPELLINGS


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_mailbox_have_one_key(spelling: str) -> None:
    assert email_key(spelling) == in_ascii(spelling.strip()).lower() == MAILBOX


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@straße.example", "ada@strasse.example"),
        ("kim@example.com", "\u212aim@example.com"),
        ("kim@example.com", "\uff4bim@example.com"),
        ("kim@example.com", "kim\u200b@example.com"),
        ("ada@example.com", "ada.@example.com"),
        ('"a b"@example.com', "ab@example.com"),
        ("ada@ΑΣ.example", "ada@ας.example"),
    ],
)
def test_addresses_of_different_mailboxes_have_different_keys(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_text_that_no_mail_reaches_has_no_wire_form_and_a_key_of_its_own(address: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        in_ascii(address)
    assert email_key(address) != MAILBOX
    assert not email_key(address).isascii() or address.isascii()


@given(st.text(max_size=30) | st.builds("{}@{}.example".format, st.text(max_size=9), st.text(max_size=9)))
def test_key_is_its_own_key(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text)


@pytest.mark.parametrize("part", ["ü", '"', "\\", "a.", "xn--", "@", "\u0345"])
def test_key_of_a_long_text_is_cheap(part: str) -> None:
    text = part * (64 * 1024 // len(part))
    assert email_key(text) == email_key(email_key(text))
