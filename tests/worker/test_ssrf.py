"""Addresses we were given never lead into a private network: not when saved, and not when the socket opens."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from interviews_api.notifications.channels.deadline import connect as open_connection
from interviews_api.notifications.channels.deadline import resolve
from interviews_api.notifications.channels.https_client import (
    AddressRefused,
    HttpsClient,
    NoAnswer,
    check_address,
    is_public,
)
from tests.support.access_rules import SUBSCRIPTION
from tests.support.receivers import PUBLIC_ADDRESS, HttpsReceiver, wait_for

PRIVATE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "nonsense", "",
)  # fmt: skip
LITERALS = (
    "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7f.1",
    "127.0.0.1.", "0", "0x0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1%25eth0]", "10.1",
    "169.254.169.254", "192.168.257", "1.1.1.1", "8.8.8.8", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
    "[64:ff9b::a9fe:a9fe]",
)  # fmt: skip
ODD = (
    "http://nobody.invalid/", "ftp://nobody.invalid/", "file:///etc/passwd", "//nobody.invalid/", "nobody.invalid",
    "https://nobody.invalid:80/", "https://nobody.invalid:8443/", "https://nobody.invalid:/", "https:///x", "https://",
    "https://user@nobody.invalid/", "https://user:pw@nobody.invalid/", "https://@nobody.invalid/",
    "https://nobody.invalid\\@127.0.0.1/", "https://nobody.invalid#@127.0.0.1\n/", "https://no body.invalid/",
    "https://nobody.invalid\r\nX: y/", "https://nobody.invalid\t/", "https://ⓔxample.invalid/", "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/", "https://nobody.invalid:99999/", "https://nobody.invalid:x/", "https://-a.invalid/",
    "https://a..invalid/", "javascript:alert(1)", "https://[::1/", "HTTPS:127.0.0.1",
    "https://" + "a" * 2000 + ".invalid",
)  # fmt: skip
LOCAL_NAMES = ("https://localhost/", "https://LOCALHOST./")


class Canary:
    """Listens where nobody may come; its `connect` leads there whatever the address, as the forbidden ones would."""

    def __init__(self) -> None:
        self.visits = 0
        self.asked_for: list[tuple[str, int]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.asked_for.append((address, port))
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    @property
    def is_untouched(self) -> bool:
        return not self.asked_for and not self.visits

    def stop(self) -> None:
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def redirecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    made = HttpsReceiver(tmp_path_factory.mktemp("redirecting"))
    yield made
    made.stop()


def test_there_are_enough_of_them() -> None:
    assert len(PRIVATE) + len(LITERALS) + len(ODD) >= 80


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_private_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_what_is_public_is() -> None:
    for address in ("93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"):
        assert is_public(address)


@pytest.mark.parametrize("url", [*(f"https://{host}/" for host in LITERALS), *ODD, *LOCAL_NAMES])
def test_it_is_refused_when_it_is_saved(url: str, people: dict[str, Any]) -> None:
    for caller, path, field, body in (
        ("us", "/webhooks", "url", {"url": url}),
        (
            "candidate",
            "/candidate/push-subscriptions",
            "endpoint",
            {"endpoint": url, "keys": SUBSCRIPTION["keys"]},
        ),
    ):
        response = people[caller].call("POST", path, body)
        assert (response.status_code, list(response.get_json()["details"])) == (400, [field]), response.text


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_there_is_refused_when_it_is_saved(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address("https://innocent.example/", lambda _host: ["93.184.215.14", address])


def test_a_name_that_nobody_knows_yet_is_accepted() -> None:
    check_address("https://nobody.invalid/")


def test_the_canary_notices(canary: Canary) -> None:
    """Whoever is let through gets there: otherwise none of the tests below could fail."""
    with pytest.raises(NoAnswer):
        HttpsClient(lambda _host: ["93.184.215.14"], canary.connect).post("https://innocent.example/", b"{}", {})
    assert canary.asked_for == [("93.184.215.14", 443)]
    wait_for(lambda: canary.visits == 1)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_socket_opens_to_it(address: str, canary: Canary) -> None:
    """Also when the name meant something else when it was saved: whoever answers the look-up now is judged now."""
    url = "https://rebound.example/hook"
    for later in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        answers = iter([["93.184.215.14"], later])
        check_address(url, lambda _host, answers=answers: next(answers))  # type: ignore[misc]
        with pytest.raises(AddressRefused):
            HttpsClient(lambda _host, answers=answers: next(answers), canary.connect).post(url, b"{}", {})  # type: ignore[misc]
    assert canary.is_untouched


def test_what_is_judged_is_what_is_connected_to(canary: Canary) -> None:
    """A name that changes its meaning between two look-ups is looked up once."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    connected: list[tuple[str, int]] = []

    def connect(to: str, port: int, _seconds: float) -> socket.socket:
        connected.append((to, port))
        raise ConnectionRefusedError

    with pytest.raises(NoAnswer):
        HttpsClient(lambda _host: next(answers), connect).post("https://rebound.example/", b"", {})
    assert connected == [("93.184.215.14", 443)]
    assert canary.is_untouched


@pytest.mark.parametrize("url", [*(f"https://{host}/" for host in LITERALS), *ODD, *LOCAL_NAMES])
def test_no_spelling_gets_through_the_real_resolver(url: str, canary: Canary) -> None:
    """As if it had been saved by mistake: what the machine's own look-up makes of it is never connected to."""
    with pytest.raises(AddressRefused):
        HttpsClient(connect=canary.connect).post(url, b"{}", {})
    assert canary.is_untouched


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://canary.hooks.example/ok", *(f"https://{host}/" for host in LITERALS)])
def test_no_redirect_is_followed(status: int, target: str, redirecting: HttpsReceiver, canary: Canary) -> None:
    """The first connection is let through to the receiver that redirects, any other one would be the canary's."""
    ways = iter([redirecting.connect])

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        return next(ways, canary.connect)(address, port, seconds)

    https_client = HttpsClient(lambda _host: [PUBLIC_ADDRESS], connect, redirecting.trust)
    assert https_client.post(f"https://a.hooks.example/redirect/{status}/{target}", b"{}", {}) == status
    assert canary.is_untouched


def test_a_look_up_that_hangs_or_fails_is_no_answer() -> None:
    def hang(_host: str) -> list[str]:
        time.sleep(30)
        return []

    def stumble(_host: str) -> list[str]:
        raise UnicodeError("label too long")

    for resolver in (hang, stumble):
        with pytest.raises(NoAnswer, match="name"):
            HttpsClient(resolver).post("https://somewhere.example/", b"", {})
    check_address("https://somewhere.example/", hang)


def test_what_the_machine_itself_looks_up_and_connects_to(canary: Canary) -> None:
    """The product's own two functions, which the tests above replace."""
    assert "127.0.0.1" in resolve("localhost")
    open_connection("127.0.0.1", canary.port, 5).close()
    with pytest.raises(OSError, match="refused"):
        open_connection("127.0.0.1", 9, 5)
