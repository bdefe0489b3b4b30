"""An interview of the year 2999 and the link that confirms it."""

from interviews_api.interviews.link_tokens import make_token
from tests.support.settings import SECRETS

KEY = SECRETS["SECRET_KEY"]
INTERVIEW = "641a5f123456789012345678"
JSON = {"Accept": "application/json"}


def path(interview_id: str = INTERVIEW, revision: int = 0, key: str = KEY) -> str:
    return f"/interviews/confirm/{make_token(key, interview_id, revision)}"
