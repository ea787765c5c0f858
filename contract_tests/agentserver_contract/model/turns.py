"""Turns of codex, and what the operations log says of them.

What codex answers is not for the model to know, nor whether it can be reached: a turn that is taken
has an answer, and the log says of it what the answer says.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agentserver import (
    AgentserverError,
    BadRequest,
    Client,
    Conflict,
    PermissionDenied,
    Unauthenticated,
)
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.api_keys import ApiKey, mint_key_with_secret
from agentserver_contract.model.limits import Limits, set_llm_quota
from agentserver_contract.model.llm_configs import LlmConfigs, delete_config, set_config
from agentserver_contract.model.members import admit_member, delete_member, set_member_role
from agentserver_contract.model.readback import expect, read_back
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.traces import ModelRequest, ModelRequests
from agentserver_contract.model.values import in_zones
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    has_maintainer,
    has_workspace,
    read_of,
)

_SCOPE = "turns:submit"
_TIME = 20_000
"""Milliseconds for a turn, fewer than a run waits for an answer."""
_REFUSED = "codexRPCError"
"""How an answer says that codex has refused a turn."""
_MOST_ARGUMENTS, _MOST_RESULT = 65_536, 4_096
"""How many bytes of what a turn was given, and of its result, the log shows."""

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Turn:
    """A turn that was run."""

    thread_id: str
    params: dict[str, Any]
    """What codex was given, which no other turn was."""
    user_id: str | None
    """The person who has submitted it; None for a program."""
    is_error: bool
    result: str = ""
    """What was said last, or why nothing was; empty if neither."""

    @property
    def shown_params(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """What the log shows as arguments, and what of them if they are too long for it."""
        text = json.dumps(self.params, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
        if size <= _MOST_ARGUMENTS:
            return self.params, None
        return None, {"truncated": True, "size_bytes": size}

    @property
    def shown_result(self) -> tuple[str | None, dict[str, Any] | None]:
        """What the log shows as result, and what of it if it is cut."""
        encoded = self.result.encode()
        if len(encoded) <= _MOST_RESULT:
            return self.result or None, None
        meta = {
            "truncated": True,
            "total_bytes": len(encoded),
            "sha256": sha256(encoded).hexdigest(),
        }
        return encoded[:_MOST_RESULT].decode(errors="ignore"), meta


@dataclass
class Turns:
    """The turns of all workspaces."""

    by_workspace: dict[str, list[Turn]] = field(default_factory=lambda: defaultdict(list))
    """By the id of the workspace, the oldest first."""
    said: int = 0
    """How many questions were made up."""

    def of(self, workspace: Workspace) -> list[Turn]:
        """Those of one workspace."""
        return self.by_workspace[workspace.id]

    def question(self) -> str:
        """A question that was not asked yet."""
        self.said += 1
        return f"Question {self.said}"


def params_of(said: str) -> dict[str, Any]:
    """What codex is given to be asked this."""
    return {"input": [{"type": "text", "text": said}]}


def refused_params_of(said: str) -> dict[str, Any]:
    """The same, not as the list that codex asks for: it refuses such a turn."""
    return {"input": said}


def submit(run: ModelRun, workspace: Workspace, caller: str | Client, **given: Any) -> Any:
    """Run a turn, and note it. Raises ContractViolation."""
    submitted = arguments(workspace, run.state[Turns].question()) | given
    answer = run.call(caller, "turns.submit", **submitted)
    return note_turn(run, workspace, caller, submitted["params"], answer)


def arguments(workspace: Workspace, said: str) -> dict[str, Any]:
    """The arguments that submit a question to a workspace."""
    return {"workspace_id": workspace.id, "params": params_of(said), "timeout_ms": _TIME}


def note_turn(
    run: ModelRun,
    workspace: Workspace,
    caller: str | Client,
    params: dict[str, Any],
    answer: Any,
) -> Any:
    """Check the answer to a turn, and note what the log will say of it."""
    has_one = (answer.turn is None) != (answer.transport is None)
    expect("turns.submit", "it is answered with a turn, or with why there is none", True, has_one)
    if isinstance(params["input"], list):
        refused = answer.transport is not None and str(answer.transport.code) == _REFUSED
        expect("turns.submit", "codex does not refuse a list of what is said", False, refused)
    failed = answer.turn is None or str(answer.turn.status) != "completed"
    user_id = run.ids[caller] if isinstance(caller, str) else None
    noted = Turn(answer.thread_id, params, user_id, failed, result_of(answer.to_dict()))
    run.state[Turns].of(workspace).append(noted)
    note_model_requests(run, workspace)
    return answer


def result_of(answer: dict[str, Any]) -> str:
    """What was said last in a turn, or why nothing was; empty if neither."""
    turn = answer.get("turn") or {}
    failure = answer.get("transport") or turn.get("error")
    if failure:
        return str(failure.get("message", ""))
    said = [each.get("text") for each in turn.get("items", ()) if each["type"] == "agentMessage"]
    return next((text for text in reversed(said) if text), "")


def note_model_requests(run: ModelRun, workspace: Workspace) -> None:
    """Note what codex has asked the workspace's language model, which its traces show."""
    reader, known = workspace.with_role("owner")[0], run.state[ModelRequests]
    traces = run.attempt(reader, "traces.list", workspace.id)
    if isinstance(traces, AgentserverError):
        return  # the proxy is elsewhere
    counted = {each.trace_id for each in known.of_workspace(workspace.id)}
    for trace in traces:
        if trace.id in counted:
            continue
        detail = run.call(reader, "traces.get", workspace.id, trace.id)
        for each in detail.requests:
            run.state[Limits].model_requests[workspace.id] += 1
            known.answered.append(
                ModelRequest(
                    *(workspace.id, each.sandbox_id, trace.id),
                    *(each.streaming, each.input_tokens, each.output_tokens),
                )
            )


