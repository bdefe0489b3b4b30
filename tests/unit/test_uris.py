"""Links become URIs, and stay what they are when they are URIs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews_api.web.uris import as_uri, to_uri
from tests.support.typed_texts import HIDDEN_IN_LINKS, LINKS, NO_LINKS

# RFC 3986, appendix A.
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
URI = re.compile(
    rf"https?://(?:\[[0-9A-Fa-f:.]+\]|(?:(?![:@]){_PCHAR})+)(?::[0-9]+)?"
    rf"(?:/{_PCHAR}*)*(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)


@pytest.mark.parametrize("link", LINKS)
def test_link_becomes_a_uri(link: str) -> None:
    assert to_uri(link) == LINKS[link]
    assert URI.fullmatch(LINKS[link])


@pytest.mark.parametrize("link", [*NO_LINKS, "https://☃.net/", "https://xn--a.ü/", f"https://{'ü' * 70}.example/"])
def test_text_without_a_uri_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        to_uri(link)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=HIDDEN_IN_LINKS), max_size=50))
def test_any_path_becomes_a_uri_once(path: str) -> None:
    uri = to_uri(f"https://a.example/{path}".rstrip())
    assert URI.fullmatch(uri), path
    assert to_uri(uri) == as_uri(uri) == uri


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ("HTTPS://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://zoom.us/j/1?pwd=a\u200bb\u2060", "https://zoom.us/j/1?pwd=ab"),
        ("\ufeffhttps://a/ ", "https://a/"),
        ("https://☃.net/ü", "https://%E2%98%83.net/%C3%BC"),
        ('https://a"b/', "https://a%22b/"),
        ("", ""),
    ],
)
def test_stored_link_of_older_rules_is_sent_as_a_uri(stored: str, sent: str) -> None:
    assert as_uri(stored) == sent
