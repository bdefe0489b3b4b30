"""The query of the live updates."""

from interviews_api.web.fields import CamelSchema, Digits


class UpdatesQuery(CamelSchema):
    """Query of the live updates: where to resume."""

    after = Digits(
        0, 2**63 - 1, load_default=lambda: None, metadata={"description": "The last event id that was received."}
    )
