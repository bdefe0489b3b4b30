"""The SQL of colleagues: the users of the viewer's company, their roles, and the mails that tell of changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, select, true, update
from sqlalchemy.orm import aliased

from interviews_api.accounts.answerable_addresses import makes_company_answerable
from interviews_api.accounts.errors import (
    CannotRemoveYourself,
    NoOwnerLeft,
    NotYourUser,
    OwnerRightsRequired,
    TooManyColleagues,
    UserNotFound,
)
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import Company, CompanyRole, CompanyUser, Invitation, MailKind, User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, LOCK_OUR_COMPANY, OUR_COMPANY, VIEWER, UserRepository
from interviews_api.config.limits import USERS_OF_COMPANY
from interviews_api.db.pagination import Page, count_subquery, page_subquery, read_page
from interviews_api.errors import require_own
from interviews_api.events.log import invalidate_all_caches

_requested = aliased(CompanyUser)
_COLLEAGUE = (
    select(
        CompanyUser.company_id.label("viewer_company_id"),
        _requested.id.label("user_id"),
        _requested.company_id,
        _requested.role,
        User.email,
    )
    .select_from(CompanyUser)
    .outerjoin(_requested, _requested.id == bindparam("user_id", type_=User.id.type))
    .outerjoin(User, User.id == _requested.id)
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_colleagues = (
    select(
        User.id,
        User.email,
        User.role,
        User.email_verified_at.is_not(None).label("email_verified"),
        CompanyUser.role.label("company_role"),
        User.created_at,
    )
    .join(CompanyUser, CompanyUser.id == User.id)
    .where(CompanyUser.company_id == OUR_COMPANY)
)
_colleagues_page, _colleagues_count = (
    page_subquery(_colleagues, (User.created_at, User.id)),
    count_subquery(_colleagues),
)
_COLLEAGUES = (
    select(_colleagues_count, _colleagues_page, Company.id.label("company_id"), Company.name.label("company_name"))
    .select_from(CompanyUser)
    .join(Company, Company.id == CompanyUser.company_id)
    .join(_colleagues_count, true())
    .outerjoin(_colleagues_page, true())
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_COMPANY = bindparam("company_id", type_=Company.id.type)
_OWNERS = (
    select(User.id, User.email)
    .join(CompanyUser, CompanyUser.id == User.id)
    .where(CompanyUser.company_id == _COMPANY, CompanyUser.role == CompanyRole.OWNER)
    .order_by(User.id)
)
_open_invitations = select(func.count()).where(
    Invitation.company_id == _COMPANY, Invitation.expires_at > bindparam("now", type_=Invitation.expires_at.type)
)
_users = select(func.count()).where(CompanyUser.company_id == _COMPANY)
_USERS_AND_INVITATIONS = select(_users.scalar_subquery() + _open_invitations.scalar_subquery())


class ColleagueChange(StrEnum):
    """A change of colleagues of which owners are told; a change of role is told as the new role."""

    ADDED = "added"
    JOINED = "joined"
    REMOVED = "removed"


class ColleagueRepository:
    """The users of the viewer's company. Changes are an owner's, and are told to all owners. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the users of the viewer's company, oldest first; raises Unauthorized."""
        sort = (itemgetter("created_at"), False)
        values = viewer.keys | {"limit": limit, "skip": skip}
        return read_page(self._connection, _COLLEAGUES, values, id_column="id", sort=sort)

    def check_owner(self, viewer: Viewer) -> RowMapping:
        """Return the viewer's user if it is an owner of its company; raises Unauthorized or OwnerRightsRequired."""
        user = UserRepository(self._connection).get(viewer)
        if user["company_role"] != CompanyRole.OWNER:
            raise OwnerRightsRequired
        return user

    def lock_as_owner(self, viewer: Viewer) -> RowMapping:
        """Lock the viewer's company, so that changes of colleagues take turns; else as `check_owner`.

        Locks the viewer's user too, as `UserRepository.share_viewer` does.
        """
        self._connection.execute(LOCK_OUR_COMPANY, viewer.keys)
        UserRepository(self._connection).share_user(viewer.user_id)
        return self.check_owner(viewer)

    def check(self, viewer: Viewer, user_id: str) -> RowMapping:
        """Return `email` and `role` of a colleague; raises Unauthorized, UserNotFound or NotYourUser."""
        row = self._connection.execute(_COLLEAGUE, viewer.keys | {"user_id": user_id}).mappings().one_or_none()
        return require_own(row, id_key="user_id", owner_key="company_id", not_found=UserNotFound, not_yours=NotYourUser)

    def remove(self, viewer: Viewer, user_id: str, *, webhook_urls: Sequence[str], now: datetime) -> None:
        """Delete a colleague, with its sessions; `webhook_urls` are those of its webhooks, for the mail to the owners.

        Raises CannotRemoveYourself, or as `lock_as_owner` and `check` do.
        """
        owner = self.lock_as_owner(viewer)
        colleague = self.check(viewer, user_id)
        if user_id == viewer.user_id:
            raise CannotRemoveYourself
        owners = self.owners_of(owner["company_id"])
        made_company_answerable = makes_company_answerable(self._connection, user_id)
        self._connection.execute(delete(User).where(User.id == user_id))
        self._tell(owners, owner, colleague["email"], ColleagueChange.REMOVED, now=now, webhook_urls=webhook_urls)
        if made_company_answerable:
            invalidate_all_caches(self._connection)

    def change_role(self, viewer: Viewer, user_id: str, role: CompanyRole, *, now: datetime) -> tuple[RowMapping, bool]:
        """Give a colleague the role; return its user, and whether the role was another.

        Raises NoOwnerLeft, or as `lock_as_owner` and `check` do.
        """
        owner = self.lock_as_owner(viewer)
        colleague = self.check(viewer, user_id)
        owners = self.owners_of(owner["company_id"])
        if role != CompanyRole.OWNER and set(owners) == {user_id}:
            raise NoOwnerLeft
        is_change = colleague["role"] != role
        if is_change:
            self._connection.execute(update(CompanyUser).where(CompanyUser.id == user_id).values(role=role))
            self._tell(owners | self.owners_of(owner["company_id"]), owner, colleague["email"], role, now=now)
        return UserRepository(self._connection).get_by_id(user_id), is_change

    def add(self, viewer: Viewer, email: str, password_hash: str, *, now: datetime) -> RowMapping:
        """Insert a member and return its user.

        Raises EmailTaken, or as `lock_as_owner` and `refuse_too_many_colleagues` do.
        """
        owner = self.lock_as_owner(viewer)
        self.refuse_too_many_colleagues(owner["company_id"], now=now)
        member = UserRepository(self._connection).add_company_user(
            owner["company_id"], email, password_hash, CompanyRole.MEMBER, now=now
        )
        self._tell(self.owners_of(owner["company_id"]), owner, email, ColleagueChange.ADDED, now=now)
        return member

    def refuse_too_many_colleagues(self, company_id: str, *, now: datetime) -> None:
        """Raise TooManyColleagues when users and open invitations have reached USERS_OF_COMPANY.

        The caller has locked the company.
        """
        keys = {"company_id": company_id, "now": now}
        if self._connection.execute(_USERS_AND_INVITATIONS, keys).scalar_one() >= USERS_OF_COMPANY.allowed:
            raise TooManyColleagues

    def tell_of_newcomer(self, invitation: RowMapping, *, now: datetime) -> None:
        """Tell the owners that an invitation was accepted."""
        by = {"email": invitation["invited_by"]} | {key: invitation[key] for key in ("company_id", "company_name")}
        self._tell(self.owners_of(invitation["company_id"]), by, invitation["email"], ColleagueChange.JOINED, now=now)

    def owners_of(self, company_id: str) -> dict[str, str]:
        """Return the addresses of the company's owners by their id."""
        rows = self._connection.execute(_OWNERS, {"company_id": company_id})
        return {row.id: row.email for row in rows}

    def _tell(
        self,
        owners: Mapping[str, str],
        by: Mapping[Any, Any],
        person: str,
        change: ColleagueChange | CompanyRole,
        *,
        now: datetime,
        webhook_urls: Sequence[str] = (),
    ) -> None:
        details = {"person": person, "change": change, "by": by["email"], "company": by["company_name"]}
        details["webhooks"] = ", ".join(webhook_urls)
        mails = AccountMailRepository(self._connection)
        mails.add_to_users(MailKind.COLLEAGUE_CHANGED, owners, originator_id=by["company_id"], now=now, details=details)
