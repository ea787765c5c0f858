"""Usage and traces: what the LLM proxy knows of language-model requests."""

from datetime import datetime

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.times import timestamp
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import sandboxes
from agentserver_reference.storage.engine.query import Record

DEFAULT_LIMIT = 100


async def usage_of_sandbox(work: UnitOfWork, sandbox_id: str, since: str | None) -> Record:
    """Return what a sandbox has used, by provider and model. Raises NotFound."""
    moment = None if since is None else datetime.fromisoformat(since)
    workspace_id = await _workspace_of(work, sandbox_id)
    usage = await work.context.llm_proxy.usage(workspace_id, sandbox_id, moment)
    return {"usage": usage} | ({} if moment is None else {"since": timestamp(moment)})


async def list_of_sandbox(work: UnitOfWork, sandbox_id: str, limit: int, offset: int) -> Record:
    """Return a page of the traces in which a sandbox takes part. Raises NotFound."""
    return await _list(work, await _workspace_of(work, sandbox_id), sandbox_id, limit, offset)


async def get_of_sandbox(work: UnitOfWork, sandbox_id: str, trace_id: str) -> Record:
    """Return a trace with the requests of a sandbox. Raises NotFound."""
    return await _get(work, await _workspace_of(work, sandbox_id), sandbox_id, trace_id)


async def list_of_workspace(work: UnitOfWork, workspace_id: str, limit: int, offset: int) -> Record:
    """Return a page of a workspace's traces, also those of deleted sandboxes."""
    return await _list(work, workspace_id, None, limit, offset)


async def get_of_workspace(work: UnitOfWork, workspace_id: str, trace_id: str) -> Record:
    """Return a trace with all its requests. Raises NotFound."""
    return await _get(work, workspace_id, None, trace_id)


async def _list(
    work: UnitOfWork, workspace_id: str, sandbox_id: str | None, limit: int, offset: int
) -> Record:
    total, traces = await work.context.llm_proxy.traces(workspace_id, sandbox_id, limit, offset)
    return {"traces": traces, "total": total}


async def _get(
    work: UnitOfWork, workspace_id: str, sandbox_id: str | None, trace_id: str
) -> Record:
    trace, requests = await work.context.llm_proxy.trace(workspace_id, sandbox_id, trace_id)
    return {"trace": trace, "requests": requests}


async def _workspace_of(work: UnitOfWork, sandbox_id: str) -> str:
    """Return the workspace of a sandbox, of which the caller is a member."""
    found = await work.read(sandboxes.workspace_of, sandbox_id)
    if found is None:
        raise NotFound("sandbox not found")
    return found
