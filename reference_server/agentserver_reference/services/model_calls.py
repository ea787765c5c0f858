"""Calls of language models through the embedded LLM proxy: who may, how many, and what they used.

A request is counted before the model is called, in the transaction that compares the number with
the limit, so that simultaneous requests cannot exceed it. One that fails is taken back. One whose
server was killed is not: the model may have answered it, and N a day must not cost more than N.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import anyio
import attrs

from agentserver_reference.domain.errors import (
    DatabaseUnavailable,
    Forbidden,
    TooManyRequests,
    Unauthenticated,
)
from agentserver_reference.domain.model_apis import ModelApi, ModelRoute
from agentserver_reference.domain.model_usage import Meter, WithoutUsage, asking_for_usage
from agentserver_reference.domain.sandboxes import MAY_CALL
from agentserver_reference.domain.times import midnight
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.domain.traces import Trace, trace_of
from agentserver_reference.gateways.models.embedded import model_list
from agentserver_reference.gateways.models.protocol import Model, ModelRequest
from agentserver_reference.logs import LOGGER, event
from agentserver_reference.replies import PassThrough
from agentserver_reference.services import modelserver_tokens, proxy_tokens
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    llm_configs,
    llm_traces,
    llm_usage,
    modelserver_connections,
    sandboxes,
)
from agentserver_reference.storage import proxy_tokens as stored_tokens
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

CHAT = "/v1/chat/completions"
"""The one API whose streams tell their usage only if they are asked to."""

EVENT_STREAM = "text/event-stream"

_logger = logging.getLogger(LOGGER)


@attrs.frozen
class Caller:
    """Who calls a model: a sandbox, or a program that has a workspace's token."""

    workspace_id: str
    token_hash: str = attrs.field(repr=False)


@attrs.frozen
class Destination:
    """Where the requests of a workspace go: to the model server if it is connected, otherwise to
    its own endpoint, otherwise to the installation's model."""

    connection: Record | None = None
    own: Record | None = None

    @property
    def models(self) -> list[Record] | None:
        """The models that are known without asking."""
        known = self.connection or self.own
        return None if known is None else known["models"] or None


async def authenticate(work: UnitOfWork, token: str | None) -> Caller:
    """Return who has a token of a sandbox or of a workspace.

    Raises Unauthenticated, and Forbidden for a sandbox that is neither running nor being created.
    """
    if token is None:
        raise Unauthenticated("missing api key")
    found = _permitted(await proxy_tokens.find_holder(work, token))
    return Caller(found["workspace_id"], token_hash(token))


def _permitted(holder: Record | None) -> Record:
    """Return the holder of a token if it may call a model."""
    if holder is None:
        raise Unauthenticated("invalid api key")
    if holder["sandbox_id"] is not None and holder["status"] not in MAY_CALL:
        raise Forbidden("sandbox not active")
    return holder


async def answer(
    work: UnitOfWork,
    route: ModelRoute,
    request: ModelRequest,
    caller: Caller,
    headers: Mapping[str, str],
) -> PassThrough:
    """Return a model's answer, which is recorded while it is passed on.

    Arguments:
        work: the access to the database.
        route: the path that was called.
        request: the request.
        caller: who calls, as `authenticate` found before the body was read. Whether it still may
            is decided by the transaction that counts the request.
        headers: the headers of the request, by names in lower case.

    Raises Unauthenticated, Forbidden, TooManyRequests, BadRequest and BadGateway.
    """
    context, workspace_id, api = work.context, caller.workspace_id, request.api
    if not route.is_recorded:
        place = await work.write(
            Lock(), _touch, caller, context.clock(), context.modelserver.has_models
        )
        if request.path == "/v1/models" and place.models is not None:
            return _listed(place.models)
        model = await _model(work, api, workspace_id, place)
        return await model.send(request)
    settings = context.settings
    entry = Entry(
        work,
        f"{api.request_prefix}{context.ids()}",
        workspace_id,
        trace_of(headers, settings.llm_proxy_trace_header, api.trace_prefix, context.ids),
        context.clock(),
    )
    place = await work.write(
        Lock(workspace=workspace_id),
        _reserve,
        caller,
        entry,
        api,
        settings.llm_proxy_default_max_rpd,
        context.modelserver.has_models,
    )
    asking = asking_for_usage(request.body) if request.path == CHAT else None
    sent = request if asking is None else attrs.evolve(request, body=asking)
    try:
        model = await _model(work, api, workspace_id, place)
        reply = await model.send(sent)
    except BaseException:
        await entry.give_back()
        raise
    if not 200 <= reply.status < 300:
        await entry.give_back()
        return reply
    recorded = entry.recorded(reply, request)
    return recorded if asking is None else _without_usage(recorded)


def _without_usage(reply: PassThrough) -> PassThrough:
    """Return an answer without the usage that only the recording has asked for."""
    kept = WithoutUsage()

    async def chunks() -> AsyncIterator[bytes]:
        async for chunk in reply.chunks:
            if passed_on := kept.feed(chunk):
                yield passed_on
        if rest := kept.end():
            yield rest

    return attrs.evolve(reply, chunks=chunks())


async def _model(work: UnitOfWork, api: ModelApi, workspace_id: str, place: Destination) -> Model:
    """Return the model of a destination."""
    context = work.context
    if place.connection is not None:
        token = await modelserver_tokens.access_token(work, workspace_id)
        return context.modelserver.model(token)
    if place.own is None:
        return context.models.of_platform(api)
    sealed = place.own["api_key_encrypted"]
    key = context.cipher.decrypt(sealed, row=workspace_id, column=llm_configs.KEY_COLUMN)
    return context.models.of_workspace(api, place.own["base_url"], key)


