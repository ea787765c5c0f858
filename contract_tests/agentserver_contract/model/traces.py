"""Usage and traces: what they say of requests to models, and who sees them.

A request takes the token of a sandbox. Where a run has none, it makes none, and all are empty.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentserver import NotFound, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import Response
from agentserver_contract.model.action import Choose, Precondition, rule
from agentserver_contract.model.limits import Limits, set_llm_quota
from agentserver_contract.model.llm_configs import delete_config
from agentserver_contract.model.readback import expect, expect_refused, read
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.sandbox import RUNNING
from agentserver_contract.model.sandboxes import any_sandbox, with_sandbox
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.workspaces import Workspaces

_QUESTIONS = ("Hello", "Which of these words are counted?")

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
    run: ModelRun, token: str, question: str, trace_id: str, *, streaming: bool
) -> tuple[int, int]:
    """Ask a model, and return how many tokens it says that it has read and written."""
    body = {
        "model": "any",
        "max_tokens": 100,
        "stream": streaming,
        "messages": [{"role": "user", "content": question}],
    }
    answer = run.ask_model(token, body, trace_id)
    if answer.status != 200:
        raise ContractViolation("sandboxes.get_usage", "a running sandbox may ask a model", answer)
    usage: dict[str, int] = {}
    for message in messages_of(answer):
        usage |= message.get("message", message).get("usage", {})
    return usage["input_tokens"], usage["output_tokens"]


def messages_of(answer: Response) -> list[dict[str, Any]]:
    """The JSON of an answer: of the whole of it, or of each event."""
    lines = answer.text.splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(text) for text in events or [answer.text]]


# --- reading back ---------------------------------------------------------------------------------


def expect_usage(run: ModelRun, reader: str, sandbox_id: str) -> None:
    """Check that usage is the sum of a sandbox's requests. Raises ContractViolation."""
    method = "sandboxes.get_usage"
    asked = run.state[ModelRequests].of_sandbox(sandbox_id)
    rows = read(run, reader, method, sandbox_id).usage
    shown = [(row.request_count, row.input_tokens, row.output_tokens) for row in rows]
    expect(method, "the sum of the sandbox's requests", [summed(asked)] if asked else [], shown)


def expect_traces(
    run: ModelRun,
    reader: str,
    listing: str,
    getting: str,
    owner: str,
    asked: Sequence[ModelRequest],
) -> None:
    """Check that all traces are listed, each with its requests. Raises ContractViolation."""
    by_trace: dict[str, list[ModelRequest]] = {}
    for each in asked:
        by_trace.setdefault(each.trace_id, []).append(each)
    page = read(run, reader, listing, owner)
    shown = {
        trace.id: (trace.request_count, trace.total_input_tokens, trace.total_output_tokens)
        for trace in page
    }
    expected = {trace_id: summed(requests) for trace_id, requests in by_trace.items()}
    expect(listing, "each trace with the sums of its requests", expected, shown)
    expect(listing, "how many there are", len(expected), page.total)
    for trace_id, requests in by_trace.items():
        detail = read(run, reader, getting, owner, trace_id)
        expect(
            getting,
            "the requests that were sent, the oldest first",
            [(each.streaming, each.input_tokens, each.output_tokens) for each in requests],
            [(each.streaming, each.input_tokens, each.output_tokens) for each in detail.requests],
        )


def summed(asked: Sequence[ModelRequest]) -> tuple[int, int, int]:
    """How many requests there are, and how many tokens they have read and written."""
    return (
        len(asked),
        sum(each.input_tokens for each in asked),
        sum(each.output_tokens for each in asked),
    )


# --- rules ----------------------------------------------------------------------------------------


WITH_TOKEN = Precondition(
    lambda run: run.sandbox_token is not None and with_sandbox(RUNNING).holds(run),
    "it takes the token of a sandbox, which no operation returns",
)


@rule(touches=["sandboxes", "llm_quota", "llm_config"], precondition=WITH_TOKEN)
def ask_a_model(run: ModelRun, choose: Choose) -> None:
    """Usage and traces tell what was sent, streamed or not, in one trace or in several."""
    workspace, sandbox, _ = any_sandbox(run, choose, RUNNING)
    set_llm_quota(run, workspace.id, max_rpd=0)
    # Its own endpoint is made up, and does not respond.
    delete_config(run, workspace, workspace.with_role("owner")[0])
    assert run.sandbox_token is not None  # noqa: S101 (it is the precondition)
    token, requests = run.sandbox_token(sandbox.id), run.state[ModelRequests]
    begun = len(requests.answered)
    for number, question in enumerate((*_QUESTIONS, choose(_QUESTIONS))):
        trace_id = f"trace-{begun}-{number // 2}"
        for streaming in (False, True):
            counts = ask(run, token, question, trace_id, streaming=streaming)
            sandbox.last_activity_at.advance()
            run.state[Limits].model_requests[workspace.id] += 1
            requests.answered.append(
                ModelRequest(workspace.id, sandbox.id, trace_id, streaming, *counts)
            )
    look(run, choose(list(workspace.members)), workspace.id, sandbox.id)
    expect_nowhere_else(run, requests.answered[-1])


def expect_nowhere_else(run: ModelRun, asked: ModelRequest) -> None:
    """Check that other workspaces and sandboxes do not show a trace. Raises ContractViolation."""
    for workspace in run.state[Workspaces].by_id.values():
        member = next(iter(workspace.members))
        if workspace.id != asked.workspace_id:
            run.call(member, "traces.get", workspace.id, asked.trace_id, raises=NotFound)
        for other in (each for each in workspace.sandboxes if each != asked.sandbox_id):
            run.call(member, "traces.get_of_sandbox", other, asked.trace_id, raises=NotFound)


def look(run: ModelRun, member: str, workspace_id: str, sandbox_id: str) -> None:
    """Check what a member sees of a workspace and of one of its sandboxes."""
    requests = run.state[ModelRequests]
    expect_usage(run, member, sandbox_id)
    of_sandbox = requests.of_sandbox(sandbox_id)
    of_workspace = requests.of_workspace(workspace_id)
    expect_traces(
        run, member, "traces.list_of_sandbox", "traces.get_of_sandbox", sandbox_id, of_sandbox
    )
    expect_traces(run, member, "traces.list", "traces.get", workspace_id, of_workspace)


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
    for listing, getting, owner in (
        ("traces.list", "traces.get", workspace.id),
        ("traces.list_of_sandbox", "traces.get_of_sandbox", sandbox.id),
    ):
        expect_refused(run, strangers, PermissionDenied, listing, owner)
        expect_refused(run, [member], NotFound, getting, owner, NO_SUCH)
        for trace_id in (NO_SUCH, *(each.trace_id for each in asked[:1])):
            expect_refused(run, strangers, PermissionDenied, getting, owner, trace_id)
