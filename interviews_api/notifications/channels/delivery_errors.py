"""What a channel says of an attempt: returning means sent, these say what else."""

from collections.abc import Callable

from sqlalchemy import RowMapping


class DeliveryError(Exception):
    """Why it did not arrive, in words for the operator and the company: no secret, one line."""


class RetryLater(DeliveryError):
    """The receiver is away, slow or busy: the same may succeed in a while."""


class Rejected(DeliveryError):
    """The receiver will not have it, now or later."""


class TargetGone(DeliveryError):
    """There is nobody any more at that address: it is not to be used again."""


class Obsolete(DeliveryError):
    """It no longer stands, so it was not tried."""


Sender = Callable[[RowMapping, RowMapping], None]
"""Sends to a target (a user, subscription or webhook) what a delivery is about; raises NotSent."""
