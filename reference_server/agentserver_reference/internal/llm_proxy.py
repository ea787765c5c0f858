"""This server's LLM proxy, for another server that uses it (see `gateways.llm.remote`).

Everything is asked for with the workspace that it belongs to, so that no caller shows a trace to
another tenant by mistake.
"""

from datetime import datetime

from agentserver_reference.call import Call
from agentserver_reference.domain.times import timestamp
from agentserver_reference.replies import Reply
from agentserver_reference.services.traces import DEFAULT_LIMIT


async def get_usage(call: Call) -> Reply:
    """GET /internal/usage."""
    query, proxy = call.query, call.work.context.llm_proxy
    since = datetime.fromisoformat(query["since"]) if "since" in query else None
    usage = await proxy.usage(query["workspace_id"], query["sandbox_id"], since)
    return Reply(200, {"usage": usage} | ({} if since is None else {"since": timestamp(since)}))


async def list_traces(call: Call) -> Reply:
    """GET /internal/traces."""
    query, proxy = call.query, call.work.context.llm_proxy
    page = query.get("limit", DEFAULT_LIMIT), query.get("offset", 0)
    total, traces = await proxy.traces(query["workspace_id"], query.get("sandbox_id"), *page)
    return Reply(200, {"total": total, "traces": traces})


async def get_trace(call: Call) -> Reply:
    """GET /internal/traces/{trace_id}."""
    query, proxy = call.query, call.work.context.llm_proxy
    trace, requests = await proxy.trace(
        query["workspace_id"], query.get("sandbox_id"), call.path["trace_id"]
    )
    return Reply(200, {"trace": trace, "requests": requests})


async def get_quota(call: Call) -> Reply:
    """GET /internal/quotas/{workspace_id}."""
    return Reply(200, await call.work.context.llm_proxy.quota(call.path["workspace_id"]))


async def set_quota(call: Call) -> Reply:
    """PUT /internal/quotas/{workspace_id}."""
    max_rpd = call.json.get("max_rpd")
    await call.work.context.llm_proxy.set_quota(call.path["workspace_id"], max_rpd)
    return Reply(204)


async def delete_quota(call: Call) -> Reply:
    """DELETE /internal/quotas/{workspace_id}."""
    await call.work.context.llm_proxy.delete_quota(call.path["workspace_id"])
    return Reply(204)
