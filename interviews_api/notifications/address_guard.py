"""The last check of an address that a company or a browser gives: whether its host leads into a private network."""

from interviews_api.errors import InvalidInput
from interviews_api.notifications.channels.https_client import UrlRefused, check_url
from interviews_api.notifications.channels.request_resolver import RequestResolver
from interviews_api.services import service


def refuse_private_host(field: str, url: str) -> None:
    """Raise InvalidInput if the URL is known to lead into a private network.

    Call it when all input is valid and the attempt is counted, because the refusal tells that an internal name exists.
    """
    try:
        check_url(url, service(RequestResolver).look_up)
    except UrlRefused as error:
        raise InvalidInput({field: [str(error)]}) from None