def _listed(models: list[Record]) -> PassThrough:
    """Return models that are known without asking."""

    async def chunks() -> AsyncIterator[bytes]:
        yield json.dumps(model_list.listed(models)).encode()

    async def close() -> None:
        """There is no connection."""

    return PassThrough(200, (("content-type", "application/json"),), chunks(), close)


def _active(conn: Connection, caller: Caller, now: datetime) -> str | None:
    """Return the id of the sandbox that calls, if it is one, after noting that it is active."""
    sandbox_id: str | None = _permitted(stored_tokens.find_holder(conn, caller.token_hash))[
        "sandbox_id"
    ]
    if sandbox_id is not None:
        sandboxes.touch(conn, sandbox_id, now)
    return sandbox_id


def _touch(conn: Connection, caller: Caller, now: datetime, has_model_server: bool) -> Destination:
    """Note that a caller is active; return where its requests go.

    `has_model_server` says whether those of connected workspaces go to the model server.
    """
    _active(conn, caller, now)
    return _destination(conn, caller.workspace_id, has_model_server)


def _destination(conn: Connection, workspace_id: str, has_model_server: bool) -> Destination:
    if has_model_server:
        connection = modelserver_connections.find(conn, workspace_id)
        if connection is not None:
            return Destination(connection=connection)
    return Destination(own=llm_configs.find(conn, workspace_id))


def _reserve(
    conn: Connection,
    caller: Caller,
    entry: Entry,
    api: ModelApi,
    default_max_rpd: int,
    has_model_server: bool,
) -> Destination:
    """Count a request, if there may be another one today; the workspace is locked.

    Returns the same as `_touch`. A connected workspace pays for its requests itself: it has no
    limit a day.
    """
    place = _destination(conn, entry.workspace_id, has_model_server)
    sandbox_id = _active(conn, caller, entry.began)
    own = llm_usage.quota(conn, entry.workspace_id) or {"max_rpd": None}
    most = default_max_rpd if own["max_rpd"] is None else own["max_rpd"]
    today = midnight(entry.began)
    if most and place.connection is None:
        used = llm_usage.count_since(conn, entry.workspace_id, today)
        if used >= most:
            tomorrow = today + timedelta(days=1)
            raise TooManyRequests(
                f"workspace requests per day quota exceeded ({used}/{most})",
                retry_after=int((tomorrow - entry.began).total_seconds()) + 1,
            )
    llm_traces.reserve(
        conn,
        entry.request_id,
        workspace_id=entry.workspace_id,
        sandbox_id=sandbox_id,
        trace=entry.trace,
        provider=api.provider,
        now=entry.began,
    )
    return place


@attrs.define(eq=False)
class Entry:
    """The row of one request, from its reservation to its end."""

    work: UnitOfWork = attrs.field(repr=False)
    request_id: str
    workspace_id: str
    trace: Trace
    began: datetime
    _is_written: bool = False

    async def give_back(self) -> None:
        """Take the reservation back, also if the client has left."""
        with anyio.CancelScope(shield=True):
            await self.work.write(Lock(), llm_traces.give_back, self.request_id)

    def recorded(self, reply: PassThrough, request: ModelRequest) -> PassThrough:
        """Return an answer that is recorded at its end, however it ends.

        It is recorded before the last event is passed on: a caller that has read the answer
        then finds it in usage and traces.
        """
        content_type = dict(reply.headers).get("content-type", "")
        meter = Meter(streaming=content_type.startswith(EVENT_STREAM))
        first: list[int] = []

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in reply.chunks:
                meter.feed(chunk)
                if meter.has_begun and not first:
                    first.append(self._elapsed())
                if meter.is_complete:
                    await self._write(meter, first, request)
                yield chunk
            await self._write(meter, first, request)

        async def close() -> None:
            try:
                await reply.close()
            finally:
                await self._write(meter, first, request)

        return PassThrough(reply.status, reply.headers, chunks(), close)

    def _elapsed(self) -> int:
        """Return how many milliseconds have passed."""
        passed = self.work.context.clock() - self.began
        return max(0, int(passed.total_seconds() * 1000))

    async def _write(self, meter: Meter, first: list[int], request: ModelRequest) -> None:
        if self._is_written:
            return
        self._is_written = True
        meter.end()
        outcome = attrs.asdict(meter.outcome) | {
            "model": meter.outcome.model or _wanted_model(request.body),
            "streaming": meter.streaming,
            "duration": self._elapsed(),
            "ttft": first[0] if first else 0,
        }
        with anyio.CancelScope(shield=True):
            try:
                await self.work.write(Lock(), _record, self, outcome)
            except DatabaseUnavailable:
                # The client gets its answer. The request stays counted, without details.
                event(_logger, logging.ERROR, "request not recorded", request=self.request_id)


def _record(conn: Connection, entry: Entry, outcome: Mapping[str, Any]) -> None:
    llm_traces.record(
        conn,
        entry.request_id,
        workspace_id=entry.workspace_id,
        trace=entry.trace,
        outcome=outcome,
        now=entry.work.context.clock(),
    )


def _wanted_model(body: bytes) -> str:
    """Return the model that a request asks for, where the answer did not name one."""
    meter = Meter(streaming=False)
    meter.feed(body)
    meter.end()
    return meter.outcome.model or "unknown"
