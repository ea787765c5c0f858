"""The connections of workspaces to the model server.

A page of the model server is opened only if it is on the same server: then it is one for
development, which permits everything. On any other page a person has to permit the connection, so
that a connection is begun there and not completed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from agentserver import AgentserverError, Client, PermissionDenied, StatusError
from agentserver_contract.fixtures.accounts import LEAVER
from agentserver_contract.http.messages import Request, Response, cookie
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.limits import set_llm_quota
from agentserver_contract.model.llm_configs import LlmConfig, LlmConfigs, set_config
from agentserver_contract.model.readback import expect, read_back
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.traces import ask_raw, asking_agent, with_language_model
from agentserver_contract.model.values import ADDRESSES, MODELS
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

_CALLBACK = "/api/auth/modelserver/callback"
_MISSING = 501
_SCOPES = ["project:inference", "offline_access"]

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Connection:
    """A workspace's connection."""

    is_there: bool = False
    connected_at: datetime | None = None
    """As it was shown first; None until then."""


@dataclass
class Connections:
    """The connections of all workspaces."""

    by_workspace: dict[str, Connection] = field(default_factory=lambda: defaultdict(Connection))

    def of(self, workspace: Workspace) -> Connection:
        """That of one workspace."""
        return self.by_workspace[workspace.id]


def _managers(workspace: Workspace) -> list[str]:
    return workspace.with_role("owner", "maintainer")


# --- what a browser does --------------------------------------------------------------------------


def begin(run: ModelRun, workspace: Workspace, user: str) -> str | None:
    """Begin a connection; the page, or None where the server has no model server."""
    return _begin(run, workspace.id, user)


def _begin(run: ModelRun, workspace_id: str, caller: str | Client) -> str | None:
    method = "workspaces.modelserver.connect"
    outcome = run.attempt(caller, method, workspace_id)
    if isinstance(outcome, StatusError) and outcome.status_code == _MISSING:
        return None
    if isinstance(outcome, AgentserverError):
        raise ContractViolation(method, "a connection can be begun", outcome)
    query = query_of(outcome)
    expect(method, "a code is asked for", "code", query.get("response_type"))
    expect(method, "the challenge is by S256", "S256", query.get("code_challenge_method"))
    expect(method, "the scopes are asked for", _SCOPES, (query.get("scope") or "").split())
    for name in ("state", "code_challenge", "client_id", "redirect_uri"):
        expect(method, f"the page is given a {name}", True, bool(query.get(name)))
    page: str = outcome
    return page


def permitted(run: ModelRun, page: str | None) -> str | None:
    """Open the page; the address that it leads back to, or None where a person is asked."""
    base_url = f"{run.target.base_url}/"
    if page is None or not page.startswith(base_url):
        return None
    response = _get(run, page.removeprefix(base_url[:-1]), None)
    address = response.header("location") or ""
    is_back = urlsplit(address).path == _CALLBACK and address.startswith(base_url)
    return address.removeprefix(base_url[:-1]) if response.status == 302 and is_back else None


def come_back(run: ModelRun, address: str, user: str) -> Response:
    """Come back from the page, as this user."""
    return _get(run, address, user)


def _get(run: ModelRun, address: str, user: str | None) -> Response:
    headers = {} if user is None else cookie(run.accounts[user].session)
    request = Request("GET", address, headers)
    run.log.append(f"{user or 'a browser'} opens {urlsplit(address).path}")
    return run.target.send(request)


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def with_query(address: str, **changes: str) -> str:
    """An address with other values in its query; an empty one is left out."""
    query = {name: value for name, value in (query_of(address) | changes).items() if value}
    return f"{address.partition('?')[0]}?{urlencode(query)}"


def connect(run: ModelRun, workspace: Workspace, user: str) -> bool:
    """Connect a workspace, and note it; whether that can be done here."""
    page = begin(run, workspace, user)
    address = permitted(run, page)
    if address is None:
        return False
    expect_connected(run, come_back(run, address, user))
    connection = run.state[Connections].of(workspace)
    connection.is_there = True
    run.state[LlmConfigs].of(workspace).clear()
    return True


def disconnect(run: ModelRun, workspace: Workspace, user: str) -> None:
    """Disconnect a workspace, and note it."""
    run.call(user, "workspaces.modelserver.disconnect", workspace.id)
    run.state[Connections].by_workspace[workspace.id] = Connection()


