"""A workspace's own language-model endpoint; the key is stored encrypted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, bindparam, delete, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.upsert import Values, upsert
from agentserver_reference.storage.tables import PLACE, llm_configs

KEY_COLUMN: str = llm_configs.c.api_key_encrypted.info[PLACE]
"""The place to which the cipher binds the key, together with the workspace's id."""

_of_workspace = llm_configs.c.workspace_id == bindparam("owner")
_find = Query(
    select(
        llm_configs.c.base_url,
        llm_configs.c.api_key_encrypted,
        llm_configs.c.models,
        llm_configs.c.updated_at,
    ).where(_of_workspace)
)
_values: Values = {
    "base_url": bindparam("url"),
    "api_key_encrypted": bindparam("key"),
    "models": bindparam("list", type_=JSON),
    "updated_at": bindparam("now"),
}
_update = update(llm_configs).where(_of_workspace).values(_values)
_insert = insert(llm_configs).values(
    workspace_id=bindparam("owner"), created_at=bindparam("now"), **_values
)
_delete = delete(llm_configs).where(_of_workspace)


def find(conn: Connection, workspace_id: str) -> Record | None:
    """base_url, api_key_encrypted, models and updated_at; None if nothing is configured."""
    return _find.first(conn, owner=workspace_id)


def store(
    conn: Connection,
    workspace_id: str,
    *,
    base_url: str,
    api_key_encrypted: str,
    models: Sequence[Record],
    now: datetime,
) -> None:
    """Replace the configuration of a workspace, which is locked."""
    values = {
        "owner": workspace_id,
        "url": base_url,
        "key": api_key_encrypted,
        "list": list(models),
        "now": timestamp(now),
    }
    upsert(conn, _update, _insert, values)


def remove(conn: Connection, workspace_id: str) -> None:
    """Remove the configuration, if there is one."""
    conn.execute(_delete, {"owner": workspace_id})
