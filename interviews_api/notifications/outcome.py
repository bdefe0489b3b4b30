"""What a channel says of an attempt: returning means sent, these say what else."""


class NotSent(Exception):
    """Why it did not arrive, in words for the operator and the company: no secret, one line."""


class TryLater(NotSent):
    """The receiver is away, slow or busy: the same may succeed in a while."""


class Refused(NotSent):
    """The receiver will not have it, now or later."""


class Gone(NotSent):
    """There is nobody any more at that address: it is not to be used again."""


class Suppressed(NotSent):
    """It no longer stands, so it was not tried."""
