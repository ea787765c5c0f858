"""Calls of clusters by what runs in sandboxes, with the credentials of their workspaces.

A sandbox shows its own token. The credential is put into its place here, and nowhere else.
"""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import attrs

from agentserver_reference.domain.credentials import REFRESH_BEFORE
from agentserver_reference.domain.errors import (
    BadGateway,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    Unauthenticated,
)
from agentserver_reference.domain.kubeconfig import CLIENT_CERT, OIDC
from agentserver_reference.domain.sandboxes import MAY_CALL
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.gateways.clusters import Cluster, ClusterRequest
from agentserver_reference.replies import PassThrough
from agentserver_reference.services import credential_logins, proxy_tokens, renewal
from agentserver_reference.services.renewal import Stored
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import credential_bindings, sandboxes
from agentserver_reference.storage import proxy_tokens as stored_tokens
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

LOOK_AGAIN = 2.0
"""Seconds between two looks at whether what is passed on for long still may be."""


@attrs.frozen
class Caller:
    """A sandbox that calls a cluster."""

    token_hash: str = attrs.field(repr=False)
    credential: Record = attrs.field(repr=False)
    """The credential that it calls with, encrypted."""


async def find(work: UnitOfWork, token: str | None, kind: str, binding_id: str) -> Caller:
    """Return who calls a cluster, and note that the sandbox is active.

    Raises:
        Unauthenticated: the token is of no sandbox.
        Forbidden: the sandbox is neither running nor being created.
        NotFound: its workspace has no such credential.
    """
    if token is None or await proxy_tokens.find_holder(work, token) is None:
        raise _unknown()
    hashed, now = token_hash(token), work.context.clock()
    return Caller(hashed, await work.write(Lock(), _begin, hashed, kind, binding_id, now))


def _begin(conn: Connection, token_hash: str, kind: str, binding_id: str, now: datetime) -> Record:
    sandbox_id, found = _permitted(conn, token_hash, kind, binding_id)
    sandboxes.touch(conn, sandbox_id, now)
    return found


def _permitted(conn: Connection, token_hash: str, kind: str, binding_id: str) -> tuple[str, Record]:
    """Return the id of the sandbox that calls, and the credential. Raises as `find`."""
    caller = stored_tokens.find_holder(conn, token_hash)
    if caller is None or caller["sandbox_id"] is None:
        raise _unknown()  # a workspace's own token is for models only
    if caller["status"] not in MAY_CALL:
        raise Forbidden("sandbox not active")
    found = credential_bindings.find_whole(conn, caller["workspace_id"], kind, binding_id)
    if found is None:
        raise NotFound("credential not found")
    return caller["sandbox_id"], found


async def send(work: UnitOfWork, caller: Caller, request: ClusterRequest) -> PassThrough:
    """Send a request to a cluster, and return the answer, which ends when the permission does.

    Raises BadGateway.
    """
    answer = await work.context.clusters.open().send(await cluster_of(work, caller), request)
    return attrs.evolve(answer, watch=partial(watch, work, caller))


async def cluster_of(work: UnitOfWork, caller: Caller) -> Cluster:
    """Return the cluster that is called, with the credential. Raises BadGateway."""
    credential = caller.credential
    authority = credential["public_meta"].get("ca_data_b64")
    return Cluster(
        credential["server_url"],
        None if authority is None else b64decode(authority).decode(),
        **await _proof(work, credential),
    )


async def watch(work: UnitOfWork, caller: Caller) -> None:
    """Look again and again at whether the caller still may call. Raises as `find` when not."""
    while True:
        await work.context.wait(LOOK_AGAIN)
        with suppress(DatabaseUnavailable):  # the store has logged it
            kind, binding_id = caller.credential["kind"], caller.credential["id"]
            await work.read(_permitted, caller.token_hash, kind, binding_id)


async def _proof(work: UnitOfWork, credential: Record) -> dict[str, str]:
    """Return what proves to a cluster who one is, by its name in Cluster."""
    if credential["auth_type"] == OIDC:
        secret = await renewal.current(work, _Login(work, credential))
        return {"token": secret["id_token"] or secret["access_token"]}
    secret = _opened(work, credential)
    if credential["auth_type"] == CLIENT_CERT:
        return {"certificate": f"{secret['cert_pem']}\n{secret['key_pem']}"}
    return {"token": secret["token"]}


def _opened(work: UnitOfWork, credential: Record) -> dict[str, Any]:
    secret: dict[str, Any] = json.loads(
        work.context.cipher.decrypt(
            credential["secret_encrypted"],
            row=credential["id"],
            column=credential_bindings.SECRET_COLUMN,
        )
    )
    return secret


@attrs.frozen
class _Login:
    """The tokens of a login with OpenID Connect. See Renewable."""

    work: UnitOfWork
    row: Record

    renew_before = REFRESH_BEFORE
    ended = "the login at the OpenID provider has ended: create the credential again"

    async def find(self) -> Stored[dict[str, Any]] | None:
        found = await self.work.read(
            credential_bindings.find_whole, self.row["workspace_id"], self.row["kind"], self.id
        )
        if found is None:
            return None
        secret = _opened(self.work, found)
        ends = secret.get("token_expiry")
        return Stored(
            found["secret_encrypted"],
            ends and datetime.fromisoformat(ends),
            found["refreshing_until"] is not None,
            secret,
        )

    async def claim(self, sealed: str, until: datetime) -> str | None:
        return await self.work.change(
            credential_bindings.claim,
            self.id,
            seen=sealed,
            until=until,
            now=self.work.context.clock(),
        )

    async def renew(self, stored: Stored[dict[str, Any]], claim: str) -> None:
        # Imported late, as the gateway itself.
        from agentserver_reference.gateways.failures import OutsideError
        from agentserver_reference.gateways.openid.remote import Refused, failed

        context, secret = self.work.context, stored.value
        if not secret["refresh_token"]:
            raise BadGateway(self.ended)
        try:
            tokens = await context.openid_providers.open().refresh(
                secret["issuer_url"], secret["client_id"], secret["refresh_token"]
            )
        except Refused:
            raise BadGateway(self.ended) from None
        except OutsideError as error:
            raise failed(error) from None
        kept = credential_logins.with_tokens(secret, tokens, context.clock())
        sealed = context.cipher.encrypt(
            json.dumps(kept), row=self.id, column=credential_bindings.SECRET_COLUMN
        )
        await self.work.change(credential_bindings.renew, self.id, claim, sealed, context.clock())

    async def release(self, claim: str) -> None:
        await self.work.change(credential_bindings.release, self.id, claim)

    @property
    def id(self) -> str:
        """Of the credential."""
        found: str = self.row["id"]
        return found


def _unknown() -> Unauthenticated:
    return Unauthenticated("invalid token")
