"""The demo: a server, a first quarter of an hour with it, a short contract run."""

from __future__ import annotations

import time

_STARTED = time.monotonic()  # before the other imports, which take a noticeable part of the time

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx

from agentserver import Client, Conflict, PermissionDenied, QuotaExceeded
from agentserver.models import AgentRegisterResponse
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract import document as contracts
from agentserver_contract.data.tables import status_of_nothing
from agentserver_contract.fixtures import device_flow
from agentserver_contract.fixtures.access_tokens import with_access_tokens
from agentserver_contract.fixtures.api_keys import with_api_keys
from agentserver_contract.fixtures.accounts import Account, register_accounts
from agentserver_contract.fixtures.agents import with_agents
from agentserver_contract.http.sdk_calls import Inexpressible, method_of
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.http.target import Target
from agentserver_contract.layers import fuzzing
from agentserver_contract.local_server import running
from agentserver_contract.reports.style import Style
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult

_PASSWORD: Final = "a password for the demo"  # noqa: S105 (of accounts that end with the demo)
_FEW_EXAMPLES: Final = 1
_TRACE: Final = "first-steps"


@dataclass(frozen=True)
class Row:
    """What the demo shows of one operation."""

    operation: str
    in_contract: bool
    served: bool
    in_sdk: bool
    cases: int
    failures: int


