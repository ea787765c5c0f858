"""Calls of language models: what they count, what is recorded of them, and who sees it."""

from replacing import fault
from sqlalchemy import func, select

from agentserver_reference.domain import sandboxes
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import tables

_TASK = "calls of models"

_usage, _traces = tables.llm_usage, tables.llm_traces


@fault(
    replaces="agentserver_reference.storage.llm_traces.find",
    kind="read-across-tenants",
    operations=["get_workspace_trace", "get_sandbox_trace"],
    by=_TASK,
)
def trace_of_any_tenant(original, conn, workspace_id, sandbox_id, trace_id):
    """A trace is found by its id alone, whosever it is."""
    named = select(_traces.c.workspace_id).where(_traces.c.id == trace_id)
    owners = [row[0] for row in conn.execute(named, {}).all()]
    owner = workspace_id if workspace_id in owners else next(iter(owners), workspace_id)
    return original(conn, owner, None, trace_id)


@fault(
    replaces="agentserver_reference.storage.llm_traces.list_of",
    kind="list-incomplete",
    operations=["list_workspace_traces", "list_sandbox_traces"],
    by=_TASK,
)
def traces_page_skips_one(original, conn, workspace_id, sandbox_id, limit, offset):
    """Between two pages of traces, one is left out."""
    return original(conn, workspace_id, sandbox_id, limit, offset + (1 if offset else 0))


@fault(
    replaces="agentserver_reference.storage.llm_traces.usage_of",
    kind="wrong-value",
    operations=["get_sandbox_usage"],
    by=_TASK,
)
def usage_since_ever(original, conn, workspace_id, sandbox_id, since):
    """Usage counts from the beginning, whatever `since` is."""
    return original(conn, workspace_id, sandbox_id, None)


@fault(
    replaces="agentserver_reference.storage.llm_usage.count_since",
    kind="limit-raced-past",
    operations=["get_workspace_llm_quota"],
    by=_TASK,
)
def requests_count_at_their_end(original, conn, workspace_id, moment):
    """A request counts as soon as it is answered, so that many at once pass the limit."""
    ended = select(func.count()).where(
        _usage.c.workspace_id == workspace_id,
        _usage.c.created_at >= timestamp(moment),
        _usage.c.duration.is_not(None),
    )
    return conn.execute(ended, {}).scalar_one()


@fault(
    replaces="agentserver_reference.storage.llm_traces.give_back",
    kind="refused-write-has-effect",
    operations=["get_workspace_llm_quota"],
    by=_TASK,
)
def failed_requests_count(original, conn, request_id):
    """A request that fails counts towards the limit."""


@fault(
    replaces="agentserver_reference.domain.model_usage.Meter.feed",
    kind="write-not-stored",
    operations=["get_sandbox_usage"],
    by=_TASK,
)
def usage_of_streams_lost(original, self, chunk):
    """The tokens of a streamed answer are not read."""
    if not self.streaming:
        original(self, chunk)


@fault(
    replaces="agentserver_reference.services.model_calls.MAY_CALL",
    kind="dead-session-accepted",
    operations=["list_sandbox_traces"],
    by=_TASK,
)
def paused_sandbox_calls(original):
    """The token of a paused sandbox is accepted."""
    return original | {sandboxes.PAUSED}


@fault(
    replaces="agentserver_reference.storage.llm_traces.list_of",
    kind="list-incomplete",
    operations=["list_workspace_traces", "list_sandbox_traces"],
    by=_TASK,
)
def traces_page_repeats_one(original, conn, workspace_id, sandbox_id, limit, offset):
    """The last trace of a page comes again on the next one."""
    return original(conn, workspace_id, sandbox_id, limit, max(0, offset - 1))


@fault(
    replaces="agentserver_reference.storage.llm_usage.count_since",
    kind="limit-off",
    operations=["get_workspace_llm_quota"],
    by=_TASK,
)
def requests_count_twice(original, conn, workspace_id, moment):
    """Each request counts twice towards the limit."""
    return 2 * original(conn, workspace_id, moment)


@fault(
    replaces="agentserver_reference.storage.proxy_tokens.find_holder",
    kind="dead-session-accepted",
    operations=["delete_sandbox"],
    by=_TASK,
)
def deleted_sandboxs_token_works(original, conn, token_hash):
    """A sandbox's token is accepted although the sandbox is deleted."""
    found = original(conn, token_hash)
    if found is not None:
        _holders[token_hash] = found
    return found or _holders.get(token_hash)


_holders: dict[str, dict[str, object]] = {}
