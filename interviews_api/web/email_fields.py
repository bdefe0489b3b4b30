"""Fields of e-mail addresses: to look one up, and to store one."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from interviews_api.email_addresses import MAX_LOCAL_PART, in_ascii

_MAX_ADDRESS = validate.Length(max=254)


class EmailAddress(fields.Email):
    """E-mail address that mail can be sent to, trimmed; at most 254 characters (RFC 5321, section 4.5.3.1.3)."""

    default_error_messages = {"unmailable": "Must be an address that mail can be sent to."}

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        trimmed = value.strip() if isinstance(value, str) else value
        address: str = super()._deserialize(trimmed, attr, data, **kwargs)
        return address

    def _validate(self, value: str) -> None:
        _MAX_ADDRESS(value)  # first, because the others cost more for longer texts; also in `validate`, for OpenAPI
        super()._validate(value)
        try:
            in_ascii(value)
        except ValueError:
            raise self.make_error("unmailable") from None


def email_field(**kwargs: Any) -> EmailAddress:
    """Return the field of an address to look up: unlike a new one, its local part may exceed MAX_LOCAL_PART."""
    return EmailAddress(validate=_MAX_ADDRESS, **kwargs)


def new_email_field(**kwargs: Any) -> EmailAddress:
    """Return the field of an address that is to be stored."""
    return EmailAddress(validate=[_MAX_ADDRESS, _check_local_part], **kwargs)


def _check_local_part(address: str) -> None:
    if len(address.rpartition("@")[0]) > MAX_LOCAL_PART:
        raise ValidationError(EmailAddress.default_error_messages["unmailable"])