@contextmanager
def without_endpoint(run: ModelRun, *workspaces: Workspace) -> Iterator[None]:
    """Let codex ask the built-in language model: a workspace's own endpoint is made up."""
    configs = run.state[LlmConfigs]
    taken = [(each, config) for each in workspaces if (config := configs.of(each).config)]
    for each in workspaces:
        set_llm_quota(run, each.id, max_rpd=0)
    for each, _ in taken:
        delete_config(run, each, each.with_role("owner")[0])
    yield
    for each, config in taken:
        set_config(run, each, each.with_role("owner")[0], config)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "turns")
def turns_are_logged_with_the_newest_first(run: ModelRun) -> None:
    for workspace in run.state[Workspaces].by_id.values():
        rows = list(read_of(run, workspace, "operations_log.list"))
        method, turns = "operations_log.list", run.state[Turns].of(workspace)
        expected = [
            (
                *(workspace.id, "sdk", "local", "turn", each.thread_id or None, each.user_id),
                *(*each.shown_params, each.is_error, *each.shown_result),
            )
            for each in reversed(turns)
        ]
        by_params = {str(_shown_params(row)): row for row in rows}
        in_order = [by_params.get(str(each.shown_params)) for each in reversed(turns)]
        actual = [
            (
                *(row.workspace_id, str(row.source), row.env_id, row.tool, row.thread_id),
                *(row.user_id, *_shown_params(row), row.is_error),
                *(row.result_summary, row.result_meta),
            )
            for row in in_order
            if row is not None
        ]
        expect(method, "every turn of the workspace", expected, actual)
        expect(method, "nothing but its turns", len(turns), len(rows))
        began = [row.started_at for row in in_order if row is not None]
        expect(method, "what was submitted later began later", sorted(began, reverse=True), began)
        listed = [(row.started_at, row.id) for row in rows]
        promise = "the one that began last first, and of one time the higher id"
        expect(method, promise, sorted(listed, reverse=True), listed)
        for row in rows:
            took = (row.completed_at - row.started_at).total_seconds() * 1000
            agrees = abs(took - row.duration_ms) <= 1
            expect(
                "operations_log.list",
                "how long it took is the time from its start to its end",
                True,
                agrees,
            )
            requested = row.request_id is not None
            expect(method, "the request that had it done is named", True, requested)


