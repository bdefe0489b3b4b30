"""The hub's subscribers: a queue that fills up closes its socket."""

from interviews_api.accounts.models import Role, Viewer
from interviews_api.clock import now
from interviews_api.live.hub import Subscriber


def test_listener_that_does_not_read_is_closed() -> None:
    cuts: list[bool] = []
    subscriber = Subscriber(Viewer("a" * 24, Role.CANDIDATE, "b" * 24), now(), disconnect=lambda: cuts.append(True))
    for number in range(1001):
        subscriber.put((number, "x"))
    assert cuts == [True]
