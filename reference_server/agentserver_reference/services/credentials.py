"""Credentials of workspaces, for services outside."""

from datetime import datetime

from agentserver_reference.domain import credentials as domain
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.kubeconfig import OIDC, read_kubeconfig
from agentserver_reference.services import credential_logins
from agentserver_reference.services.credential_logins import PendingLogin
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import credential_bindings
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


async def list_of_workspace(work: UnitOfWork, workspace_id: str, kind: str) -> list[Record]:
    """Return the credentials of a kind, the oldest first. Raises NotFound for an unknown kind."""
    domain.check_kind(kind)
    return await work.read(credential_bindings.list_of, workspace_id, kind)


async def create(
    work: UnitOfWork, workspace_id: str, kind: str, name: str, config: str
) -> Record | PendingLogin:
    """Keep a credential, and return what is shown of it. The first one is the default.

    If a person has to approve it first, only that is begun.

    Raises:
        NotFound: there is no such kind.
        BadRequest: the configuration is refused.
        Conflict: another one has the name.
        BadGateway: the OpenID provider failed.
    """
    context = work.context
    domain.check_kind(kind)
    read = read_kubeconfig(config, private_allowed=context.settings.private_addresses_allowed)
    if read.auth_type == OIDC:
        return await credential_logins.begin(work, workspace_id, kind, name, read)
    binding_id = domain.new_id(context.tokens())
    sealed = context.cipher.encrypt(
        read.secret, row=binding_id, column=credential_bindings.SECRET_COLUMN
    )
    shown = {
        "id": binding_id,
        "display_name": name,
        "server_url": read.server_url,
        "auth_type": read.auth_type,
        "public_meta": read.public_meta,
    }
    # With the lock, of simultaneous first ones exactly one is the default.
    lock = Lock(workspace=workspace_id)
    return await work.write(
        lock, credential_logins.keep, workspace_id, kind, shown, sealed, context.clock()
    )


async def rename(
    work: UnitOfWork, workspace_id: str, kind: str, binding_id: str, name: str | None
) -> None:
    """Rename a credential; with None, it stays as it is.

    Raises:
        NotFound: the workspace has no such credential.
        Conflict: another one has the name.
    """
    lock, now = Lock(workspace=workspace_id), work.context.clock()
    await work.write(lock, _rename, workspace_id, kind, binding_id, name, now)


def _rename(
    conn: Connection,
    workspace_id: str,
    kind: str,
    binding_id: str,
    name: str | None,
    now: datetime,
) -> None:
    found = _found(conn, workspace_id, kind, binding_id)
    if name in (None, found["display_name"]):
        return
    is_taken = credential_bindings.is_named(conn, workspace_id, kind, name)
    domain.check_name_is_free(is_taken=is_taken)
    credential_bindings.rename(conn, workspace_id, kind, binding_id, name, now)


async def set_default(work: UnitOfWork, workspace_id: str, kind: str, binding_id: str) -> None:
    """Make a credential the default of its kind, and the others not.

    Raises NotFound if the workspace has no such credential.
    """
    lock, now = Lock(workspace=workspace_id), work.context.clock()
    await work.write(lock, _set_default, workspace_id, kind, binding_id, now)


def _set_default(
    conn: Connection, workspace_id: str, kind: str, binding_id: str, now: datetime
) -> None:
    if not _found(conn, workspace_id, kind, binding_id)["is_default"]:
        credential_bindings.set_default(conn, workspace_id, kind, binding_id, now)


async def delete(work: UnitOfWork, workspace_id: str, kind: str, binding_id: str) -> None:
    """Remove a credential and its secret.

    Raises:
        NotFound: the workspace has no such credential.
        Conflict: it is the default of others.
    """
    await work.write(Lock(workspace=workspace_id), _delete, workspace_id, kind, binding_id)


def _delete(conn: Connection, workspace_id: str, kind: str, binding_id: str) -> None:
    found = _found(conn, workspace_id, kind, binding_id)
    others = credential_bindings.count(conn, workspace_id, kind) - 1
    domain.check_may_go(is_default=found["is_default"], others=others)
    credential_bindings.remove(conn, workspace_id, kind, binding_id)


def _found(conn: Connection, workspace_id: str, kind: str, binding_id: str) -> Record:
    found = credential_bindings.find(conn, workspace_id, kind, binding_id)
    if found is None:
        raise NotFound("credential not found")
    return found
