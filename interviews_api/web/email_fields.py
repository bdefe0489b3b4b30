"""Fields of e-mail addresses: to sign in with, to look one up, to store one, and a company's contact.

All are trimmed, and refuse characters that nobody sees: no mail would arrive, and nobody would find out why.
"""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

from interviews_api.email_addresses import MAX_ADDRESS, MAX_LOCAL_PART, in_ascii
from interviews_api.web.fields import Text
from interviews_api.web.hidden_characters import WITHOUT_HIDDEN_PATTERN, refuse_hidden

_MAX_ADDRESS = validate.Length(max=MAX_ADDRESS)
_UNMAILABLE = "Must be an address that mail can be sent to."


class _Trimmed(fields.String):
    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        trimmed = value.strip() if isinstance(value, str) else value
        text: str = super()._deserialize(trimmed, attr, data, **kwargs)
        return text


class EmailAddress(_Trimmed, fields.Email):
    """E-mail address that mail can be sent to, of at most 254 characters."""

    def _validate(self, value: str) -> None:
        _MAX_ADDRESS(value)  # first, because the others cost more for longer texts; also in `validate`, for OpenAPI
        refuse_hidden(value)
        super()._validate(value)
        try:
            in_ascii(value)
        except ValueError:
            raise ValidationError(_UNMAILABLE) from None


class _AnyAddress(_Trimmed, Text):
    """Trimmed text of any form. Its length is judged before the field's other checks."""


def email_field(**kwargs: Any) -> EmailAddress:
    """Return the field of an address to look up: unlike a new one, its local part may exceed MAX_LOCAL_PART."""
    return EmailAddress(validate=_MAX_ADDRESS, metadata={"pattern": WITHOUT_HIDDEN_PATTERN}, **kwargs)


def new_email_field(**kwargs: Any) -> EmailAddress:
    """Return the field of an address that is to be stored."""
    checks: list[Callable[[str], object]] = [_MAX_ADDRESS, _check_local_part]
    return EmailAddress(validate=checks, metadata={"pattern": WITHOUT_HIDDEN_PATTERN}, **kwargs)


def sign_in_email_field(**kwargs: Any) -> fields.String:
    """Return the field of an address to sign in with. A text that no account has is a wrong credential, no bad input.

    Only hidden characters and a non-ASCII local part are bad input: normalized, they could name another's account.
    """
    return _AnyAddress(validate=_check_sign_in_address, metadata={"pattern": WITHOUT_HIDDEN_PATTERN}, **kwargs)


def contact_email_field(maximum: int, **kwargs: Any) -> fields.String:
    """Return the field of a contact that is shown, and need not be an address; `maximum` is its length."""
    checks: list[Callable[[str], object]] = [validate.Length(max=maximum), refuse_hidden]
    return _AnyAddress(validate=checks, metadata={"pattern": WITHOUT_HIDDEN_PATTERN}, **kwargs)


def _check_local_part(address: str) -> None:
    if len(address.rpartition("@")[0]) > MAX_LOCAL_PART:
        raise ValidationError(_UNMAILABLE)


def _check_sign_in_address(address: str) -> None:
    refuse_hidden(address)
    if not address.rpartition("@")[0].isascii():
        raise ValidationError(_UNMAILABLE)