class Story:
    """A user's first quarter of an hour, reported while it happens."""

    def __init__(self, url: str, report: Callable[[str], None]) -> None:
        self.url = url
        self.report = report
        self.alice = self._client("alice")
        self.bob = self._client("bob")

    def _client(self, name: str) -> Client:
        return Client(self.url, email=f"{name}@example.com", password=_PASSWORD)

    def __enter__(self) -> Story:
        return self

    def __exit__(self, *_: object) -> None:
        self.alice.close()
        self.bob.close()

    def register(self) -> None:
        """Two accounts; the first one administers the installation."""
        for client, name in ((self.alice, "Alice"), (self.bob, "Bob")):
            account = client.auth.register(email=f"{name.lower()}@example.com", password=_PASSWORD)
            self.report(f"{name} registers and is account {account.id[:8]}...")
        me = self.alice.auth.me()
        self.report(f"Alice registered first: her role is {me.role}")

    def work(self) -> None:
        """A workspace, shared with a colleague."""
        workspaces = self.alice.workspaces
        workspace = workspaces.create(name="First steps")
        self.report(f"Alice creates the workspace {workspace.name!r}")
        workspaces.members.add(workspace.id, email="bob@example.com", role="guest")
        self.report("she adds Bob as a guest; Bob sees " + _names(self.bob))
        try:
            self.bob.workspaces.rename(workspace.id, name="Bob's")
        except PermissionDenied as refused:
            self.report(f"Bob may not rename it: {refused.status_code} {refused.message}")
        bob = self.bob.auth.me().id
        workspaces.members.set_role(workspace.id, bob, role="maintainer")
        renamed = self.bob.workspaces.rename(workspace.id, name="Shared steps")
        self.report(f"as a maintainer he may: {renamed.name!r}")
        try:
            workspaces.members.remove(workspace.id, self.alice.auth.me().id)
        except Conflict as refused:
            self.report(f"Alice cannot leave it without an owner: {refused.message}")
        workspaces.llm_config.set(
            workspace.id,
            base_url="https://models.example.com/v1",
            api_key="sk-0123456789abcdef",
            models=[{"id": "example-large", "name": "Example Large"}],
        )
        config = workspaces.llm_config.get(workspace.id)
        self.report(f"its sandboxes get a model endpoint; the key is shown as {config.api_key}")
        limits = workspaces.get_defaults(workspace.id)
        self.report(f"a sandbox there may have {limits.max_sandbox_cpu} millicores")
        workspaces.delete(workspace.id)
        self.report("Alice deletes it; Bob sees " + _names(self.bob))

    def administer(self) -> None:
        """Quotas, met and raised."""
        bob = self.bob.auth.me().id
        self.alice.admin.users.quota.set(bob, max_workspaces=1)
        try:
            self.bob.workspaces.create(name="One too many")
        except QuotaExceeded as refused:
            self.report(f"Bob's quota is reached: {refused.current} of {refused.max}")
        self.alice.admin.users.quota.set(bob, max_workspaces=2)
        created = self.bob.workspaces.create(name="Room for one more")
        self.report(f"Alice raises it, and Bob creates {created.name!r}")
        self.bob.auth.logout()
        self.report("Bob logs out; the session has ended on the server too")

    def delegate(self) -> None:
        """An agent, with a task, a turn, a streamed message and its trace."""
        workspace_id = self.alice.workspaces.create(name="Agents at work").id
        agent = self._register_agent(workspace_id)
        self.report("a program signs in, Alice approves it, and it is an agent of her workspace")
        task_id = self.alice.tasks.create(
            workspace_id, target_id=agent.sandbox_id, prompt="How many engines are there?"
        ).task_id
        with Client(self.url, token=agent.proxy_token) as worker:
            (task,) = worker.tasks.poll()
            worker.tasks.report(task.task_id, status="running")
            worker.tasks.report(task.task_id, status="completed", result={"engines": 2})
        done = self.alice.tasks.get(task_id)
        self.report(f"it takes the task {task.prompt!r}: {done.status.value}, {done.result}")
        question = {"input": [{"type": "text", "text": "What does the parser do?"}]}
        turn = self.alice.turns.submit(workspace_id=workspace_id, params=question).turn
        if turn is not None and turn.items:
            self.report(f"a turn of the coding agent is {turn.status.value}; it says")
            self.report(f"  {turn.items[-1].text}")
        self.report("the agent asks the model, which answers piece by piece")
        self.report("  " + "|".join(self._stream(agent.proxy_token, "Count to three")))
        trace = self.alice.traces.get(workspace_id, _TRACE)
        (request,) = trace.requests
        self.report(
            f"the trace {trace.trace.id!r} has it: {request.model}, streamed, "
            f"{request.input_tokens} tokens in and {request.output_tokens} out"
        )

    def _register_agent(self, workspace_id: str) -> AgentRegisterResponse:
        me = self.alice.auth.me()
        with Target(self.url) as target:
            person = Account("alice", me.email, me.id, _PASSWORD)
            access = device_flow.sign_in(target, person, workspace_id).access
        with Client(self.url, token=access) as program:
            return program.agents.register(name="Counter")

    def _stream(self, token: str, text: str) -> Iterator[str]:
        """Ask the language model as what runs in a sandbox does, and yield what it says."""
        message = {"role": "user", "content": text}
        body = {"model": "built-in", "max_tokens": 100, "stream": True, "messages": [message]}
        headers = {"x-api-key": token, "x-trace-id": _TRACE}
        with httpx.stream("POST", f"{self.url}/v1/messages", headers=headers, json=body) as answer:
            for line in answer.iter_lines():
                event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                yield from filter(None, [event.get("delta", {}).get("text")])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when everything that was tried keeps the contract, else 1."""
    options = _parser().parse_args(arguments)
    style = Style(sys.stdout if not options.json else sys.stderr, options.color)
    with tempfile.TemporaryDirectory(prefix="agentserver-demo-") as folder:
        style.heading("The reference server, on an empty database")
        with running(Path(folder), MODELSERVER_OAUTH_AUTH_URL="built-in") as url:
            style.line(f"listens at {url}; its API can be tried at {url}/docs")
            with Story(url, style.line) as story:
                for chapter in (story.register, story.work, story.administer, story.delegate):
                    style.heading((chapter.__doc__ or "").rstrip("."))
                    chapter()
                style.heading("A short contract run against the same server")
                result = _contract_run(story, options.examples, options.seed)
            rows = _rows(result, url)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _show(rows, result, style)
    style.line(f"the demo took {time.monotonic() - _STARTED:.1f} s")
    return 0 if result.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agentserver_contract.demo", description=__doc__
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=_FEW_EXAMPLES,
        help="random cases for each operation, besides its examples (%(default)s)",
    )
    parser.add_argument("--seed", type=int, help="make the contract run that printed this seed")
    parser.add_argument("--json", action="store_true", help="the table as JSON, the rest on stderr")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    return parser


def _contract_run(story: Story, examples: int, seed: int | None) -> LayerResult:
    contract = contracts.load()
    counter = StatusCounter(contract)
    with Target(story.url, hooks=[counter]) as target:
        story.alice.admin.quota_defaults.set(max_workspaces_per_user=0)
        accounts = register_accounts(target)
        story.alice.admin.users.set_role(accounts["admin"].id, role="admin")
        accounts = with_api_keys(with_access_tokens(accounts, target), target)
        accounts = with_agents(accounts, target)
        started = time.monotonic()
        plan = Plan(
            secrets.randbelow(2**32) if seed is None else seed, examples=examples, boundaries=False
        )
        counter.drain()  # what prepared the run is not part of it
        result = fuzzing.run(Context(target, accounts, contract, plan))
        result.statuses.update(counter.drain())
        result.seconds = time.monotonic() - started
    return result


def _rows(result: LayerResult, url: str) -> list[Row]:
    contract = contracts.load()
    with Client(url) as client:
        return [
            Row(
                operation.id,
                in_contract=True,
                # What cannot be made by URL is served, and says that it is not there.
                served=bool(
                    result.succeeded[operation.id]
                    or result.statuses[operation.id, status_of_nothing(operation.id) or 0]
                ),
                in_sdk=_is_in_sdk(client, operation),
                cases=result.cases[operation.id],
                failures=sum(found.operation == operation.id for found in result.findings),
            )
            for operation in contract.operations.values()
        ]


def _is_in_sdk(client: Client, operation: contracts.Operation) -> bool:
    try:
        return callable(method_of(client, operation))
    except Inexpressible:
        return False


def _show(rows: Sequence[Row], result: LayerResult, style: Style) -> None:
    style.heading("What is in the contract, served, in the SDK, and how it stood")
    heads = ("operation", "in contract", "served", "in SDK", "cases tried", "failures")
    table = [
        (
            row.operation,
            *map(_yes, (row.in_contract, row.served, row.in_sdk)),
            str(row.cases),
            str(row.failures),
        )
        for row in rows
    ]
    total = (
        f"{len(rows)} operations",
        *(str(sum(row[i] == "yes" for row in table)) for i in (1, 2, 3)),
        str(sum(row.cases for row in rows)),
        str(len(result.findings)),
    )
    style.table(heads, table, total)
    if result.findings:
        style.text(findings_text(result.findings))
    style.line(f"seed {result.seed}, {result.seconds:.1f} s")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _names(client: Client) -> str:
    return ", ".join(repr(workspace.name) for workspace in client.workspaces.list())


if __name__ == "__main__":
    sys.exit(main())
