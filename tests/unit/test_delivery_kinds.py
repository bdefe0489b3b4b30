"""The table of the kinds of deliveries."""

from interviews_api.accounts.models import MailKind
from interviews_api.notifications.delivery_kinds import KINDS
from interviews_api.notifications.models import DeliveryKind


def test_each_kind_is_in_the_table() -> None:
    """A kind without a line would fail each attempt with a KeyError."""
    assert set(KINDS) == {*DeliveryKind, *MailKind}
