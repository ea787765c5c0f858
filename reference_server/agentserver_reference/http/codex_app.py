"""The WebSocket by which a person's own codex speaks with that of a workspace.

It is not part of the contract: what is said by it is codex's own JSON-RPC.
"""

from __future__ import annotations

from functools import partial

from starlette.websockets import WebSocket

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.gateways.sockets import HeldSockets
from agentserver_reference.http.clients import client_of
from agentserver_reference.http.dispatch import ForeignSocket
from agentserver_reference.replies import Socket, Upgrade
from agentserver_reference.security.codex_token import CODEX_TOKEN
from agentserver_reference.services import codex_sessions
from agentserver_reference.services.unit_of_work import UnitOfWork

PATH = "/codex-app/ws"


def endpoint(context: Context, sockets: HeldSockets) -> ForeignSocket:
    """Return what responds to the path."""
    work = UnitOfWork(context)

    async def connect(socket: WebSocket) -> Upgrade:
        token = CODEX_TOKEN.find(socket.headers)
        if token is None:
            raise Unauthenticated("unauthorized")
        session = await codex_sessions.open_session(work, token, client_of(socket))

        async def converse(opened: Socket) -> None:
            speak = partial(codex_sessions.converse, work, session, opened)
            await sockets.hold(session.id, opened, speak)

        return Upgrade(converse)

    return ForeignSocket(connect)
