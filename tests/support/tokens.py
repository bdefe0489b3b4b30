"""Claims of the tokens that the application signs."""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from interviews_api.accounts.models import Role, User, Viewer
from interviews_api.accounts.session_repository import SessionRepository
from interviews_api.accounts.tokens import AUDIENCE, ISSUER
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.ids import new_id
from tests.support.settings import SECRETS

KEY = SECRETS["JWT_SECRET_KEY"]


def claims(user_id: str, session_id: str = "a" * 24) -> dict[str, Any]:
    present = int(time.time())
    return {
        "sub": user_id, "sid": session_id, "role": "candidate", "type": "access", "jti": "j",
        "iss": ISSUER, "aud": AUDIENCE, "iat": present, "exp": present + 60,
    }  # fmt: skip


Headers = dict[str, str]


def begin_session(user_id: str, role: Role = Role.CANDIDATE) -> Viewer:
    with transaction() as connection:
        user = connection.execute(select(User.email_verified_at).where(User.id == user_id)).first()
        if user is None:
            return Viewer(user_id, role, new_id())
        expires_at = now() + timedelta(days=30)
        session_id, _ = SessionRepository(connection).begin(user_id, now=now(), expires_at=expires_at)
        return Viewer(user_id, role, session_id, is_verified=user.email_verified_at is not None)
