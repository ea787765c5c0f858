"""Usage and traces: what they say of requests to models, and who sees them.

A request takes the token of a sandbox, and of those operations return an agent's only. So an agent
is registered, which asks. What codex asks for turns is known from the traces themselves.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from agentserver import Client, NotFound, PermissionDenied
from agentserver_contract.fixtures import language_model
from agentserver_contract.fixtures.access_tokens import VALID
from agentserver_contract.fixtures.accounts import LEAVER
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import Response
from agentserver_contract.model.action import Choose, precondition, rule
from agentserver_contract.model.limits import set_llm_quota
from agentserver_contract.model.readback import expect, expect_refused, read
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.sandboxes import any_sandbox, with_sandbox
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.values import in_zones
from agentserver_contract.model.workspaces import Workspaces

_QUESTIONS = ("Hello", "Which of these words are counted?")
_SECONDS_APART = 10
"""How far a server's `Date` may be from the time of which it counts."""

# --- the state ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelRequest:
    """A request that a model has answered."""

    workspace_id: str
    sandbox_id: str
    trace_id: str
    streaming: bool
    input_tokens: int
    output_tokens: int


@dataclass
class ModelRequests:
    """All of a run, in their order."""

    answered: list[ModelRequest] = field(default_factory=list)

    def of_sandbox(self, sandbox_id: str) -> list[ModelRequest]:
        """Those of a sandbox."""
        return [each for each in self.answered if each.sandbox_id == sandbox_id]

    def of_workspace(self, workspace_id: str) -> list[ModelRequest]:
        """Those of a workspace."""
        return [each for each in self.answered if each.workspace_id == workspace_id]


def ask(
    run: ModelRun, token: str, words: str, names: str | Mapping[str, str], *, streaming: bool
) -> tuple[int, int]:
    """Ask a model, and return how many tokens it says that it has read and written.

    `names` is the id of the trace, or the headers of which one is made.
    """
    answer = ask_raw(run, token, words, names, streaming=streaming)
    if answer.status != 200:
        raise ContractViolation("sandboxes.get_usage", "a running sandbox may ask a model", answer)
    return tokens_of(answer)


def tokens_of(answer: Response) -> tuple[int, int]:
    """How many tokens a model says that it has read and written for an answer."""
    told: dict[str, int] = {}
    for message in messages_of(answer):
        told |= message.get("message", message).get("usage", {})
    return told["input_tokens"], told["output_tokens"]


def ask_raw(
    run: ModelRun,
    token: str,
    words: str,
    names: str | Mapping[str, str],
    *,
    streaming: bool = False,
) -> Response:
    """Ask a model, and return its answer, or how it is refused."""
    body = language_model.question(run.accounts.language_model, words, streaming=streaming)
    return run.ask_model(token, body, names)


def messages_of(answer: Response) -> list[dict[str, Any]]:
    """The JSON of an answer: of the whole of it, or of each event."""
    lines = answer.text.splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(text) for text in events or [answer.text]]


# --- reading back ---------------------------------------------------------------------------------


def expect_usage(
    run: ModelRun, reader: str | Client, sandbox_id: str, asked: Sequence[ModelRequest]
) -> None:
    """Check that usage is the sum of a sandbox's requests. Raises ContractViolation."""
    method = "sandboxes.get_usage"
    rows = read(run, reader, method, sandbox_id).usage
    shown = [(row.request_count, row.input_tokens, row.output_tokens) for row in rows]
    expect(method, "the sum of the sandbox's requests", [summed(asked)] if asked else [], shown)


