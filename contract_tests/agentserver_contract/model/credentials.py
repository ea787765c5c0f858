"""The credentials of workspaces, for services outside."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver import (
    AgentserverError,
    BadGateway,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
)
from agentserver_contract.fixtures.credentials import (
    ISSUER,
    KIND,
    SERVER,
    kubeconfig,
    login_kubeconfig,
)
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.readback import expect, read_back
from agentserver_contract.model.run import ModelRun, PlannedCall, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.values import BAD_NAMES, NAMES, PRIVATE_HOSTS
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    read_of,
)

_ONE_DEFAULT = "exactly one credential is the default"

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Credential:
    """A credential that is kept."""

    id: str
    name: str
    server: str
    is_default: bool
    auth_type: str = "bearer"
    public_meta: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    """As the list has shown it first."""


@dataclass
class Credentials:
    """The credentials of all workspaces."""

    by_workspace: dict[str, list[Credential]] = field(default_factory=lambda: defaultdict(list))
    """By the id of the workspace, the oldest first."""

    def of(self, workspace: Workspace) -> list[Credential]:
        """Those of one workspace."""
        return self.by_workspace[workspace.id]


def _managers(workspace: Workspace) -> list[str]:
    return workspace.with_role("owner", "maintainer")


def new_token(run: ModelRun) -> str:
    """A token that no answer may contain from now on."""
    token = f"cluster-{secrets.token_hex(16)}"
    run.state.secrets.add(token)
    return token


def _given(run: ModelRun, name: str, server: str = SERVER) -> dict[str, Any]:
    return {"display_name": name, "config": kubeconfig(new_token(run), server=server)}


def keep_credential(
    run: ModelRun, workspace: Workspace, user: str, name: str, server: str = SERVER
) -> Credential:
    """Keep a credential, and check what is shown of it."""
    made = run.call(user, "credentials.create", workspace.id, KIND, **_given(run, name, server))
    return note_credential(run, workspace, made, name, server)


def note_credential(
    run: ModelRun,
    workspace: Workspace,
    made: Any,
    name: str,
    server: str = SERVER,
    auth_type: str = "bearer",
    public_meta: Mapping[str, str] = {},
) -> Credential:
    """Check a new credential. Raises ContractViolation."""
    known = run.state[Credentials].of(workspace)
    shown = (made.display_name, made.server_url, made.auth_type, made.public_meta.to_dict())
    expect("credentials.create", "what was given", (name, server, auth_type, public_meta), shown)
    expect(
        "credentials.create", "the first one is the default, no other", not known, made.is_default
    )
    credential = Credential(made.id, name, server, made.is_default, auth_type, public_meta)
    known.append(credential)
    return credential


def _with_others(
    run: ModelRun, workspace: Workspace, user: str, names: tuple[str, ...]
) -> list[Credential]:
    """Keep credentials of these names where there are none, and give all of a workspace."""
    known = run.state[Credentials].of(workspace)
    for name in names:
        if name not in {each.name for each in known}:
            keep_credential(run, workspace, user, name)
    return known


def _clear(run: ModelRun, workspace: Workspace, user: str) -> None:
    """Delete all credentials of a workspace, the default at last."""
    known = run.state[Credentials].of(workspace)
    for each in sorted(known, key=lambda each: each.is_default):
        run.call(user, "credentials.delete", workspace.id, KIND, each.id)
    known.clear()


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "credentials")
def credentials_are_listed_with_the_oldest_first(run: ModelRun) -> None:
    method = "credentials.list"
    for workspace in run.state[Workspaces].by_id.values():
        known = run.state[Credentials].of(workspace)
        rows = read_of(run, workspace, method, KIND)
        expected: list[Any] = [
            (
                *(each.id, each.name, each.server),
                *(each.auth_type, each.public_meta, each.is_default),
            )
            for each in known
        ]
        actual = [
            (
                *(row.id, row.display_name, row.server_url, row.auth_type),
                *(row.public_meta.to_dict(), row.is_default),
            )
            for row in rows
        ]
        expect(method, "every credential of the workspace, the oldest first", expected, actual)
        for each, row in zip(known, rows, strict=True):
            each.created_at = each.created_at or row.created_at
            expect(method, "the time stays", each.created_at, row.created_at)


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def keep_credentials(run: ModelRun, choose: Choose) -> None:
    """The same name once more is refused, also by another maintainer; another case is another."""
    workspace, name = any_workspace(run, choose), choose(NAMES)
    user = choose(_managers(workspace))
    if name in {each.name for each in run.state[Credentials].of(workspace)}:
        _clear(run, workspace, user)
    keep_credential(run, workspace, user, name, f"{SERVER}/path")
    read_back(run, "credentials")
    again = _given(run, name)
    run.call(
        choose(_managers(workspace)),
        "credentials.create",
        workspace.id,
        KIND,
        **again,
        raises=Conflict,
    )
    _with_others(run, workspace, user, ("case", "Case"))


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def keep_the_first_credentials_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user, names = choose(_managers(workspace)), ("one", "two", "three")
    _clear(run, workspace, user)
    keep_credential(run, workspace, user, "alone")  # what fails then is no race
    _clear(run, workspace, user)
    made = run.concurrently(
        [
            planned(user, "credentials.create", workspace.id, KIND, **_given(run, name))
            for name in names
        ]
    )
    if failed := [each for each in made if isinstance(each, Exception)]:
        raise ContractViolation(
            "credentials.create", "all who keep credentials at once succeed", failed
        )
    default = [each.id for each in made if each.is_default]
    expect("credentials.create", _ONE_DEFAULT, 1, len(default))
    rows = run.call(user, "credentials.list", workspace.id, KIND)
    expect("credentials.list", "all that were kept", sorted(names), sorted(_named(rows)))
    run.state[Credentials].of(workspace).extend(
        Credential(row.id, row.display_name, row.server_url, row.id in default) for row in rows
    )


def _named(rows: Any) -> list[str]:
    return [row.display_name for row in rows]


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def keep_credentials_of_one_name_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    _clear(run, workspace, user)
    outcomes = run.concurrently(
        [
            planned(user, "credentials.create", workspace.id, KIND, **_given(run, "same"))
            for _ in range(3)
        ]
    )
    _one_succeeds("credentials.create", outcomes)
    (made,) = (each for each in outcomes if not isinstance(each, Exception))
    note_credential(run, workspace, made, "same")


def _one_succeeds(method: str, outcomes: list[Any]) -> None:
    failed = [each for each in outcomes if isinstance(each, Exception)]
    if len(failed) != len(outcomes) - 1 or any(type(each) is not Conflict for each in failed):
        raise ContractViolation(method, "of those who take a name at once, one has it", outcomes)


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def keep_kubeconfigs_of_every_form(run: ModelRun, choose: Choose) -> None:
    """JSON, without a context, of several clusters, with certificates, and with what is ignored."""
    workspace = any_workspace(run, choose)
    user, token = choose(_managers(workspace)), new_token(run)
    authority = b64encode(b"an authority").decode()
    proof = {"token": token}
    certificate = {
        f"client-{what}-data": b64encode(token.encode()).decode() for what in ("certificate", "key")
    }
    private = {"server": f"https://{PRIVATE_HOSTS[0]}"}
    ours, others = ("cluster", {"server": SERVER}), ("other", private)
    trusted = ("cluster", {"server": SERVER, "certificate-authority-data": authority})
    context = {"cluster": "cluster", "user": "user"}
    forms: tuple[tuple[str, dict[str, Any], dict[str, str]], ...] = (
        ("bearer", _config([ours], [("user", proof)], context, current="context"), {}),
        ("bearer", _config([ours], [("user", proof)]), {}),
        ("bearer", _config([ours], [("other", {}), ("user", proof)], context), {}),
        ("bearer", _config([others, ours], [("user", proof)], context, current="context"), {}),
        ("bearer", _config([trusted], [("user", proof)]), {"ca_data_b64": authority}),
        ("client_cert", _config([ours], [("user", certificate)]), {}),
        ("bearer", _config([ours], [("user", proof | certificate)]) | {"preferences": {}}, {}),
    )
    _clear(run, workspace, user)
    for number, (auth_type, config, public_meta) in enumerate(forms):
        name = f"form {number}"
        given: Any = {"display_name": name, "config": json.dumps(config)}
        made = run.call(user, "credentials.create", workspace.id, KIND, **given)
        note_credential(run, workspace, made, name, SERVER, auth_type, public_meta)
    read_back(run, "credentials")
    _clear(run, workspace, user)


def _config(
    clusters: list[tuple[str, Any]],
    users: list[tuple[str, Any]],
    context: Mapping[str, str] | None = None,
    current: str | None = None,
) -> dict[str, Any]:
    """A kubeconfig of these clusters and users, by their names."""
    contexts = [] if context is None else [{"name": "context", "context": context}]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": fields} for name, fields in clusters],
        "users": [{"name": name, "user": fields} for name, fields in users],
        "contexts": contexts,
        **({} if current is None else {"current-context": current}),
    }


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def refuse_invalid_credentials(run: ModelRun, choose: Choose) -> None:
    """No reason contains the token."""
    workspace = any_workspace(run, choose)
    user, token = choose(_managers(workspace)), new_token(run)
    valid = kubeconfig(token)
    changes = (
        ("token:", "exec: {command: aws}, token:"),
        ("token:", "exec: {command: kubectl, args: [oidc-login, get-token]}, token:"),
        ("token:", "auth-provider: {name: gcp}, token:"),
        ("token:", "username: me, password:"),
        ("token:", "username: me, token:"),
        ("token:", "password: secret, token:"),
        ("token:", "tokenFile:"),
        (f'"{token}"', f'"{token}ä"'),
        (f'"{token}"', f'"{token} "'),
        ("token:", "client-key-data: YQ==, other:"),
        ("token:", "client-certificate: /certificate, client-key: /key, other:"),
        (f'{{server: "{SERVER}"}}', "{}"),
        ("current-context: context", "current-context: other"),
        ("cluster: cluster, user: user", "cluster: cluster, user: other"),
        ("apiVersion: v1", f"apiVersion: {token}"),
        ("kind: Config", "kind: List"),
        ("{server:", "{certificate-authority: /ca, server:"),
        ("https:", "http:"),
        ("https://", f"https://me:{token}@"),
        (f"{SERVER}", f"{SERVER}?query"),
        (f"{SERVER}", f"{SERVER}#fragment"),
        ("token:", "client-certificate-data: YQ==, token: '', username: ''} #"),
        ("token:", "client-certificate-data: '{}', client-key-data: YQ==, other:"),
        (
            "current-context: context\nclusters:",
            f'clusters:\n  - name: other\n    cluster: {{server: "{SERVER}"}}',
        ),
        ("- name: user", "- &user {}\n  - *user\n  - name: user"),
        ("users:", "{users:"),
    )
    configs = [valid.replace(*change) for change in changes]
    proof = {"token": token}
    several = _config([("cluster", {"server": SERVER})], [("user", proof), ("other", proof)])
    configs += [json.dumps(each) for each in (several, several | {"users": proof})]
    for given in [
        *({"display_name": each, "config": valid} for each in BAD_NAMES),
        *({"display_name": "Refused", "config": each} for each in (token, "[]", " ", *configs)),
    ]:
        run.call(user, "credentials.create", workspace.id, KIND, **given, raises=BadRequest)


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def begin_logins_at_no_provider(run: ModelRun, choose: Choose) -> None:
    """What says how to log in is understood, in each of its forms; the provider is not there."""
    workspace = any_workspace(run, choose)
    user = choose(_managers(workspace))
    flags = [f"--oidc-issuer-url={ISSUER}", "--oidc-client-id=kubectl"]
    logins: tuple[tuple[list[str], type[AgentserverError]], ...] = (
        (flags, BadGateway),
        (flags[::-1], BadGateway),
        ([part for flag in flags for part in flag.split("=")], BadGateway),
        ([*flags, "--oidc-extra-scope=email", "--oidc-extra-scope", "openid", "-v1"], BadGateway),
        (flags[:1], BadRequest),
        (flags[1:], BadRequest),
        (["--oidc-client-id", *flags[:1]], BadRequest),
        ([flags[0].replace("https:", "http:"), flags[1]], BadRequest),
        ([f"--oidc-issuer-url=https://{PRIVATE_HOSTS[0]}@", flags[1]], BadRequest),
    )
    for arguments, error in logins:
        config = login_kubeconfig(arguments)
        given = {"display_name": "a login", "config": config}
        run.call(user, "credentials.create", workspace.id, KIND, **given, raises=error)
    read_back(run, "credentials")


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def refuse_private_addresses(run: ModelRun, choose: Choose) -> None:
    """In every spelling, unless the operator allows them."""
    workspace = any_workspace(run, choose)
    user, token = choose(_managers(workspace)), new_token(run)
    for each in PRIVATE_HOSTS:
        config = kubeconfig(token, server=f"https://{each}")
        given = {"display_name": "private", "config": config}
        if each == PRIVATE_HOSTS[0]:
            outcome = run.attempt(user, "credentials.create", workspace.id, KIND, **given)
            if not isinstance(outcome, Exception):  # the operator allows them
                note_credential(run, workspace, outcome, "private", f"https://{each}")
                _clear(run, workspace, user)
                return
        run.call(user, "credentials.create", workspace.id, KIND, **given, raises=BadRequest)


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def rename_credentials(run: ModelRun, choose: Choose) -> None:
    """To another name, to its own, to none, and to one that is taken."""
    workspace, method = any_workspace(run, choose), "credentials.update"
    user = choose(_managers(workspace))
    known = _with_others(run, workspace, user, ("to rename", "taken"))
    (renamed,) = (each for each in known if each.name == "to rename")

    def call(raises: Any = None, **body: Any) -> None:
        run.call(user, method, workspace.id, KIND, renamed.id, **body, raises=raises)

    call(display_name="taken", raises=Conflict)
    for name in BAD_NAMES:
        call(display_name=name, raises=BadRequest)
    call(display_name="to rename")
    call(display_name=None)
    call()
    read_back(run, "credentials")
    name = choose([each for each in NAMES if each not in {other.name for other in known}])
    call(display_name=name)
    renamed.name = name
    read_back(run, "credentials")
    _clear(run, workspace, user)  # so that the names are free again


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def set_default_credentials(run: ModelRun, choose: Choose) -> None:
    """More than once, and several at the same time."""
    workspace, method = any_workspace(run, choose), "credentials.set_default"
    user = choose(_managers(workspace))
    known = _with_others(run, workspace, user, ("one", "two", "three"))
    chosen = choose([each for each in known if not each.is_default])
    for _ in range(2):  # the second time it is so already
        run.call(user, method, workspace.id, KIND, chosen.id)
        for each in known:
            each.is_default = each is chosen
        read_back(run, "credentials")
    calls: list[PlannedCall] = [
        planned(user, method, workspace.id, KIND, each.id) for each in known[-3:]
    ]
    outcomes = run.concurrently(calls)
    if failed := [each for each in outcomes if isinstance(each, Exception)]:
        raise ContractViolation(method, "all who set the default at once succeed", failed)
    rows = run.call(user, "credentials.list", workspace.id, KIND)
    default = [row.id for row in rows if row.is_default]
    expect(method, _ONE_DEFAULT, 1, len(default))
    expect(method, "it is one of those", True, default[0] in {each.id for each in known[-3:]})
    for each in known:
        each.is_default = each.id in default


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def delete_credentials(run: ModelRun, choose: Choose) -> None:
    """The default goes only as the last one; what is gone is unknown."""
    workspace, method = any_workspace(run, choose), "credentials.delete"
    user = choose(_managers(workspace))
    known = _with_others(run, workspace, user, ("one", "two"))
    (default,) = (each for each in known if each.is_default)
    run.call(user, method, workspace.id, KIND, default.id, raises=Conflict)
    run.call(user, "credentials.complete", workspace.id, KIND, default.id, raises=NotFound)
    read_back(run, "credentials")
    gone = choose([each for each in known if each is not default])
    run.call(user, method, workspace.id, KIND, gone.id)
    known.remove(gone)
    read_back(run, "credentials")
    _refuse(run, workspace, user, KIND, gone.id)
    _clear(run, workspace, user)
    read_back(run, "credentials")


@rule(touches=["credentials"], precondition=SEVERAL_WORKSPACES)
def change_unknown_credentials(run: ModelRun, choose: Choose) -> None:
    """Ids and kinds of nothing, and ids of other workspaces."""
    workspaces = list(run.state[Workspaces].by_id.values())
    for workspace in workspaces:
        user = choose(_managers(workspace))
        known = _with_others(run, workspace, user, ("one", "two"))
        for kind, id_ in ((KIND, f"{NO_SUCH}id"), (f"{NO_SUCH}kind", known[-1].id)):
            _refuse(run, workspace, user, kind, id_)
        for other in workspaces:
            if other is not workspace:
                _refuse(run, other, choose(_managers(other)), KIND, known[-1].id)
        kind = f"{NO_SUCH}kind"
        run.call(user, "credentials.list", workspace.id, kind, raises=NotFound)
        given = _given(run, "new")
        run.call(user, "credentials.create", workspace.id, kind, **given, raises=NotFound)
    read_back(run, "credentials")


def _refuse(
    run: ModelRun,
    workspace: Workspace,
    user: str,
    kind: str,
    id_: str,
    error: type[AgentserverError] = NotFound,
) -> None:
    """Change a credential in every way, each of which is refused."""
    update: Any = {"display_name": "renamed"}
    for method, body in (
        ("credentials.complete", {}),
        ("credentials.update", update),
        ("credentials.set_default", {}),
        ("credentials.delete", {}),
    ):
        run.call(user, method, workspace.id, kind, id_, **body, raises=error)


@rule(touches=["credentials"], precondition=A_WORKSPACE)
def change_credentials_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    known = _with_others(run, workspace, choose(_managers(workspace)), ("one", "two"))
    for user in workspace.without_role("owner", "maintainer"):
        given = _given(run, "new")
        run.call(user, "credentials.create", workspace.id, KIND, **given, raises=PermissionDenied)
        _refuse(run, workspace, user, KIND, known[-1].id, PermissionDenied)
