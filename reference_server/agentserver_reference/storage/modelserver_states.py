"""Connections to the model server that members have begun: one for each, the last one.

A state is used up by one statement that compares whose it is, so that it is used once, whoever
sends it at the same time, in whatever process.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import PLACE, modelserver_states

VERIFIER_COLUMN: str = modelserver_states.c.verifier_encrypted.info[PLACE]
"""The place to which the cipher binds the code verifier, together with the state's hash."""

_c = modelserver_states.c
_add = insert(modelserver_states)
_of_member = delete(modelserver_states).where(
    _c.workspace_id == bindparam("owner"), _c.user_id == bindparam("by_user")
)
_take = Query(
    delete(modelserver_states)
    .where(_c.state_hash == bindparam("hashed"), _c.user_id == bindparam("by_user"))
    .returning(_c.workspace_id, _c.redirect_uri, _c.verifier_encrypted, _c.expires_at)
)


def replace(
    conn: Connection,
    workspace_id: str,
    user_id: str,
    *,
    state_hash: str,
    redirect_uri: str,
    verifier_encrypted: str,
    expires_at: datetime,
) -> None:
    """Keep a state in place of the one before of this member; the workspace is locked."""
    conn.execute(_of_member, {"owner": workspace_id, "by_user": user_id})
    conn.execute(
        _add,
        {
            "state_hash": state_hash,
            "workspace_id": workspace_id,
            "user_id": user_id,
            "redirect_uri": redirect_uri,
            "verifier_encrypted": verifier_encrypted,
            "expires_at": timestamp(expires_at),
        },
    )


def take(conn: Connection, state_hash: str, user_id: str, now: datetime) -> Record | None:
    """Use a state up: workspace_id, redirect_uri and verifier_encrypted.

    None if there is none, it is of another person, or it has expired.
    """
    found = _take.first(conn, hashed=state_hash, by_user=user_id)
    return None if found is None or found.pop("expires_at") <= timestamp(now) else found