def expect_usage_since(
    run: ModelRun, reader: str | Client, sandbox_id: str, asked: Sequence[ModelRequest]
) -> None:
    """Check that usage since a time has what was asked at that time and later. Raises
    ContractViolation."""
    method, getting = "sandboxes.get_usage", "traces.get_of_sandbox"
    traces = dict.fromkeys(each.trace_id for each in asked)
    moments = [
        each.created_at
        for trace_id in traces
        for each in read(run, reader, getting, sandbox_id, trace_id).requests
    ]
    for since in (min(moments), max(moments), max(moments) + timedelta(seconds=1)):
        expected = sum(moment >= since for moment in moments)
        for written in in_zones(since):
            rows = read(run, reader, method, sandbox_id, since=written).usage
            counted = sum(row.request_count for row in rows)
            expect(method, "the requests of a time and later", expected, counted)


def expect_traces(
    run: ModelRun,
    reader: str | Client,
    methods: tuple[str, str],
    owner: str,
    asked: Sequence[ModelRequest],
    *,
    earlier: int = 0,
    of: str = "",
) -> None:
    """Check that all traces are listed, each with its requests. Raises ContractViolation.

    Args:
        run: The run.
        reader: Who reads them.
        methods: The methods that list them and get one.
        owner: The id of the workspace or sandbox.
        asked: The requests, the oldest first.
        earlier: How many traces there are beside those of these requests, all of them older.
        of: What else the promises are about, at their end.
    """
    listing, getting = methods
    by_trace: dict[str, list[ModelRequest]] = {}
    for each in asked:
        by_trace.setdefault(each.trace_id, []).append(each)
    page = read(run, reader, listing, owner)
    rows = list(islice(page, len(by_trace)) if earlier else page)
    shown = sums_of(rows)
    expected = {trace_id: summed(requests) for trace_id, requests in by_trace.items()}
    expect(listing, f"each trace with the sums of its requests{of}", expected, shown)
    expect(listing, "how many there are", len(expected) + earlier, page.total)
    beyond = read(run, reader, listing, owner, offset=page.total + 7)
    expect(listing, "how many there are, also beyond them", page.total, beyond.total)
    for trace_id, requests in by_trace.items():
        detail = read(run, reader, getting, owner, trace_id)
        expect(
            getting,
            f"the requests that were sent, the oldest first{of}",
            list(map(shown_of, requests)),
            list(map(shown_of, detail.requests)),
        )
        expect(
            getting,
            f"the trace with the sums of its requests{of}",
            expected[trace_id],
            sums_of([detail.trace]).get(trace_id),
        )


def shown_of(request: Any) -> tuple[str, bool, int, int]:
    """What is shown of a request, and known of one that was answered."""
    return request.sandbox_id, request.streaming, request.input_tokens, request.output_tokens


def sums_of(traces: Iterable[Any]) -> dict[str, tuple[int, int, int]]:
    """What traces in a list say of their requests, as `summed` does; by their ids."""
    return {
        each.id: (each.request_count, each.total_input_tokens, each.total_output_tokens)
        for each in traces
    }


def summed(asked: Sequence[ModelRequest]) -> tuple[int, int, int]:
    """How many requests there are, and how many tokens they have read and written."""
    return (
        len(asked),
        sum(each.input_tokens for each in asked),
        sum(each.output_tokens for each in asked),
    )


# --- rules ----------------------------------------------------------------------------------------


@precondition("the run has no access token, or no language model answers its agents")
def with_language_model(run: ModelRun) -> bool:
    """Whether an agent can be registered that asks one."""
    return VALID in run.clients and bool(run.accounts.language_model)


@contextmanager
def asking_agent(run: ModelRun) -> Iterator[tuple[Any, Client]]:
    """An agent that may ask a model as often as it likes, and the owner of its workspace."""
    agent = run.call(VALID, "agents.register", name="Asks a model")
    set_llm_quota(run, agent.workspace_id, max_rpd=0)
    with run.target.client(session=run.accounts[LEAVER].session) as owner:
        yield agent, owner
        set_llm_quota(run, agent.workspace_id, max_rpd=0)
        before = read(run, owner, "traces.list", agent.workspace_id).total
        run.call(owner, "sandboxes.delete", agent.sandbox_id)
        after = read(run, owner, "traces.list", agent.workspace_id).total
        expect("traces.list", "as many as before a sandbox was deleted", before, after)