def expect_connected(run: ModelRun, response: Response) -> None:
    """Check that a person was sent back with a connection. Raises ContractViolation."""
    if query_of(response.header("location") or "").get("modelserver") != "connected":
        raise ContractViolation(
            "workspaces.modelserver.connect", "a connection that was permitted is made", response
        )
    _expect_page(run, response)


def expect_refused(run: ModelRun, response: Response, promise: str, status: int) -> None:
    """Check that a person was sent back without a connection. Raises ContractViolation."""
    outcome = query_of(response.header("location") or "").get("modelserver")
    if response.status != status or outcome == "connected":
        raise ContractViolation("workspaces.modelserver.connect", promise, response)
    _expect_page(run, response)
    read_back(run, "modelserver", "llm_config")


def _expect_page(run: ModelRun, response: Response) -> None:
    """Check that there is a page where the browser is sent, if it is one of this server."""
    base_url = run.target.base_url
    address = urljoin(f"{base_url}/", response.header("location") or "")
    if response.header("location") is None or not address.startswith(f"{base_url}/"):
        return
    shown = _get(run, address.removeprefix(base_url), None)
    if shown.status >= 400:
        promise = "a page shows how a connection ended"
        raise ContractViolation("workspaces.modelserver.connect", promise, shown)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "modelserver")
def connections_are_shown_to_every_member(run: ModelRun) -> None:
    method = "workspaces.modelserver.get_status"
    for workspace in run.state[Workspaces].by_id.values():
        connection = run.state[Connections].of(workspace)
        shown = read_of(run, workspace, method)
        expect(method, "whether it is connected", connection.is_there, shown.connected)
        if not connection.is_there:
            expect(
                method, "nothing else without a connection", {"connected": False}, shown.to_dict()
            )
            continue
        connection.connected_at = connection.connected_at or shown.connected_at
        expect(
            method, "the time of the first connection", connection.connected_at, shown.connected_at
        )


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def connect_to_the_model_server(run: ModelRun, choose: Choose) -> None:
    """More than once; the time of the first stays, and the workspace's own endpoint goes."""
    workspace, method = any_workspace(run, choose), "workspaces.modelserver.get_status"
    for _ in range(2):
        connect(run, workspace, choose(_managers(workspace)))
        read_back(run, "modelserver", "llm_config")
        run.call(choose(_managers(workspace)), method, workspace.id)  # at another time
    for _ in range(2):  # the second time there is nothing left
        disconnect(run, workspace, choose(_managers(workspace)))
        read_back(run, "modelserver", "llm_config")


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def begin_connections(run: ModelRun, choose: Choose) -> None:
    """Each has a state and a challenge of its own, and of one person's the last one counts."""
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    pages = [begin(run, workspace, user) for _ in range(2)]
    if pages[0] is None or pages[1] is None:
        return
    first, second = (query_of(page) for page in pages if page is not None)
    for name in ("state", "code_challenge"):
        expect(
            "workspaces.modelserver.connect",
            f"each has a {name} of its own",
            True,
            first[name] != second[name],
        )
    if (address := permitted(run, pages[0])) is not None:
        promise = "beginning again ends what the same person had begun"
        expect_refused(run, come_back(run, address, user), promise, 400)


