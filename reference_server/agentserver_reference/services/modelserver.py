"""Connecting a workspace to the model server, and what is known of the connection.

A connection is begun by one person, for one workspace, and completed by the same person, once: the
state that the browser brings back is kept here, and used up before anything else is done. Until all
of it has succeeded nothing changes; then one transaction stores the connection and removes the
workspace's own language-model endpoint, which it replaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import attrs

from agentserver_reference.domain.errors import BadGateway, BadRequest, NotConfigured
from agentserver_reference.domain.modelserver import (
    CALLBACK,
    STATE_LIFETIME,
    Project,
    Tokens,
    may_connect,
    shown,
)
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    llm_configs,
    members,
    modelserver_connections,
    modelserver_states,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

_ERROR_CODE = re.compile(r"[a-z_]{1,64}")
_STATE_LENGTH = 32

NOT_PERMITTED = "authorization failed"
NO_CODE = "missing authorization code"
NO_ROLE = "insufficient permissions"
NO_TOKEN = "token exchange failed"  # noqa: S105 (a text)
NO_PROJECT = "token introspection failed"
FAILURES = (NOT_PERMITTED, NO_CODE, NO_ROLE, NO_TOKEN, NO_PROJECT)
"""How the messages about a connection that fails begin."""


@attrs.frozen
class Outcome:
    """The outcome of a connection that was begun: nothing, if there is a message about it."""

    workspace_id: str
    message: str = ""


async def begin(work: UnitOfWork, workspace_id: str, user_id: str, server: str) -> str:
    """Begin a connection; return the page on which a person permits it.

    Arguments:
        work: the access to the database.
        workspace_id: the workspace.
        user_id: the person, who has to complete it.
        server: the address of this server for browsers.

    Raises NotConfigured if there is no model server.
    """
    context = work.context
    state, verifier = context.tokens()[:_STATE_LENGTH], context.tokens()
    redirect_uri = context.settings.modelserver_redirect_uri or f"{server}{CALLBACK}"
    page = context.modelserver.page(server, redirect_uri, state, verifier)
    hashed = token_hash(state)
    sealed = context.cipher.encrypt(verifier, row=hashed, column=modelserver_states.VERIFIER_COLUMN)
    await work.write(
        Lock(workspace=workspace_id),
        modelserver_states.replace,
        workspace_id,
        user_id,
        state_hash=hashed,
        redirect_uri=redirect_uri,
        verifier_encrypted=sealed,
        expires_at=context.clock() + STATE_LIFETIME,
    )
    return page


async def status(work: UnitOfWork, workspace_id: str) -> Record:
    """Return what members are shown of the connection."""
    return shown(await work.read(modelserver_connections.find, workspace_id))


async def disconnect(work: UnitOfWork, workspace_id: str) -> None:
    """Forget the connection, if there is one."""
    await work.write(Lock(workspace=workspace_id), modelserver_connections.remove, workspace_id)


async def complete(work: UnitOfWork, user_id: str, query: Mapping[str, str]) -> Outcome:
    """Complete a connection, with what a browser has brought back.

    Arguments:
        work: the access to the database, with no authority of its own.
        user_id: who is signed in in the browser.
        query: `state`, and `code` or `error`.

    Raises BadRequest if this person has begun no such connection, or too long ago.
    """
    context = work.context
    hashed = token_hash(query.get("state", ""))
    begun = await work.write(Lock(), modelserver_states.take, hashed, user_id, context.clock())
    if begun is None:
        raise BadRequest("invalid oauth state")
    workspace_id = begun["workspace_id"]
    try:
        await work.read(_check_member, workspace_id, user_id)
        code = _code_of(query)
        verifier = context.cipher.decrypt(
            begun["verifier_encrypted"], row=hashed, column=modelserver_states.VERIFIER_COLUMN
        )
        tokens = await _exchanged(work, code, begun["redirect_uri"], verifier)
        project, models = await _told(work, tokens.access)
        await _store(work, workspace_id, user_id, tokens, project, models)
    except _Failure as failure:
        return Outcome(workspace_id, str(failure))
    return Outcome(workspace_id)


class _Failure(Exception):
    """The connection is not made; the text is shown to the person."""


def _code_of(query: Mapping[str, str]) -> str:
    if error := query.get("error"):
        code = error if _ERROR_CODE.fullmatch(error) else "unknown error"
        raise _Failure(f"{NOT_PERMITTED}: {code}")
    if not query.get("code"):
        raise _Failure(NO_CODE)
    return query["code"]


def _check_member(conn: Connection, workspace_id: str, user_id: str) -> None:
    if not may_connect(members.role_of(conn, workspace_id, user_id)):
        raise _Failure(NO_ROLE)


async def _exchanged(work: UnitOfWork, code: str, redirect_uri: str, verifier: str) -> Tokens:
    try:
        return await work.context.modelserver.exchange(code, redirect_uri, verifier)
    except (BadGateway, NotConfigured):
        raise _Failure(NO_TOKEN) from None


async def _told(work: UnitOfWork, access_token: str) -> tuple[Project, list[Record]]:
    """Return what the model server says of a token, and its models if it says that too."""
    server = work.context.modelserver
    try:
        project = await server.introspect(access_token)
    except BadGateway:
        raise _Failure(NO_PROJECT) from None
    try:
        return project, [dict(each) for each in await server.models(access_token)]
    except BadGateway:
        return project, []


async def _store(
    work: UnitOfWork,
    workspace_id: str,
    user_id: str,
    tokens: Tokens,
    project: Project,
    models: list[Record],
) -> None:
    now = work.context.clock()
    sealed = sealed_tokens(work, workspace_id, tokens)
    # Not with the lock of `work.write`, for which a workspace that was deleted in between would be
    # another refusal than one in which the person has no role any more.
    await work.write(Lock(), _connect, workspace_id, user_id, project, models, sealed, now)


def _connect(
    conn: Connection,
    workspace_id: str,
    user_id: str,
    project: Project,
    models: list[Record],
    sealed: Mapping[str, str],
    now: datetime,
) -> None:
    Lock(workspace=workspace_id).take(conn)
    _check_member(conn, workspace_id, user_id)
    llm_configs.remove(conn, workspace_id)
    modelserver_connections.store(
        conn,
        workspace_id,
        project={"project": project.id, "name": project.name, "project_user": project.user_id},
        models=models,
        sealed=sealed,
        now=now,
    )


def sealed_tokens(work: UnitOfWork, workspace_id: str, tokens: Tokens) -> dict[str, str]:
    """Return tokens as they are stored."""
    encrypt = work.context.cipher.encrypt
    return {
        "access": encrypt(
            tokens.access, row=workspace_id, column=modelserver_connections.ACCESS_COLUMN
        ),
        "refresh": encrypt(
            tokens.refresh, row=workspace_id, column=modelserver_connections.REFRESH_COLUMN
        ),
        "expires": timestamp(tokens.expires_at),
    }