@rule(touches=[], precondition=with_language_model)
def ask_a_model(run: ModelRun, choose: Choose) -> None:
    """Usage and traces tell what was sent, streamed or not, in one trace or in several; what the
    model refuses counts nowhere."""
    quota = "workspaces.get_llm_quota"
    with asking_agent(run) as (agent, owner):
        workspace_id, sandbox_id = agent.workspace_id, agent.sandbox_id
        asked_before = read(run, owner, quota, workspace_id).today_request_count
        earlier = read(run, owner, "traces.list", workspace_id).total
        asked = []
        for number, words in enumerate((*_QUESTIONS, choose(_QUESTIONS))):
            trace_id = f"trace-{sandbox_id}-{number // 2}"
            model = run.accounts.language_model
            nothing = {**language_model.question(model, "", streaming=False), "messages": []}
            refused = run.ask_model(agent.proxy_token, nothing, trace_id)
            if refused.status == 200:  # a model that answers nothing with something
                counts = tokens_of(refused)
                asked.append(ModelRequest(workspace_id, sandbox_id, trace_id, False, *counts))
            for streaming in (False, True):
                counts = ask(run, agent.proxy_token, words, trace_id, streaming=streaming)
                request = ModelRequest(workspace_id, sandbox_id, trace_id, streaming, *counts)
                asked.append(request)
        expect_usage(run, owner, sandbox_id, asked)
        expect_traces(
            run, owner, ("traces.list_of_sandbox", "traces.get_of_sandbox"), sandbox_id, asked
        )
        expect_traces(
            run, owner, ("traces.list", "traces.get"), workspace_id, asked, earlier=earlier
        )
        expect_usage_since(run, owner, sandbox_id, asked)
        count = read(run, owner, quota, workspace_id).today_request_count
        expect(quota, "how many requests were sent to models", len(asked), count - asked_before)
        members = read(run, owner, "workspaces.members.list", workspace_id)
        expect_nowhere_else(run, asked[-1], {member.user_id for member in members})
    answer = ask_raw(run, agent.proxy_token, "Hello", f"trace-{sandbox_id}")
    if answer.status != 401:
        raise ContractViolation("sandboxes.delete", "its token ends with a sandbox", answer)


@rule(touches=[], precondition=with_language_model)
def ask_by_either_api(run: ModelRun, choose: Choose) -> None:
    """Usage has a row for each provider and model, sorted by both."""
    with asking_agent(run) as (agent, owner):
        first = ask(run, agent.proxy_token, "Hello", "either", streaming=False)
        second = ask(run, agent.proxy_token, _QUESTIONS[1], "either", streaming=False)
        body = language_model.question(run.accounts.language_model, "Hello", streaming=False)
        answer = run.ask_model(agent.proxy_token, body, "either", path=language_model.CHAT)
        if answer.status != 200:
            return  # the model answers by one API only
        usage = answer.json()["usage"]
        expected = [
            (2, first[0] + second[0], first[1] + second[1]),
            (1, usage["prompt_tokens"], usage["completion_tokens"]),
        ]
        method = "sandboxes.get_usage"
        rows = read(run, owner, method, agent.sandbox_id).usage
        shown = [(row.request_count, row.input_tokens, row.output_tokens) for row in rows]
        expect(method, "the sums for each provider and model", sorted(expected), sorted(shown))
        names = [(row.provider, row.model) for row in rows]
        expect(method, "rows sorted by provider and model", sorted(names), names)


