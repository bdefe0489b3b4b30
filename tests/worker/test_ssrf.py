"""Receivers' addresses never lead into a private network when a socket opens."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from interviews_api.notifications.channels.deadline import open_socket, resolve_host
from interviews_api.notifications.channels.https_client import (
    HttpsClient,
    NoAnswer,
    UrlRefused,
    check_url,
)
from interviews_api.notifications.channels.request_resolver import RequestResolver
from tests.support.hostile_addresses import LITERALS, LOCAL_NAMES, MAPPED, ODD, PRIVATE
from tests.support.receivers import PUBLIC_ADDRESS, HttpsReceiver, wait_for


class Canary:
    """A listener that must stay unvisited; its `connect` leads there whatever the address."""

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
    canary = Canary()
    yield canary
    canary.stop()


@pytest.fixture(scope="module")
def redirecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path_factory.mktemp("redirecting"))
    yield receiver
    receiver.stop()


def test_unresolvable_name_is_accepted_when_saved() -> None:
    check_url("https://nobody.invalid/", RequestResolver().look_up)


def test_canary_counts_visits(canary: Canary) -> None:
    """An accepted address reaches the canary, so the tests below can fail."""
    with pytest.raises(NoAnswer):
        HttpsClient(lambda _host: ["93.184.215.14"], canary.connect).post("https://innocent.example/", b"{}", {})
    assert canary.asked_for == [("93.184.215.14", 443)]
    wait_for(lambda: canary.visits == 1)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_socket_opens_to_a_private_address(address: str, canary: Canary) -> None:
    """The name may have resolved to a public address when it was saved."""
    url = "https://rebound.example/hook"
    for later in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        answers = iter([["93.184.215.14"], later])
        check_url(url, lambda _host, answers=answers: next(answers))  # type: ignore[misc]
        with pytest.raises(UrlRefused):
            HttpsClient(lambda _host, answers=answers: next(answers), canary.connect).post(url, b"{}", {})  # type: ignore[misc]
    assert canary.is_untouched


def test_checked_address_is_the_connected_address(canary: Canary) -> None:
    """A name that resolves differently at a second look-up is looked up once."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    connected: list[tuple[str, int]] = []

    def connect(to: str, port: int, _seconds: float) -> socket.socket:
        connected.append((to, port))
        raise ConnectionRefusedError

    with pytest.raises(NoAnswer):
        HttpsClient(lambda _host: next(answers), connect).post("https://rebound.example/", b"", {})
    assert connected == [("93.184.215.14", 443)]
    assert canary.is_untouched


@pytest.mark.parametrize("url", [*(f"https://{host}/" for host in LITERALS), *ODD, *MAPPED, *LOCAL_NAMES])
def test_odd_spellings_are_refused_by_the_real_resolver(url: str, canary: Canary) -> None:
    """The machine's resolver gets URLs that were not checked when saved."""
    with pytest.raises(UrlRefused):
        HttpsClient(connect=canary.connect).post(url, b"{}", {})
    assert canary.is_untouched


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://canary.hooks.example/ok", *(f"https://{host}/" for host in LITERALS)])
def test_no_redirect_is_followed(status: int, target: str, redirecting: HttpsReceiver, canary: Canary) -> None:
    """The first connection goes to the redirecting receiver, any other to the canary."""
    ways = iter([redirecting.connect])

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        return next(ways, canary.connect)(address, port, seconds)

    https_client = HttpsClient(lambda _host: [PUBLIC_ADDRESS], connect, redirecting.trust)
    assert https_client.post(f"https://a.hooks.example/redirect/{status}/{target}", b"{}", {}) == status
    assert canary.is_untouched


def test_failed_name_resolution_is_no_answer() -> None:
    def hang(_host: str) -> list[str]:
        time.sleep(30)
        return []

    def stumble(_host: str) -> list[str]:
        raise UnicodeError("label too long")

    for resolver in (hang, stumble):
        with pytest.raises(NoAnswer, match="name"):
            HttpsClient(resolver).post("https://somewhere.example/", b"", {})
    check_url("https://somewhere.example/", RequestResolver(hang).look_up)


def test_default_resolver_and_connect_work(canary: Canary) -> None:
    """These are the application's own functions, which other tests replace."""
    assert "127.0.0.1" in resolve_host("localhost")
    open_socket("127.0.0.1", canary.port, 5).close()
    with pytest.raises(OSError, match="refused"):
        open_socket("127.0.0.1", 9, 5)
