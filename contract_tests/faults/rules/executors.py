"""Executors.

What the operations show is the tool's task. How a machine is connected is outside of the contract,
and the task of the server's own tests.
"""

from replacing import fault
from sqlalchemy import delete, func, select, update

from agentserver_reference.domain.errors import Conflict
from agentserver_reference.domain.executors import NAME_TAKEN
from agentserver_reference.domain.times import timestamp
from agentserver_reference.services.workspaces import list_all as workspaces
from agentserver_reference.storage import executor_identities, tables
from agentserver_reference.storage.engine.query import Query

_CONNECTIONS = "connections of executors"
_c = tables.executors.c

# --- registering ----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.executors.add",
    kind="rejects-legal-call",
    operations=["register_executor"],
)
def executors_compared_without_case(
    original, conn, *, executor_id, workspace_id, name, description, now
):
    """A name that another executor has in another case is taken."""
    alike = select(_c.id).where(
        _c.workspace_id == workspace_id, func.lower(_c.name) == name.lower()
    )
    if conn.execute(alike).first() is not None:
        raise Conflict(NAME_TAKEN)
    original(
        conn,
        executor_id=executor_id,
        workspace_id=workspace_id,
        name=name,
        description=description,
        now=now,
    )


@fault(
    replaces="agentserver_reference.storage.executors.add",
    kind="duplicate-accepted",
    operations=["register_executor"],
)
def name_of_executor_moves(original, conn, *, executor_id, workspace_id, name, description, now):
    """A name that is taken is accepted: the executor that had it is gone."""
    conn.execute(delete(tables.executors).where(_c.workspace_id == workspace_id, _c.name == name))
    original(
        conn,
        executor_id=executor_id,
        workspace_id=workspace_id,
        name=name,
        description=description,
        now=now,
    )


@fault(
    replaces="agentserver_reference.storage.executors.add",
    kind="duplicate-accepted",
    operations=["register_executor"],
)
def name_of_executor_without_case(
    original, conn, *, executor_id, workspace_id, name, description, now
):
    """Names are stored in lower case, so that two that differ in case are one."""
    original(
        conn,
        executor_id=executor_id,
        workspace_id=workspace_id,
        name=name.lower(),
        description=description,
        now=now,
    )


@fault(
    replaces="agentserver_reference.services.executors.may_register_executors",
    kind="role-too-high",
    operations=["register_executor"],
)
def maintainers_register_no_executors(original, role):
    """Only owners register executors."""
    return role == "owner"


# --- lists and unbinding --------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.executors.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_executors"],
)
async def executors_of_all_workspaces(original, work, workspace_id, user_id):
    """Executors of other workspaces are listed."""
    of = [await original(work, each["id"], user_id) for each in await workspaces(work)]
    return [row for rows in of for row in rows]


@fault(
    replaces="agentserver_reference.services.executors.list_of_workspace",
    kind="wrong-order",
    operations=["list_executors"],
)
async def executors_newest_first(original, work, workspace_id, user_id):
    """The newest executor is first."""
    return (await original(work, workspace_id, user_id))[::-1]


@fault(
    replaces="agentserver_reference.domain.online.is_online",
    kind="wrong-value",
    operations=["list_executors"],
)
def executors_online_before_they_connect(original, is_connected, last_seen_at, now):
    """An executor is online as soon as it is registered."""
    return last_seen_at is None or original(is_connected, last_seen_at, now)


@fault(
    replaces="agentserver_reference.domain.executors.connect_command",
    kind="wrong-value",
    operations=["register_executor"],
)
def executors_connect_without_their_identity(original, *, token, issuer, remote, executor_id, name):
    """The command does not say how the machine proves who it is."""
    given = {"token": token, "issuer": issuer, "remote": remote, "name": name}
    return original(executor_id=executor_id, **given).rpartition(" ")[0]


@fault(
    replaces="agentserver_reference.storage.executors.remove",
    kind="delete-does-nothing",
    operations=["unbind_executor"],
)
def unbound_executors_stay_listed(original, conn, workspace_id, executor_id):
    """An executor that is unbound loses its identity, and stays in the list."""


@fault(
    replaces="agentserver_reference.storage.executors.remove",
    kind="write-across-tenants",
    operations=["unbind_executor"],
)
def executors_of_others_unbound(original, conn, workspace_id, executor_id):
    """An executor of another workspace is unbound by its id."""
    conn.execute(delete(tables.executors).where(_c.id == executor_id))


