"""Fields of links, which are stored as URIs."""

from typing import Any

from marshmallow import ValidationError, validate

from interviews_api.web.fields import Text
from interviews_api.web.hidden_characters import refuse_hidden
from interviews_api.web.text_rules import MAX_LINK
from interviews_api.web.uris import LINK_PATTERN, to_uri

_MAX_LINK = validate.Length(max=MAX_LINK)


class Link(Text):
    """Http or https link, trimmed. It loads as a URI; both have at most 2,000 characters."""

    default_error_messages = {"link": "Must be an http or https link."}

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        _MAX_LINK(text)  # first, because the others cost more for longer texts; then `validate` judges the URI
        refuse_hidden(text.strip())
        try:
            return to_uri(text)
        except ValueError:
            raise self.refusal(text.strip()) from None

    def refusal(self, _text: str) -> ValidationError:
        """Return the error of a text that is no link."""
        return self.make_error("link")


def link_field(**kwargs: Any) -> Link:
    """Return the field of an http or https link without user information."""
    return Link(validate=[_MAX_LINK], metadata={"pattern": LINK_PATTERN}, **kwargs)
