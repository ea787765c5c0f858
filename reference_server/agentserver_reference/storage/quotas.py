"""Stored limits: the installation's settings, and the overrides of users and workspaces."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from agentserver_reference.domain.quotas import WORKSPACE_LIMITS, WORKSPACES_PER_USER
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.upsert import Values, upsert
from agentserver_reference.storage.engine.violations import referenced
from agentserver_reference.storage.tables import members, settings, user_quotas, workspace_quotas

_settings = select(settings.c.key, settings.c.value)
_insert_setting = insert(settings).values(key=bindparam("setting"), value=bindparam("text"))
_update_setting = (
    update(settings).where(settings.c.key == bindparam("setting")).values(value=bindparam("text"))
)

_of_user = user_quotas.c.user_id == bindparam("owner")
_user = Query(select(user_quotas.c.max_workspaces, user_quotas.c.updated_at).where(_of_user))
_user_values: Values = {"max_workspaces": bindparam("maximum"), "updated_at": bindparam("now")}
_update_user = update(user_quotas).where(_of_user).values(_user_values)
_insert_user = insert(user_quotas).values(user_id=bindparam("owner"), **_user_values)
_delete_user = delete(user_quotas).where(_of_user)

_workspaces_of_user = select(
    select(func.count())
    .where(members.c.user_id == bindparam("owner"), members.c.role == "owner")
    .scalar_subquery(),
    select(user_quotas.c.max_workspaces).where(_of_user).scalar_subquery(),
    select(settings.c.value).where(settings.c.key == WORKSPACES_PER_USER.setting).scalar_subquery(),
)

_of_workspace = workspace_quotas.c.workspace_id == bindparam("owner")
_workspace = Query(
    select(*(workspace_quotas.c[name] for name in (*WORKSPACE_LIMITS, "updated_at"))).where(
        _of_workspace
    )
)
_workspace_values: Values = {name: bindparam(f"new_{name}") for name in WORKSPACE_LIMITS} | {
    "updated_at": bindparam("now")
}
_update_workspace = update(workspace_quotas).where(_of_workspace).values(_workspace_values)
_insert_workspace = insert(workspace_quotas).values(
    workspace_id=bindparam("owner"), **_workspace_values
)
_delete_workspace = delete(workspace_quotas).where(_of_workspace)


def stored_settings(conn: Connection) -> dict[str, str]:
    """What an administrator has set for the installation: text by key."""
    return dict(conn.execute(_settings).all())


def store_settings(conn: Connection, values: Mapping[str, str]) -> None:
    """Set these keys and leave the others. The installation is locked."""
    for key, value in values.items():
        upsert(conn, _update_setting, _insert_setting, {"setting": key, "text": value})


def workspaces_of_user(conn: Connection, user_id: str) -> tuple[int, int | None, dict[str, str]]:
    """How many workspaces a user owns, the override (None: the default applies), and what an
    administrator has set as the default: text by key.
    """
    ((owned, override, text),) = conn.execute(_workspaces_of_user, {"owner": user_id}).all()
    return owned, override, {} if text is None else {WORKSPACES_PER_USER.setting: text}


def of_user(conn: Connection, user_id: str) -> Record | None:
    """A user's override: max_workspaces (None: the default applies) and updated_at."""
    return _user.first(conn, owner=user_id)


def set_of_user(conn: Connection, user_id: str, maximum: int | None, now: datetime) -> None:
    """Replace a user's override. The installation is locked.

    Raises NotFound for a user who does not exist.
    """
    values = {"owner": user_id, "maximum": maximum, "now": timestamp(now)}
    with referenced("user not found"):
        upsert(conn, _update_user, _insert_user, values)


def delete_of_user(conn: Connection, user_id: str) -> bool:
    """Remove a user's override; False if there is none."""
    return conn.execute(_delete_user, {"owner": user_id}).rowcount > 0


def of_workspace(conn: Connection, workspace_id: str) -> Record | None:
    """A workspace's override: every name of WORKSPACE_LIMITS (None: the default applies) and
    updated_at.
    """
    return _workspace.first(conn, owner=workspace_id)


def set_of_workspace(
    conn: Connection, workspace_id: str, limits: Mapping[str, int | None], now: datetime
) -> None:
    """Replace a workspace's override. The installation is locked.

    Raises NotFound for a workspace that does not exist.
    """
    values: dict[str, object] = {f"new_{name}": limits[name] for name in WORKSPACE_LIMITS}
    values |= {"owner": workspace_id, "now": timestamp(now)}
    with referenced("workspace not found"):
        upsert(conn, _update_workspace, _insert_workspace, values)


def delete_of_workspace(conn: Connection, workspace_id: str) -> bool:
    """Remove a workspace's override; False if there is none."""
    return conn.execute(_delete_workspace, {"owner": workspace_id}).rowcount > 0