@rule(touches=["modelserver", "llm_config"], precondition=SEVERAL_WORKSPACES)
def begin_connections_of_several_workspaces(run: ModelRun, choose: Choose) -> None:
    """One person's in one workspace do not end those in another."""
    workspaces = list(run.state[Workspaces].by_id.values())
    user = max(USERS, key=lambda user: sum(user in _managers(each) for each in workspaces))
    pages = [(each, begin(run, each, user)) for each in workspaces if user in _managers(each)]
    for workspace, page in pages:
        if (address := permitted(run, page)) is not None:
            expect_connected(run, come_back(run, address, user))
            run.state[LlmConfigs].of(workspace).clear()
            disconnect(run, workspace, user)


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def complete_a_connection_twice(run: ModelRun, choose: Choose) -> None:
    """What was used is refused: after a disconnection it connects nothing."""
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    address = permitted(run, begin(run, workspace, user))
    if address is None:
        return
    come_back(run, address, user)
    disconnect(run, workspace, user)
    run.state[LlmConfigs].of(workspace).clear()
    expect_refused(run, come_back(run, address, user), "an address works once", 400)


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def complete_a_connection_of_somebody_else(run: ModelRun, choose: Choose) -> None:
    """As every other member, an outsider, and signed out; for the person it still works then."""
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    address = permitted(run, begin(run, workspace, user))
    if address is None:
        return
    promise = "only the person who began a connection completes it"
    for other in run.accounts.by_name:
        if other in run.clients and other != user and run.accounts[other].session:
            expect_refused(run, come_back(run, address, other), promise, 400)
    expect_refused(run, _get(run, address, None), promise, 401)
    expect_connected(run, come_back(run, address, user))
    disconnect(run, workspace, user)
    run.state[LlmConfigs].of(workspace).clear()


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def fail_to_connect(run: ModelRun, choose: Choose) -> None:
    """The workspace's own endpoint stays as it was, whatever fails."""
    workspace = any_workspace(run, choose)
    user, key = choose(_managers(workspace)), "sk-kept-though-it-fails"
    set_config(run, workspace, user, LlmConfig(ADDRESSES[0], key, MODELS[0]))
    page = begin(run, workspace, user)
    if page is None:
        return
    other = query_of(page)["code_challenge"]
    for changes, promise in (
        ({"code": "contract-no-such-code"}, "a made-up code connects nothing"),
        ({"code": ""}, "no code connects nothing"),
        ({"error": "access_denied"}, "what was denied connects nothing"),
    ):
        address = permitted(run, begin(run, workspace, user))
        if address is None:
            return
        response = come_back(run, with_query(address, **changes), user)
        expect_refused(run, response, promise, 302)
    page = begin(run, workspace, user)
    address = permitted(run, page and with_query(page, code_challenge=other))
    if address is not None:
        promise = "a code for another verifier connects nothing"
        expect_refused(run, come_back(run, address, user), promise, 302)


@rule(touches=["modelserver", "llm_config"], precondition=SEVERAL_WORKSPACES)
def connect_one_of_several_workspaces(run: ModelRun, choose: Choose) -> None:
    """The others stay as they are, while it is connected and afterwards."""
    for workspace in run.state[Workspaces].by_id.values():
        user = choose(_managers(workspace))
        if connect(run, workspace, user):
            read_back(run, "modelserver", "llm_config")
    for workspace in run.state[Workspaces].by_id.values():
        disconnect(run, workspace, choose(_managers(workspace)))
        read_back(run, "modelserver", "llm_config")


@rule(touches=["modelserver", "llm_config"], precondition=A_WORKSPACE)
def connect_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    for user in workspace.without_role("owner", "maintainer"):
        run.call(user, "workspaces.modelserver.connect", workspace.id, raises=PermissionDenied)
        run.call(user, "workspaces.modelserver.disconnect", workspace.id, raises=PermissionDenied)


@rule(touches=[], precondition=with_language_model)
def ask_a_model_from_a_connected_workspace(run: ModelRun, choose: Choose) -> None:
    """The limit of a day holds while it is not connected."""
    connecting, limit = "workspaces.modelserver.connect", "admin.workspaces.llm_quota.set"
    with asking_agent(run) as (agent, owner):
        address = permitted(run, _begin(run, agent.workspace_id, owner))
        if address is None:
            return
        expect_connected(run, come_back(run, address, LEAVER))
        set_llm_quota(run, agent.workspace_id, max_rpd=1)
        for _ in range(2):
            answer = ask_raw(run, agent.proxy_token, "Hello", "connected")
            if answer.status != 200:
                promise = "a connected workspace has no limit of a day"
                raise ContractViolation(connecting, promise, answer)
        run.call(owner, "workspaces.modelserver.disconnect", agent.workspace_id)
        answer = ask_raw(run, agent.proxy_token, "Hello", "disconnected")
        if answer.status != 429:
            promise = "a workspace that is not connected has its limit of a day"
            raise ContractViolation(limit, promise, answer)


@rule(touches=["modelserver", "llm_config", "members"], precondition=has_workspace(has_maintainer))
def lose_the_role_while_connecting(run: ModelRun, choose: Choose) -> None:
    """Who may begin a connection, and may not any more at its end, connects nothing."""
    workspace = any_workspace(run, choose, has_maintainer)
    user, owner = choose(workspace.with_role("maintainer")), choose(workspace.with_role("owner"))
    address = permitted(run, begin(run, workspace, user))
    set_role = "workspaces.members.set_role"
    run.call(owner, set_role, workspace.id, run.ids[user], role="developer")
    workspace.members[user] = "developer"
    if address is not None:
        promise = "who is no maintainer any more connects nothing"
        expect_refused(run, come_back(run, address, user), promise, 302)
    run.call(owner, set_role, workspace.id, run.ids[user], role="maintainer")
    workspace.members[user] = "maintainer"
