"""The identities of executors, and what proves one. Of proofs, only hashes are stored."""

from datetime import datetime

from sqlalchemy import and_, bindparam, delete, insert, null, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import unique
from agentserver_reference.storage.tables import executor_identities, executor_proofs, members

TASK, ASSERTION, TICKET = "task", "assertion", "ticket"
HARNESS_KEY, HARNESS_TICKET = "harness key", "harness ticket"

_c, _p = executor_identities.c, executor_proofs.c
_this = _c.executor_id == bindparam("of_executor")
is_valid = and_(_c.registered_by.is_not(None), _c.expires_at > bindparam("now"))
"""Of identities: that of an executor ends with the membership behind it, and by itself."""

_valid = Query(
    select(_c.executor_id, _c.workspace_id, _c.public_key, members.c.user_id)
    .join(members, members.c.sequence == _c.registered_by)
    .where(_this, is_valid)
)
_add = insert(executor_identities)
_remove = delete(executor_identities).where(_this, _c.workspace_id == bindparam("of_workspace"))
_end_of_member = (
    update(executor_identities)
    .where(
        _c.registered_by.in_(
            select(members.c.sequence).where(
                members.c.workspace_id == bindparam("of_workspace"),
                members.c.user_id == bindparam("of_user"),
            )
        )
    )
    .values(registered_by=null())
)
_this_proof = and_(
    _p.proof_hash == bindparam("hashed"),
    _p.executor_id == bindparam("of_executor"),
    _p.kind == bindparam("of_kind"),
)
_is_proof = select(_p.proof_hash).where(_this_proof, _p.expires_at > bindparam("now"))
_add_proof = insert(executor_proofs)
_take_proof = Query(
    delete(executor_proofs)
    .where(_this_proof, _p.expires_at > bindparam("now"))
    .returning(_p.content)
)
_remove_expired = expiry.remove_expired(_p.proof_hash, _p.expires_at)


def add(
    conn: Connection,
    *,
    executor_id: str,
    workspace_id: str,
    registered_by: int,
    public_key: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Give an executor an identity; its workspace is locked."""
    conn.execute(
        _add,
        {
            "executor_id": executor_id,
            "workspace_id": workspace_id,
            "registered_by": registered_by,
            "public_key": public_key,
            "created_at": timestamp(now),
            "expires_at": timestamp(expires_at),
        },
    )


def find_valid(conn: Connection, executor_id: str, now: datetime) -> Record | None:
    """executor_id, workspace_id, public_key and user_id of an identity; None if it has ended."""
    return _valid.first(conn, of_executor=executor_id, now=timestamp(now))


def remove(conn: Connection, workspace_id: str, executor_id: str) -> None:
    """Revoke the identity of an executor of this workspace, which is locked."""
    conn.execute(_remove, {"of_workspace": workspace_id, "of_executor": executor_id})


def end_of_member(conn: Connection, workspace_id: str, user_id: str) -> None:
    """End the identities of the executors that a member has registered; they are still listed."""
    conn.execute(_end_of_member, {"of_workspace": workspace_id, "of_user": user_id})


def add_proof(
    conn: Connection,
    executor_id: str,
    kind: str,
    proof_hash: str,
    expires_at: datetime,
    content: str | None = None,
) -> None:
    """Keep a proof. Raises Conflict if it is kept already; the workspace is locked."""
    with unique("used already"):
        conn.execute(
            _add_proof,
            {
                "proof_hash": proof_hash,
                "executor_id": executor_id,
                "kind": kind,
                "expires_at": timestamp(expires_at),
                "content": content,
            },
        )


def is_proof(conn: Connection, executor_id: str, kind: str, proof_hash: str, now: datetime) -> bool:
    """Whether a proof of this executor is kept and valid."""
    return conn.execute(_is_proof, _proof(executor_id, kind, proof_hash, now)).first() is not None


def take_proof(
    conn: Connection, executor_id: str, kind: str, proof_hash: str, now: datetime
) -> Record | None:
    """Remove a valid proof, which can so be used once; its `content`. None if there is none."""
    return _take_proof.first(conn, **_proof(executor_id, kind, proof_hash, now))


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` proofs that have expired; how many they were."""
    return conn.execute(_remove_expired, {"now": timestamp(now), "most": most}).rowcount


def _proof(executor_id: str, kind: str, proof_hash: str, now: datetime) -> dict[str, str]:
    return {
        "of_executor": executor_id,
        "of_kind": kind,
        "hashed": proof_hash,
        "now": timestamp(now),
    }
