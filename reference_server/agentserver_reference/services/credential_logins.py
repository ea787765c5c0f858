"""Logins with OpenID Connect, which a person approves before a credential is kept.

A login is a row, so that any process asks the provider about it. What the provider answers is
stored before it is answered, so that a caller who hangs up loses nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from agentserver_reference.domain import credentials as domain
from agentserver_reference.domain.errors import BadGateway, NotFound
from agentserver_reference.domain.kubeconfig import OIDC, ClusterCredential
from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import credential_bindings, credential_logins
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.gateways.openid.remote import Tokens

LOOK_AGAIN = 1.0
"""Seconds between two looks at a login about which another call asks the provider."""
LONGEST_POLL = timedelta(seconds=30)
"""After this, the process that has asked the provider is taken to have died."""
BATCH = 100
_SLOWER = 5
"""Seconds by which the provider is asked less often, if it wants that (RFC 8628)."""


@attrs.frozen
class PendingLogin:
    """A login that was neither approved nor denied yet."""

    shown: Record


async def begin(
    work: UnitOfWork, workspace_id: str, kind: str, name: str, read: ClusterCredential
) -> PendingLogin:
    """Begin a login, which a person has to approve at the provider.

    Raises:
        Conflict: another credential has the name.
        BadGateway: the provider failed.
    """
    context = work.context
    await work.check(_check_name, workspace_id, kind, name)
    secret = json.loads(read.secret)
    login = await context.openid_providers.open().begin(
        secret["issuer_url"], secret["client_id"], secret["scopes"]
    )
    login_id, now = domain.new_id(context.tokens()), context.clock()
    kept = {
        **secret,
        "token_endpoint": login.token_endpoint,
        "device_code": login.device_code,
        "verification_uri": login.verification_uri,
        "user_code": login.user_code,
    }
    shown = {
        "id": login_id,
        "display_name": name,
        "server_url": read.server_url,
        "public_meta": read.public_meta,
    }
    await work.write(
        Lock(workspace=workspace_id),
        credential_logins.add,
        workspace_id,
        kind,
        shown=shown,
        secret_encrypted=_sealed(work, login_id, kept),
        poll_interval=login.interval,
        now=now,
        expires_at=now + timedelta(seconds=login.expires_in),
    )
    return _pending(login_id, kept, login.expires_in)


async def complete(
    work: UnitOfWork, workspace_id: str, kind: str, login_id: str
) -> Record | PendingLogin:
    """Wait a while until a login is approved, and keep the credential.

    Raises:
        NotFound: the workspace has no such login.
        Conflict: it was refused, or another credential has the name.
        Gone: it has expired.
        BadGateway: the provider failed when it was asked last.
    """
    context = work.context
    domain.check_kind(kind)
    ends = context.clock() + domain.LONGEST_COMPLETION
    failure: BadGateway | None = None
    while True:
        login = await work.read(credential_logins.find, workspace_id, kind, login_id)
        if login is None:
            return await _kept(work, workspace_id, kind, login_id)
        now, expires_at = context.clock(), datetime.fromisoformat(login["expires_at"])
        domain.check_login(login["state"], expires_at=expires_at, now=now)
        secret = _opened(work, login)
        if login["state"] == domain.GRANTED:
            return await _keep_granted(work, login, secret)
        if now >= ends:
            if failure is not None:
                raise failure
            return _pending(login_id, secret, int((expires_at - now).total_seconds()))
        if login["poll_after"] <= precise_timestamp(now):
            failure = await _in_background(work, login, secret)
        else:
            await context.wait(min(LOOK_AGAIN, (ends - now).total_seconds()))


async def remove_expired(work: UnitOfWork) -> int:
    """Remove the logins that expired long ago; how many it were."""
    now, removed = work.context.clock(), 0
    while batch := await work.write(Lock(), credential_logins.remove_expired, now, BATCH):
        removed += batch
        await asyncio.sleep(0)  # SQLite runs on the event loop: let requests in between
    return removed


def keep(
    conn: Connection, workspace_id: str, kind: str, shown: Record, sealed: str, now: datetime
) -> Record:
    """Keep a credential of a workspace, which is locked. Raises Conflict if its name is taken."""
    _check_name(conn, workspace_id, kind, shown["display_name"])
    is_first = credential_bindings.count(conn, workspace_id, kind) == 0
    whole = {**shown, "is_default": is_first}
    credential_bindings.add(conn, workspace_id, kind, shown=whole, secret_encrypted=sealed, now=now)
    return whole


def _check_name(conn: Connection, workspace_id: str, kind: str, name: str) -> None:
    is_taken = credential_bindings.is_named(conn, workspace_id, kind, name)
    domain.check_name_is_free(is_taken=is_taken)


async def _kept(work: UnitOfWork, workspace_id: str, kind: str, login_id: str) -> Record:
    """Return the credential that a login has become already."""
    found = await work.read(credential_bindings.find_whole, workspace_id, kind, login_id)
    if found is None or found["auth_type"] != OIDC:
        raise NotFound("no login with this id")
    return {name: value for name, value in found.items() if name in _SHOWN}


_SHOWN = ("id", "display_name", "server_url", "auth_type", "public_meta", "is_default")


async def _keep_granted(work: UnitOfWork, login: Record, secret: dict[str, Any]) -> Record:
    context, login_id, workspace_id = work.context, login["id"], login["workspace_id"]
    shown = {name: login[name] for name in _SHOWN if name in login} | {"auth_type": OIDC}
    sealed = context.cipher.encrypt(
        json.dumps(secret), row=login_id, column=credential_bindings.SECRET_COLUMN
    )

    def change(conn: Connection) -> Record | None:
        if credential_logins.find(conn, workspace_id, login["kind"], login_id) is None:
            return None  # another call was faster
        kept = keep(conn, workspace_id, login["kind"], shown, sealed, context.clock())
        credential_logins.remove(conn, login_id)
        return kept

    kept = await work.write(Lock(workspace=workspace_id), change)
    return kept or await _kept(work, workspace_id, login["kind"], login_id)


async def _in_background(
    work: UnitOfWork, login: Record, secret: dict[str, Any]
) -> BadGateway | None:
    """Ask the provider, even if the caller hangs up meanwhile; return how it failed, if it did."""
    answered: asyncio.Future[BadGateway | None] = asyncio.get_running_loop().create_future()

    async def ask() -> None:
        failure: BadGateway | None = None
        try:
            failure = await _ask(UnitOfWork(work.context), login, secret)
        finally:
            if not answered.done():
                answered.set_result(failure)

    work.context.background("credential login", ask)
    return await answered


async def _ask(work: UnitOfWork, login: Record, secret: dict[str, Any]) -> BadGateway | None:
    # Imported late, as the gateway itself.
    from agentserver_reference.gateways.failures import OutsideError
    from agentserver_reference.gateways.openid.remote import Refused, StillPending, failed

    context, login_id, interval = work.context, login["id"], login["poll_interval"]
    lock, now = Lock(workspace=login["workspace_id"]), context.clock()
    if not await work.write(Lock(), credential_logins.take_poll, login_id, now, now + LONGEST_POLL):
        return None
    failure: BadGateway | None = None
    try:
        answer = await context.openid_providers.open().poll(
            secret["token_endpoint"], secret["client_id"], secret["device_code"]
        )
    except Refused:
        await work.write(lock, credential_logins.refuse, login_id)
        return None
    except OutsideError as error:
        answer, failure = StillPending(), failed(error)
    if isinstance(answer, StillPending):
        seconds = interval + (_SLOWER if answer.slower else 0)
        await work.write(Lock(), credential_logins.set_poll, login_id, seconds, context.clock())
        return failure
    kept = with_tokens(secret, answer, context.clock())
    await work.write(lock, credential_logins.grant, login_id, _sealed(work, login_id, kept))
    return None


def with_tokens(secret: Mapping[str, Any], tokens: Tokens, now: datetime) -> dict[str, Any]:
    """Return what is kept of a login, with the tokens that a provider has just given."""
    kept = {name: secret[name] for name in ("issuer_url", "client_id", "scopes")} | {
        "access_token": tokens.access_token,
        "id_token": tokens.id_token,
        # A provider that gives no other one goes on accepting the old one.
        "refresh_token": tokens.refresh_token or secret.get("refresh_token", ""),
    }
    if tokens.expires_in is not None:
        kept["token_expiry"] = precise_timestamp(now + timedelta(seconds=tokens.expires_in))
    return kept


def _sealed(work: UnitOfWork, login_id: str, secret: dict[str, Any]) -> str:
    return work.context.cipher.encrypt(
        json.dumps(secret), row=login_id, column=credential_logins.SECRET_COLUMN
    )


def _opened(work: UnitOfWork, login: Record) -> dict[str, Any]:
    secret: dict[str, Any] = json.loads(
        work.context.cipher.decrypt(
            login["secret_encrypted"], row=login["id"], column=credential_logins.SECRET_COLUMN
        )
    )
    return secret


def _pending(login_id: str, secret: dict[str, Any], expires_in: int) -> PendingLogin:
    return PendingLogin(
        {
            "id": login_id,
            "status": "pending_device_code",
            "verification_uri": secret["verification_uri"],
            "user_code": secret["user_code"],
            "expires_in": max(0, expires_in),
        }
    )
