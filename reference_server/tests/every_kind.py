"""A server for the contract that has one operation of each kind: `every_kind.yaml`.

It keeps parcels in memory. Accounts and sessions are in the database; the contract has no
operations for them, so `populate` creates them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import yaml
from starlette.applications import Starlette

from agentserver_reference.app import create_app
from agentserver_reference.call import Call
from agentserver_reference.contract import compile_contract
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.sessions import LIFETIME
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.http.dispatch import Handler
from agentserver_reference.replies import Redirect, Reply
from agentserver_reference.security import session
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.principal import Principal
from agentserver_reference.settings import Settings
from agentserver_reference.storage import sessions, users
from agentserver_reference.storage.engine.connection import Connection

CONTRACT = Path(__file__).parents[2] / "contract_tests" / "tests" / "data" / "every_kind.yaml"
"""The contract, which the tests of the SDK, the contract tests and the docs use as well."""

USER_ID = "7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"
SESSION_TOKEN = "5e" * 32
API_KEY = "pak_send"
READ_ONLY_API_KEY = "pak_read"
AGENT_TOKEN = "eyJhbGciOiJub25lIn0.e30.agent"
"""An access token in the format of a JWT; the signature is not verified here."""
USER_TOKEN = "eyJhbGciOiJub25lIn0.e30.user"
"""An access token of the same format, whose owner is no agent."""

_BEARERS = {
    API_KEY: Principal(USER_ID, "user", scopes=frozenset({"parcels:send"})),
    READ_ONLY_API_KEY: Principal(USER_ID, "user", scopes=frozenset({"parcels:read"})),
    AGENT_TOKEN: Principal(USER_ID, "agent"),
    USER_TOKEN: Principal(USER_ID, "user"),
}


def _resolve(
    conn: Connection, token: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    return _BEARERS.get(token)


SCHEMES: Mapping[str, CredentialKind] = {
    session.SCHEME: session.SESSION,
    "apiKey": bearer(re.compile(r"pak_\w+"), _resolve),
    "agentToken": bearer(re.compile(r"[\w-]+\.[\w-]+\.[\w-]*"), _resolve),
}


@attrs.frozen
class PostOffice:
    """The handlers, and the parcels in the order in which they were sent."""

    parcels: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    by_key: dict[tuple[str, str], Reply] = attrs.field(factory=dict)
    """The response for each `Idempotency-Key` and body."""
    calls: list[Call] = attrs.field(factory=list)
    """Every call that reached a handler."""

    async def list_parcels(self, call: Call) -> Reply:
        """GET /api/parcels."""
        self.calls.append(call)
        asked = call.query
        found = [
            parcel
            for parcel in self.parcels.values()
            if parcel["weight"] >= asked.get("min_weight", 0)
            and parcel["size"] == asked.get("size", parcel["size"])
            and parcel["sent_at"] >= asked.get("since", "")
        ]
        return Reply(200, found[: asked.get("limit")])

    async def send_parcel(self, call: Call) -> Reply:
        """POST /api/parcels: 201, or 202 for a parcel whose weight is not known yet."""
        self.calls.append(call)
        key = call.headers["Idempotency-Key"], repr(call.json)
        if key not in self.by_key:
            self.by_key[key] = self._send(call)
        return self.by_key[key]

    def _send(self, call: Call) -> Reply:
        if "weight" not in call.json:
            return Reply(202, {"position": len(self.by_key)})
        context = call.work.context
        sent_at = context.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        parcel = {"id": context.ids(), **call.json, "sent_at": sent_at}
        self.parcels[parcel["id"]] = parcel
        return Reply(201, parcel)

    async def take_next_parcel(self, call: Call) -> Reply:
        """GET /api/parcels/next: 200 with the oldest parcel, which is gone then, or 204."""
        self.calls.append(call)
        if not self.parcels:
            return Reply(204)
        return Reply(200, self.parcels.pop(next(iter(self.parcels))))

    async def get_parcel(self, call: Call) -> Reply:
        """GET /api/parcels/{parcel_id}."""
        self.calls.append(call)
        return Reply(200, self._found(call))

    async def collect_parcel(self, call: Call) -> Redirect:
        """GET /api/parcels/{parcel_id}/collect."""
        self.calls.append(call)
        return Redirect(f"https://post.example/counters/4?parcel={self._found(call)['id']}")

    def _found(self, call: Call) -> dict[str, Any]:
        parcel = self.parcels.get(call.path["parcel_id"])
        if parcel is None:
            raise NotFound("parcel not found")
        return parcel

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers as an argument of `create_app`."""
        return {
            f"parcels.{handler.__name__}": handler
            for handler in (
                self.list_parcels,
                self.send_parcel,
                self.take_next_parcel,
                self.get_parcel,
                self.collect_parcel,
            )
        }


def every_kind_app(
    settings: Settings, office: PostOffice | None = None, **arguments: Any
) -> Starlette:
    """Create the application. Its responses are validated by default."""
    document = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return create_app(
        settings,
        contract=compile_contract(document, closed=True),
        handlers=(office or PostOffice()).handlers(),
        **{"schemes": SCHEMES, "validate_responses": True, **arguments},
    )


async def populate(app: Starlette) -> None:
    """Create the account and its session; the lifespan of the application must have begun."""
    now = datetime.now(UTC)

    def add(conn: Connection) -> None:
        users.add(
            conn,
            user_id=USER_ID,
            email="alice@example.com",
            password_hash="none",
            role="user",
            now=now,
        )
        sessions.add(
            conn,
            token_hash=token_hash(SESSION_TOKEN),
            user_id=USER_ID,
            now=now,
            expires_at=now + LIFETIME,
        )

    await app.state.context.store.write(add)