def _shown_params(row: Any) -> tuple[Any, Any]:
    """What a row shows of its arguments, but for their sum, as nobody knows in which order they
    were written."""
    meta = row.arguments_meta
    return row.arguments, meta and {each: meta.get(each) for each in ("truncated", "size_bytes")}


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["turns", "llm_quota", "llm_config", "api_keys"], precondition=A_WORKSPACE)
def submit_turns(run: ModelRun, choose: Choose) -> None:
    """In a new thread, and on in the same."""
    workspace = any_workspace(run, choose)
    with without_endpoint(run, workspace):
        first = submit(run, workspace, choose(workspace.at_least("developer")))
        second = submit(run, workspace, choose(workspace.at_least("developer")))
        if first.thread_id and second.thread_id:
            differ = first.thread_id != second.thread_id
            expect("turns.submit", "a turn without a thread begins a new one", True, differ)
            user = choose(workspace.at_least("developer"))
            third = submit(run, workspace, user, thread_id=first.thread_id)
            expect("turns.submit", "a turn goes on in its thread", first.thread_id, third.thread_id)


@rule(touches=["turns", "llm_quota", "llm_config"], precondition=A_WORKSPACE)
def submit_long_turns(run: ModelRun, choose: Choose) -> None:
    """Of what is longer than the log keeps, it shows how long it is."""
    workspace, turns = any_workspace(run, choose), run.state[Turns]
    with without_endpoint(run, workspace):
        for long in ("\N{ROBOT FACE}" * 1_100, "é" * (_MOST_ARGUMENTS // 2 + 10 * turns.said)):
            user = choose(workspace.at_least("developer"))
            submit(run, workspace, user, params=params_of(f"{turns.question()} {long}"))


@rule(touches=["turns", "llm_quota", "llm_config", "api_keys"], precondition=SEVERAL_WORKSPACES)
def submit_turns_with_an_api_key(run: ModelRun, choose: Choose) -> None:
    """In its own workspace and in no other, until it is revoked; what is almost the key is none."""
    workspace, other = list(run.state[Workspaces].by_id.values())[:2]
    with without_endpoint(run, workspace):
        manager = choose(workspace.with_role("owner", "maintainer"))
        key, secret = mint_key_with_secret(run, workspace, manager, "bot", [_SCOPE])
        for wrong in _almost(secret):
            with run.target.client(token=wrong) as bot:
                refused = arguments(workspace, run.state[Turns].question())
                run.call(bot, "turns.submit", **refused, raises=Unauthenticated)
        with run.target.client(token=secret) as bot:
            refused = arguments(other, run.state[Turns].question())
            run.call(bot, "turns.submit", **refused, raises=PermissionDenied)
            read_back(run, "api_keys")  # what is refused is no use
            submit(run, workspace, bot)
            key.is_used = True
            read_back(run, "turns", "api_keys")
            revoke(run, workspace, manager, key)
            refused = arguments(workspace, run.state[Turns].question())
            run.call(bot, "turns.submit", **refused, raises=Unauthenticated)


@rule(
    touches=["turns", "llm_quota", "llm_config", "api_keys", "members"],
    precondition=has_workspace(has_maintainer),
)
def submit_turns_with_the_api_key_of_somebody_who_left(run: ModelRun, choose: Choose) -> None:
    """A key belongs to its workspace, whatever becomes of the person who made it."""
    workspace = any_workspace(run, choose, has_maintainer)
    maker, owner = choose(workspace.with_role("maintainer")), choose(workspace.with_role("owner"))
    with without_endpoint(run, workspace):
        key, secret = mint_key_with_secret(run, workspace, maker, "left behind", [_SCOPE])
        with run.target.client(token=secret) as bot:
            set_member_role(run, workspace, owner, maker, "guest")
            submit(run, workspace, bot)
            delete_member(run, workspace, owner, maker)
            submit(run, workspace, bot)
        key.is_used = True
        admit_member(run, workspace, owner, maker, "maintainer")


def _almost(secret: str) -> Iterator[str]:
    """What differs from a key by its last digit, and by the case of its digits."""
    kind, *digits = secret.split("_")
    yield secret[:-1] + ("0" if secret[-1] != "0" else "1")
    yield f"{kind}_{'_'.join(digits).swapcase()}"


def revoke(run: ModelRun, workspace: Workspace, user: str, key: ApiKey) -> None:
    """Revoke a key."""
    run.call(user, "api_keys.revoke", workspace.id, key.id)
    key.revoke()


@rule(touches=["turns"], precondition=A_WORKSPACE)
def submit_turns_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    given = arguments(workspace, run.state[Turns].question())
    for user in (*workspace.without_role("owner", "maintainer", "developer"), "admin"):
        run.call(user, "turns.submit", **given, raises=PermissionDenied)
    user, unknown = choose(workspace.at_least("developer")), f"{NO_SUCH}workspace"
    run.call(user, "turns.submit", **{**given, "workspace_id": unknown}, raises=PermissionDenied)


@rule(touches=["turns", "llm_quota", "llm_config"], precondition=SEVERAL_WORKSPACES)
def submit_invalid_turns(run: ModelRun, choose: Choose) -> None:
    """What is wrong is said at once, and is no turn; so is the thread of another workspace."""
    workspace, other = list(run.state[Workspaces].by_id.values())[:2]
    with without_endpoint(run, other):
        theirs = submit(run, other, choose(other.at_least("developer"))).thread_id
        user = choose(workspace.at_least("developer"))
        given = arguments(workspace, run.state[Turns].question())
        invalid: list[dict[str, Any]] = [
            *({"timeout_ms": each} for each in (0, -1, 3_600_001)),
            *({"thread_id": each} for each in (f"{NO_SUCH}thread", theirs or f"{NO_SUCH}thread")),
            *({"params": {**given["params"], "threadId": each}} for each in (theirs, None)),
            {"idempotency_key": "k" * 256},
        ]
        for each in invalid:
            run.call(user, "turns.submit", **{**given, **each}, raises=BadRequest)


@rule(touches=["turns", "llm_quota", "llm_config"], precondition=SEVERAL_WORKSPACES)
def repeat_turns(run: ModelRun, choose: Choose) -> None:
    """The same key and body are the same turn; another workspace has keys of its own."""
    workspace, other = list(run.state[Workspaces].by_id.values())[:2]
    turns = run.state[Turns]
    key: dict[str, Any] = {"idempotency_key": f"key-{turns.said}-{workspace.id}"}
    with without_endpoint(run, workspace, other):
        user = choose(workspace.at_least("developer"))
        said = turns.question()
        first = run.call(user, "turns.submit", **arguments(workspace, said), **key)
        note_turn(run, workspace, user, params_of(said), first)
        member = choose(workspace.at_least("developer"))
        again = run.call(member, "turns.submit", **arguments(workspace, said), **key)
        promise = "the same key and body are answered with the same turn"
        expect("turns.submit", promise, first.to_dict(), again.to_dict())
        others: list[dict[str, Any]] = [
            {"params": params_of(turns.question())},
            {"timeout_ms": _TIME - 1},
            *([{"thread_id": first.thread_id}] if first.thread_id else []),
        ]
        for other_body in others:
            changed = {**arguments(workspace, said), **other_body}
            run.call(user, "turns.submit", **changed, **key, raises=Conflict)
        elsewhere = submit(run, other, choose(other.at_least("developer")), **key)
        if first.thread_id:
            differ = elsewhere.thread_id != first.thread_id
            expect("turns.submit", "another workspace has keys of its own", True, differ)


@rule(touches=["turns", "llm_quota", "llm_config"], precondition=A_WORKSPACE)
def submit_turns_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of the turns of one thread, those that are refused are no turns."""
    workspace = any_workspace(run, choose)
    with without_endpoint(run, workspace):
        user = choose(workspace.at_least("developer"))
        thread_id = submit(run, workspace, user).thread_id
        if not thread_id:
            return
        said = [run.state[Turns].question() for _ in range(3)]
        calls = [
            planned(user, "turns.submit", **arguments(workspace, each), thread_id=thread_id)
            for each in said
        ]
        outcomes = run.concurrently(calls)
        for each in outcomes:
            if isinstance(each, AgentserverError) and type(each) is not Conflict:
                raise ContractViolation("turns.submit", "a thread that is busy is a conflict", each)
        ran = {
            question: each
            for question, each in zip(said, outcomes, strict=True)
            if not isinstance(each, AgentserverError)
        }
        expect("turns.submit", "of turns at the same time, one is run", True, bool(ran))
        rows = sorted(
            run.call(user, "operations_log.list", workspace.id), key=lambda row: row.started_at
        )
        logged = [str(row.arguments) for row in rows]
        asked = {str(params_of(question)): question for question in ran}
        for question in [asked[each] for each in logged if each in asked]:
            note_turn(run, workspace, user, params_of(question), ran[question])
        missing = [question for params, question in asked.items() if params not in logged]
        expect("operations_log.list", "every turn that was run is logged", [], missing)


@rule(touches=["turns", "llm_quota", "llm_config"], precondition=SEVERAL_WORKSPACES)
def read_the_log_in_parts(run: ModelRun, choose: Choose) -> None:
    """Page by page it has the same rows, and a filter leaves out what does not match."""
    workspace, other = list(run.state[Workspaces].by_id.values())[:2]
    with without_endpoint(run, workspace, other):
        for _ in range(2):
            submit(run, workspace, choose(workspace.at_least("developer")))
        refused = refused_params_of(run.state[Turns].question())
        submit(run, workspace, choose(workspace.at_least("developer")), params=refused)
        submit(run, other, choose(other.at_least("developer")))  # later than all rows
        theirs = next(iter(run.call(other.with_role("owner")[0], "operations_log.list", other.id)))
        reader = choose(list(workspace.members))
        whole = list(run.call(reader, "operations_log.list", workspace.id))
        for limit in (1, 2, 1000):
            paged = [
                row.id for row in run.call(reader, "operations_log.list", workspace.id, limit=limit)
            ]
            expect(
                "operations_log.list", "pages have each row once", [row.id for row in whole], paged
            )
        middle = whole[1]
        filters: list[tuple[dict[str, Any], Any]] = [
            ({"before": middle.id}, lambda row: row in whole[2:]),
            *(
                ({"since": each}, lambda row: row.started_at >= middle.started_at)
                for each in in_zones(middle.started_at)
            ),
            ({"is_error": True}, lambda row: row.is_error),
            ({"is_error": False}, lambda row: not row.is_error),
            ({"tool": "turn", "source": "sdk", "env_id": "local"}, lambda row: True),
            *(({each: "else"}, lambda row: False) for each in ("tool", "source", "env_id")),
            *(({"before": each}, lambda row: False) for each in (f"{NO_SUCH}operation", theirs.id)),
        ]
        pages: tuple[dict[str, Any], ...] = ({}, {"limit": 1})
        for given, matches in filters:
            expected = [row.id for row in whole if matches(row)]
            for page in pages:  # from one to the next, filters stay
                rows = [
                    row.id
                    for row in run.call(
                        reader, "operations_log.list", workspace.id, **given, **page
                    )
                ]
                expect("operations_log.list", f"only what matches {given | page}", expected, rows)
        for user in workspace.without_role(*workspace.members.values()):
            run.call(user, "operations_log.list", workspace.id, raises=PermissionDenied)
