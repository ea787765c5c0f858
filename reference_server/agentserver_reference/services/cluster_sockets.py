"""WebSockets to clusters, by which `kubectl exec`, `attach`, `port-forward` and `cp` work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import anyio

from agentserver_reference.domain.errors import Refusal
from agentserver_reference.gateways.clusters import ClusterRequest, Declined
from agentserver_reference.replies import Socket, SocketClosed, Upgrade, Watch
from agentserver_reference.services import cluster_calls
from agentserver_reference.services.cluster_calls import Caller
from agentserver_reference.services.unit_of_work import UnitOfWork

_POLICY_VIOLATION = 1008
_SENDABLE = {1005: 1000, 1006: 1011, 1015: 1011}
"""What is said instead of the codes that only stand for what was not said (RFC 6455, 7.4.1)."""


async def connect(
    work: UnitOfWork, caller: Caller, request: ClusterRequest, subprotocols: Sequence[str]
) -> Upgrade | Declined:
    """Open a WebSocket to a cluster, and return what the client's becomes.

    Arguments:
        work: the database.
        caller: who calls.
        request: what opens it.
        subprotocols: what the client offers.

    Raises BadGateway.
    """
    cluster = await cluster_calls.cluster_of(work, caller)
    opened = await work.context.clusters.open().connect(cluster, request, subprotocols)
    if isinstance(opened, Declined):
        return opened

    async def converse(client: Socket) -> None:
        await _pass_on(client, opened, partial(cluster_calls.watch, work, caller))

    return Upgrade(converse, opened.subprotocol, opened.close)


async def _pass_on(client: Socket, cluster: Socket, watch: Watch) -> None:
    """Pass on what both say, until one of them leaves or it is no longer permitted.

    Both are then closed with the same code and reason.
    """
    ends: list[SocketClosed] = []

    def end(closed: SocketClosed) -> None:
        ends.append(closed)
        tasks.cancel_scope.cancel()

    async def copy(source: Socket, target: Socket) -> None:
        while True:
            try:
                message = await source.receive()
            except SocketClosed as closed:
                end(closed)
                return
            try:
                await target.send(message)
            except SocketClosed as closed:
                # What it said before it left is still passed on.
                ends.append(closed)
                return

    async def look() -> None:
        try:
            await watch()
        except Refusal as refusal:
            end(SocketClosed(_POLICY_VIOLATION, refusal.line))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        async with anyio.create_task_group() as directions:
            directions.start_soon(copy, client, cluster)
            directions.start_soon(copy, cluster, client)
        tasks.cancel_scope.cancel()
    last = ends[-1]
    code = _SENDABLE.get(last.code, last.code)
    async with anyio.create_task_group() as closing:
        for each in (client, cluster):
            closing.start_soon(each.close, code, last.reason)
