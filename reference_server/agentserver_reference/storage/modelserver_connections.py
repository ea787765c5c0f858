"""The connections of workspaces to the model server; tokens are stored encrypted.

Who renews tokens claims it first, in one statement that compares, so that of all callers in all
processes one does so. A claim ends by itself: a process that dies holds the others up briefly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import JSON, String, bindparam, delete, insert, select, update

from agentserver_reference.domain.times import precise_timestamp, timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.upsert import Values, upsert
from agentserver_reference.storage.tables import PLACE, modelserver_connections

_c = modelserver_connections.c
ACCESS_COLUMN: str = _c.access_token_encrypted.info[PLACE]
REFRESH_COLUMN: str = _c.refresh_token_encrypted.info[PLACE]
"""The places to which the cipher binds the tokens, together with the workspace's id."""

_of_workspace = _c.workspace_id == bindparam("owner")
_shown = Query(
    select(_c.project_id, _c.project_name, _c.models, _c.connected_at).where(_of_workspace)
)
_tokens = Query(
    select(
        _c.access_token_encrypted,
        _c.refresh_token_encrypted,
        _c.token_expires_at,
        _c.refreshing_until,
    ).where(_of_workspace)
)
_new_tokens: Values = {
    "access_token_encrypted": bindparam("access"),
    "refresh_token_encrypted": bindparam("refresh"),
    "token_expires_at": bindparam("expires"),
    "refreshing_until": bindparam("no_claim", type_=String),
    "updated_at": bindparam("now"),
}
_values: Values = {
    "project_id": bindparam("project"),
    "project_name": bindparam("name"),
    "project_user_id": bindparam("project_user"),
    "models": bindparam("list", type_=JSON),
    **_new_tokens,
}
_update = update(modelserver_connections).where(_of_workspace).values(_values)
_insert = insert(modelserver_connections).values(
    workspace_id=bindparam("owner"), connected_at=bindparam("now"), **_values
)
_delete = delete(modelserver_connections).where(_of_workspace)
_claim = (
    update(modelserver_connections)
    .where(
        _of_workspace,
        _c.access_token_encrypted == bindparam("seen"),
        (_c.refreshing_until.is_(None)) | (_c.refreshing_until <= bindparam("now")),
    )
    .values(refreshing_until=bindparam("until"))
)
_of_claim = (_of_workspace, _c.refreshing_until == bindparam("claim"))
_renew = update(modelserver_connections).where(*_of_claim).values(_new_tokens)
_release = update(modelserver_connections).where(*_of_claim).values(refreshing_until=None)


def find(conn: Connection, workspace_id: str) -> Record | None:
    """project_id, project_name, models and connected_at; None if it is not connected."""
    return _shown.first(conn, owner=workspace_id)


def tokens(conn: Connection, workspace_id: str) -> Record | None:
    """access_token_encrypted, refresh_token_encrypted, token_expires_at and refreshing_until."""
    return _tokens.first(conn, owner=workspace_id)


def store(
    conn: Connection,
    workspace_id: str,
    *,
    project: Mapping[str, str],
    models: Sequence[Record],
    sealed: Mapping[str, str],
    now: datetime,
) -> None:
    """Connect a workspace, which is locked; connected_at stays if it was connected before.

    Arguments:
        conn: the connection.
        workspace_id: the workspace.
        project: `project`, `name` and `project_user`.
        models: those that the model server names.
        sealed: `access`, `refresh`, both encrypted, and `expires`.
        now: the time.
    """
    values = {"owner": workspace_id, "list": list(models), "now": timestamp(now), "no_claim": None}
    upsert(conn, _update, _insert, {**values, **project, **sealed})


def remove(conn: Connection, workspace_id: str) -> None:
    """Disconnect a workspace, if it is connected."""
    conn.execute(_delete, {"owner": workspace_id})


def claim(
    conn: Connection, workspace_id: str, *, seen: str, until: datetime, now: datetime
) -> str | None:
    """Claim to renew tokens; the claim, or None if another request has, or they were replaced."""
    claimed = precise_timestamp(until)
    values = {
        "owner": workspace_id,
        "seen": seen,
        "until": claimed,
        "now": precise_timestamp(now),
    }
    return claimed if conn.execute(_claim, values).rowcount > 0 else None


def renew(
    conn: Connection, workspace_id: str, claim: str, sealed: Mapping[str, str], now: datetime
) -> bool:
    """Keep new tokens, and end the claim; False if it has ended before."""
    values = {
        "owner": workspace_id,
        "claim": claim,
        "no_claim": None,
        "now": timestamp(now),
        **sealed,
    }
    return conn.execute(_renew, values).rowcount > 0


def release(conn: Connection, workspace_id: str, claim: str) -> None:
    """End a claim without new tokens."""
    conn.execute(_release, {"owner": workspace_id, "claim": claim})