@fault(
    replaces="agentserver_reference.storage.executors.remove",
    kind="wrong-object-touched",
    operations=["unbind_executor"],
)
def all_executors_unbound(original, conn, workspace_id, executor_id):
    """All executors of the workspace are unbound."""
    conn.execute(delete(tables.executors).where(_c.workspace_id == workspace_id))


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="wrong-object-touched",
    operations=["remove_workspace_member"],
)
def executors_leave_with_a_member(original, conn, workspace_id, user_id):
    """With a member, all executors of the workspace are gone."""
    original(conn, workspace_id, user_id)
    conn.execute(delete(tables.executors).where(_c.workspace_id == workspace_id))


# --- connecting -----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.agent_identity.is_signed",
    kind="scope-not-checked",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def any_signature_will_do(original, public_key, message, signature):
    """A signature is not compared with the executor's key."""
    return True


@fault(
    replaces="agentserver_reference.storage.executor_identities.take_proof",
    kind="used-twice",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def ticket_used_twice(original, conn, executor_id, kind, proof_hash, now):
    """A ticket opens as many WebSockets as it is sent for."""
    proofs = tables.executor_proofs
    kept = Query(select(proofs.c.content).where(proofs.c.proof_hash == proof_hash))
    if not executor_identities.is_proof(conn, executor_id, kind, proof_hash, now):
        return None
    return kept.first(conn)


@fault(
    replaces="agentserver_reference.storage.executor_identities.add_proof",
    kind="used-twice",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def assertion_used_twice(original, conn, executor_id, kind, proof_hash, expires_at, content=None):
    """That an assertion was used is not noted."""
    if kind != "assertion":
        original(conn, executor_id, kind, proof_hash, expires_at, content)


@fault(
    replaces="agentserver_reference.domain.executors.is_fresh",
    kind="dead-token-accepted",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def old_signatures_accepted(original, moment, now):
    """A signature is accepted whenever it was made."""
    return True


@fault(
    replaces="agentserver_reference.storage.executors.connected",
    kind="dead-token-accepted",
    operations=["unbind_executor"],
    by=_CONNECTIONS,
)
def unbound_executors_stay_connected(original, conn, socket_ids, now):
    """A WebSocket stays open after its executor was unbound."""
    return set(socket_ids)


@fault(
    replaces="agentserver_reference.storage.executor_identities.end_of_member",
    kind="dead-token-accepted",
    operations=["update_workspace_member_role"],
    by=_CONNECTIONS,
)
def executors_of_the_demoted_go_on(original, conn, workspace_id, user_id):
    """The executors that somebody registered go on after they have lost the right to."""


@fault(
    replaces="agentserver_reference.storage.executors.disconnect",
    kind="wrong-state",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def older_socket_disconnects_the_newer(original, conn, socket_id, now):
    """A WebSocket that is closed takes its executor offline, also if that has another one."""
    conn.execute(update(tables.executors).values(socket_id=None, disconnected_at=timestamp(now)))


# --- the relay ------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.executors.connection_of",
    kind="scope-not-checked",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def executors_of_others_used(original, conn, workspace_id, executor_id, now):
    """A codex token uses executors of other workspaces as well."""
    owner = Query(select(_c.workspace_id).where(_c.id == executor_id)).first(conn)
    return owner and original(conn, owner["workspace_id"], executor_id, now)


@fault(
    replaces="agentserver_reference.storage.codex_tokens.is_valid_now",
    kind="dead-token-accepted",
    operations=["revoke_codex_token"],
    by=_CONNECTIONS,
)
def ticket_outlives_its_token(original, conn, token_id, now):
    """Tickets and authorizations are good although the token behind them was revoked."""
    return True


@fault(
    replaces="agentserver_reference.storage.executor_harnesses.connected",
    kind="dead-token-accepted",
    operations=["revoke_codex_token"],
    by=_CONNECTIONS,
)
def harnesses_stay_connected(original, conn, socket_ids, now):
    """Who has commands run on an executor goes on after the token was revoked."""
    return set(socket_ids)


@fault(
    replaces="agentserver_reference.gateways.executors.relay._End.other",
    kind="scope-not-checked",
    operations=["list_executors"],
    by=_CONNECTIONS,
)
def streams_of_others_taken(original, self, stream_id, opener):
    """A stream belongs to whoever has sent a frame of it last."""
    if opener:
        self.streams[stream_id] = opener
    return self.streams.get(stream_id)
