"""Calls of language models: what they count, what is recorded of them, and who sees it."""

from datetime import UTC, datetime, timedelta

from replacing import also, fault
from sqlalchemy import and_, func, or_, select

from agentserver_reference.domain import sandboxes
from agentserver_reference.domain.errors import TooManyRequests
from agentserver_reference.domain.times import midnight, timestamp
from agentserver_reference.storage import llm_traces, llm_usage, tables

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
    replaces="agentserver_reference.storage.llm_traces.list_of",
    kind="wrong-value",
    operations=["list_workspace_traces", "list_sandbox_traces"],
)
def nothing_is_counted_beyond_the_last_page(
    original, conn, workspace_id, sandbox_id, limit, offset
):
    """Where a page of traces has no rows, their number is 0."""
    total, rows = original(conn, workspace_id, sandbox_id, limit, offset)
    return (total if rows else 0), rows


@fault(
    replaces="agentserver_reference.storage.llm_traces.list_of",
    kind="wrong-order",
    operations=["list_workspace_traces", "list_sandbox_traces"],
)
def traces_have_the_last_changed_last(original, conn, workspace_id, sandbox_id, limit, offset):
    """A page of traces is sorted the other way round."""
    total, rows = original(conn, workspace_id, sandbox_id, limit, offset)
    return total, rows[::-1]


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


@fault(
    replaces="agentserver_reference.storage.llm_traces.usage_of",
    kind="wrong-value",
    operations=["get_sandbox_usage"],
)
def usage_since_the_next_second(original, conn, workspace_id, sandbox_id, since):
    """Usage since a time has nothing of that very second."""
    later = None if since is None else since + timedelta(seconds=1)
    return original(conn, workspace_id, sandbox_id, later)


@fault(
    replaces="agentserver_reference.storage.llm_traces.list_of",
    kind="wrong-value",
    operations=["list_sandbox_traces"],
)
def traces_of_a_sandbox_counted_in_its_workspace(
    original, conn, workspace_id, sandbox_id, limit, offset
):
    """The total of a sandbox's traces is that of its workspace."""
    total, _ = original(conn, workspace_id, None, 1, 0)
    return total, original(conn, workspace_id, sandbox_id, limit, offset)[1]


@fault(
    replaces="agentserver_reference.storage.llm_traces._list",
    kind="wrong-value",
    operations=["list_sandbox_traces"],
)
def sandbox_traces_count_requests_of_others(original):
    """In the list of a sandbox's traces, the requests of other sandboxes count as well."""
    return {**original, True: llm_traces._pages(llm_traces._in_sandbox)}


@fault(
    replaces="agentserver_reference.storage.llm_traces._list",
    kind="list-incomplete",
    operations=["list_sandbox_traces"],
)
def shared_traces_are_of_the_first(original):
    """A trace is listed for the sandbox that began it alone, with the requests of all."""
    began = _traces.c.sandbox_id == llm_traces._sandbox
    return {**original, True: llm_traces._pages(and_(llm_traces._in_workspace, began))}


@fault(
    replaces="agentserver_reference.storage.llm_traces.usage_of",
    kind="wrong-order",
    operations=["get_sandbox_usage"],
)
def usage_in_reverse(original, conn, workspace_id, sandbox_id, since):
    """Usage is sorted the other way round."""
    return original(conn, workspace_id, sandbox_id, since)[::-1]


@fault(
    replaces="agentserver_reference.storage.llm_traces.find",
    kind="rows-of-others-in-list",
    operations=["get_sandbox_trace"],
)
def shared_traces_shown_with_all_requests(original, conn, workspace_id, sandbox_id, trace_id):
    """A sandbox is shown what the others of a trace have asked as well."""
    found, whole = (original(conn, workspace_id, each, trace_id) for each in (sandbox_id, None))
    return found and whole and (found[0], whole[1])


@fault(
    replaces="agentserver_reference.storage.llm_traces._list",
    kind="list-incomplete",
    operations=["list_workspace_traces"],
)
def traces_of_deleted_sandboxes_left_out(original):
    """The traces of a workspace lack those of sandboxes that are deleted."""
    return {**original, False: llm_traces._pages(and_(llm_traces._in_workspace, _of_kept()))}


@also(
    traces_of_deleted_sandboxes_left_out, replaces="agentserver_reference.storage.llm_traces._count"
)
def _not_counted(original):
    kept = and_(llm_traces._in_workspace, _of_kept())
    return {**original, False: select(func.count()).select_from(_traces).where(kept)}


def _of_kept():
    same = tables.sandboxes.c.id == _traces.c.sandbox_id
    return or_(_traces.c.sandbox_id.is_(None), select(tables.sandboxes.c.id).where(same).exists())


@fault(
    replaces="agentserver_reference.services.model_calls.trace_of",
    kind="wrong-value",
    operations=["list_sandbox_traces", "list_workspace_traces"],
)
def sessions_name_traces_before_headers(original, headers, header, prefix, ids):
    """A trace is named by the session of the agent, although a header has its id."""
    named = original({**headers, header.lower(): ""}, header, prefix, ids)
    return original(headers, header, prefix, ids) if named.source == "auto" else named


@fault(
    replaces="agentserver_reference.services.model_calls.trace_of",
    kind="wrong-value",
    operations=["list_sandbox_traces"],
)
def session_id_names_no_trace(original, headers, header, prefix, ids):
    """Requests that name their session in X-Session-Id are a trace each."""
    return original({**headers, "x-session-id": ""}, header, prefix, ids)


@fault(
    replaces="agentserver_reference.services.model_calls.trace_of",
    kind="wrong-value",
    operations=["list_sandbox_traces", "list_workspace_traces"],
)
def opencode_sessions_name_no_trace(original, headers, header, prefix, ids):
    """Requests that name their session in X-Opencode-Session are a trace each."""
    return original({**headers, "x-opencode-session": ""}, header, prefix, ids)


@fault(
    replaces="agentserver_reference.services.model_calls._reserve",
    kind="wrong-header",
    operations=["admin_set_workspace_llm_quota"],
)
def refused_for_a_day_too_long(
    original, conn, caller, entry, api, default_max_rpd, has_model_server
):
    """A request over the limit of a day may be sent again a day later than it could."""
    try:
        return original(conn, caller, entry, api, default_max_rpd, has_model_server)
    except TooManyRequests as refused:
        raise TooManyRequests(str(refused), retry_after=refused.retry_after + 86_400) from None


@fault(
    replaces="agentserver_reference.services.model_calls._destination",
    kind="rejects-legal-call",
    operations=["connect_modelserver"],
)
def connected_workspaces_have_a_limit(original, conn, workspace_id, has_model_server):
    """The limit of a day holds for a workspace that is connected to the model server, too."""
    place = original(conn, workspace_id, has_model_server)
    own = llm_usage.quota(conn, workspace_id) or {}
    if place.connection is not None and own.get("max_rpd"):
        used = llm_usage.count_since(conn, workspace_id, midnight(datetime.now(UTC)))
        if used >= own["max_rpd"]:
            raise TooManyRequests("quota exceeded", retry_after=1)
    return place