@rule(touches=[], precondition=with_language_model)
def share_a_trace(run: ModelRun, choose: Choose) -> None:
    """Of a trace in which two sandboxes ask, each has its own requests, and the workspace both."""
    with asking_agent(run) as (first, owner), asking_agent(run) as (second, _):
        workspace_id, trace_id = first.workspace_id, f"shared-{first.sandbox_id}"
        earlier = read(run, owner, "traces.list", workspace_id).total
        asked = []
        for agent in (first, second, choose((first, second))):
            counts = ask(run, agent.proxy_token, "Hello", trace_id, streaming=False)
            request = ModelRequest(workspace_id, agent.sandbox_id, trace_id, False, *counts)
            asked.append(request)
        methods = "traces.list_of_sandbox", "traces.get_of_sandbox"
        for agent in (first, second):
            own = [each for each in asked if each.sandbox_id == agent.sandbox_id]
            expect_usage(run, owner, agent.sandbox_id, own)
            expect_traces(
                run, owner, methods, agent.sandbox_id, own, of=", without other sandboxes"
            )
        methods = "traces.list", "traces.get"
        expect_traces(run, owner, methods, workspace_id, asked, earlier=earlier)


@rule(touches=[], precondition=with_language_model)
def name_traces(run: ModelRun, choose: Choose) -> None:
    """By a header as it is, or else by the agent's session, or else not at all: each is its own."""
    with asking_agent(run) as (agent, owner):
        workspace_id, sandbox_id = agent.workspace_id, agent.sandbox_id
        header = {language_model.TRACE_ID: f"named-{sandbox_id}"}
        sessions = [{name: f"{name}-{sandbox_id}"} for name in language_model.SESSIONS]
        method = "traces.list_of_sandbox"
        known: dict[str, str] = {}
        for names, source in (
            *zip(sessions, language_model.SESSIONS.values(), strict=True),
            (header | sessions[0], "header"),
            ({}, "auto"),
            ({}, "auto"),
        ):
            ask(run, agent.proxy_token, "Hello", names, streaming=False)
            shown = {each.id: each.source.value for each in read(run, owner, method, sandbox_id)}
            new = [each for trace_id, each in shown.items() if trace_id not in known]
            named = " and ".join(names) or "nothing"
            expect(method, f"what a trace is from that is named by {named}", [source], new)
            known = shown
        for names in (header, *sessions):
            ask(run, agent.proxy_token, "Hello", names, streaming=False)
        whole = read(run, owner, method, sandbox_id)
        ids = [each.id for each in whole]
        expect(method, "what is named alike is one trace", sorted(known), sorted(ids))
        expect(method, "how many there are", len(ids), whole.total)
        paged = [each.id for each in read(run, owner, method, sandbox_id, limit=1)]
        expect(method, "pages have each row once", ids, paged)
        beyond = read(run, owner, method, sandbox_id, offset=len(ids))
        shown_beyond = (list(beyond), beyond.total)
        expect(method, "all are counted, also beyond the last one", ([], len(ids)), shown_beyond)
        run.call(owner, "traces.get", workspace_id, header[language_model.TRACE_ID])


@rule(touches=[], precondition=with_language_model)
def continue_a_session_of_opencode(run: ModelRun, choose: Choose) -> None:
    """Requests of one session are one trace, also by the header that opencode sends today."""
    with asking_agent(run) as (agent, owner):
        names = {language_model.SESSION_ID: f"session-{agent.sandbox_id}"}
        for _ in range(2):
            ask(run, agent.proxy_token, "Hello", names, streaming=False)
        method = "traces.list_of_sandbox"
        listed = [each.source.value for each in read(run, owner, method, agent.sandbox_id)]
        expect(method, "one trace for requests with one X-Session-Id", ["opencode"], listed)


@rule(touches=[], precondition=with_language_model)
def use_up_the_requests_of_a_day(run: ModelRun, choose: Choose) -> None:
    """One more is refused until midnight, and counts nowhere; a higher limit admits it."""
    quota, limit = "workspaces.get_llm_quota", "admin.workspaces.llm_quota.set"
    with asking_agent(run) as (agent, owner):
        workspace_id, token = agent.workspace_id, agent.proxy_token
        before = read(run, owner, quota, workspace_id).today_request_count
        set_llm_quota(run, workspace_id, max_rpd=before + 1)
        ask(run, token, "Hello", "last", streaming=False)
        refused = ask_raw(run, token, "Hello", "one too many")
        after = read(run, owner, quota, workspace_id).today_request_count
        if after <= before:
            return  # it is another day
        if refused.status != 429:
            raise ContractViolation(limit, "a request over the limit of a day is refused", refused)
        expect_until_midnight(limit, refused)
        expect(quota, "how many requests were sent to models", before + 1, after)
        set_llm_quota(run, workspace_id, max_rpd=before + 2)
        ask(run, token, "Hello", "one more", streaming=False)


