"""The embedded OAuth provider, whose codes and tokens are in the server's own database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.errors import Conflict
from agentserver_reference.domain.oauth import Claims, scopes_of
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.gateways.oauth.protocol import Answer, Form
from agentserver_reference.storage import oauth_grants

if TYPE_CHECKING:
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.connection import Connection

_ATTEMPTS = 3


class EmbeddedOAuth:
    """Answers each request in one transaction, which also keeps what a refusal has changed."""

    def __init__(
        self, store: Store, clock: Callable[[], datetime], tokens: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens

    async def authorize_device(self, form: Form, verification_uri: str) -> Answer:
        """See OAuth."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._store.write(self._authorize_device, form, verification_uri)
            except Conflict:  # the code is taken: choose another
                continue
        return await self._store.write(self._authorize_device, form, verification_uri)

    async def token(self, form: Form) -> Answer:
        """See OAuth."""
        return await self._store.write(self._token, form)

    async def revoke(self, form: Form) -> Answer:
        """See OAuth."""
        return await self._store.write(self._revoke, form)

    async def introspect(self, token: str) -> Claims | None:
        """See OAuth."""
        hashed, now = token_hash(token), self._clock()
        found = await self._store.read(oauth_grants.find_holder, hashed, now)
        if found is None:
            return None
        return Claims(found["user_id"], frozenset(scopes_of(found["scope"])), found["workspace_id"])

    async def close(self) -> None:
        """See OAuth. The store stays open: it belongs to the server."""

    def _authorize_device(self, conn: Connection, form: Form, verification_uri: str) -> Answer:
        # Imported late: Authlib takes 30 ms at the start, and most servers sign no agent in.
        from agentserver_reference.gateways.oauth.embedded import authorization

        server = authorization.server(conn, self._clock(), self._tokens)
        return server.authorize_device(form, verification_uri)

    def _token(self, conn: Connection, form: Form) -> Answer:
        from agentserver_reference.gateways.oauth.embedded import authorization

        return authorization.server(conn, self._clock(), self._tokens).token(form)

    def _revoke(self, conn: Connection, form: Form) -> Answer:
        from agentserver_reference.gateways.oauth.embedded import authorization

        return authorization.server(conn, self._clock(), self._tokens).revoke(form)