def expect_until_midnight(method: str, refused: Response) -> None:
    """Check that what is refused may be sent again when the next day begins. Raises
    ContractViolation."""
    date, wait = refused.header("date"), refused.header("retry-after") or ""
    promise = "a request over the limit of a day may be sent again after midnight, UTC"
    if not wait.isdecimal():
        raise ContractViolation(method, promise, refused)
    if date is None:
        return
    now = parsedate_to_datetime(date).astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    left = (midnight - now).total_seconds()
    if abs(int(wait) - left) > _SECONDS_APART:
        said = f"Retry-After is {wait}, which is not {left:.0f}\n{refused.as_text()}"
        raise ContractViolation(method, promise, said)


def expect_nowhere_else(run: ModelRun, asked: ModelRequest, members: Collection[str]) -> None:
    """Check that only members see a trace, where it belongs. Raises ContractViolation.

    Args:
        run: The run.
        asked: A request of the trace.
        members: The ids of the members of its workspace.
    """
    strangers = [name for name in USERS if run.ids[name] not in members]
    for getting, owner in (
        ("traces.get", asked.workspace_id),
        ("traces.get_of_sandbox", asked.sandbox_id),
    ):
        expect_refused(run, strangers, PermissionDenied, getting, owner, asked.trace_id)
    for workspace in run.state[Workspaces].by_id.values():
        member = next(iter(workspace.members))
        run.call(member, "traces.get", workspace.id, asked.trace_id, raises=NotFound)
        for other in workspace.sandboxes:
            run.call(member, "traces.get_of_sandbox", other, asked.trace_id, raises=NotFound)


def look(run: ModelRun, member: str, workspace_id: str, sandbox_id: str) -> None:
    """Check what a member sees of a workspace and of one of its sandboxes."""
    requests = run.state[ModelRequests]
    of_sandbox = requests.of_sandbox(sandbox_id)
    expect_usage(run, member, sandbox_id, of_sandbox)
    expect_traces(
        run, member, ("traces.list_of_sandbox", "traces.get_of_sandbox"), sandbox_id, of_sandbox
    )
    of_workspace = requests.of_workspace(workspace_id)
    expect_traces(run, member, ("traces.list", "traces.get"), workspace_id, of_workspace)


@rule(touches=[], precondition=with_sandbox())
def look_at_usage_and_traces(run: ModelRun, choose: Choose) -> None:
    """Members see what was asked; others see nothing, whatever they name."""
    workspace, sandbox, _ = any_sandbox(run, choose)
    member = choose(list(workspace.members))
    strangers = ["admin", *(user for user in USERS if user not in workspace.members)]
    look(run, member, workspace.id, sandbox.id)

    method = "sandboxes.get_usage"
    expect_refused(run, strangers, PermissionDenied, method, sandbox.id)
    expect_refused(run, [member], NotFound, method, NO_SUCH)

    asked = run.state[ModelRequests].of_workspace(workspace.id)
    for (listing, getting), owner in (
        (("traces.list", "traces.get"), workspace.id),
        (("traces.list_of_sandbox", "traces.get_of_sandbox"), sandbox.id),
    ):
        expect_refused(run, strangers, PermissionDenied, listing, owner)
        expect_refused(run, [member], NotFound, getting, owner, NO_SUCH)
        for trace_id in (NO_SUCH, *(each.trace_id for each in asked[:1])):
            expect_refused(run, strangers, PermissionDenied, getting, owner, trace_id)
