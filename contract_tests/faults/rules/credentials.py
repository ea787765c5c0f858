"""Credentials of workspaces."""

import asyncio

from replacing import fault
from sqlalchemy import delete, select, update
from websockets.asyncio.client import connect

from agentserver_reference.domain.errors import BadGateway, BadRequest
from agentserver_reference.domain.kubeconfig import CLIENT_CERT
from agentserver_reference.domain.sandboxes import LIFE_CYCLE
from agentserver_reference.storage import credential_bindings, tables
from agentserver_reference.storage.engine.query import Query

_PROVIDER = "with an OpenID provider"
"""Tests of logins that are approved there, which no run by URL has."""

_CLUSTERS = "calls of clusters"
"""Tests of the proxy by which sandboxes call clusters, which is not in the contract."""

_of = tables.credential_bindings.c
_login = tables.credential_logins.c

# --- lists ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.credentials.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_credential_bindings"],
)
async def credentials_of_all_workspaces(original, work, workspace_id, kind):
    """Credentials of other workspaces are listed."""
    everywhere = await work.read(_workspaces)
    rows = [row for each in everywhere for row in await original(work, each, kind)]
    return sorted(rows, key=lambda row: row["created_at"])


def _workspaces(conn):
    return [row[0] for row in conn.execute(select(tables.workspaces.c.id)).all()]


@fault(
    replaces="agentserver_reference.storage.credential_bindings.list_of",
    kind="wrong-order",
    operations=["list_credential_bindings"],
)
def credentials_with_the_default_first(original, conn, workspace_id, kind):
    """The default is listed first, and not the oldest."""
    rows = original(conn, workspace_id, kind)
    return sorted(rows, key=lambda row: not row["is_default"])


# --- keeping --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.kubeconfig._chosen",
    kind="rejects-legal-call",
    operations=["create_credential_binding"],
)
def kubeconfig_without_a_current_context_refused(original, config):
    """A kubeconfig of one cluster and one user must have a current context, too."""
    if not config.get("current-context"):
        raise BadRequest("config: current-context: is required")
    return original(config)


@fault(
    replaces="agentserver_reference.domain.kubeconfig._proof",
    kind="rejects-legal-call",
    operations=["create_credential_binding"],
)
def client_certificates_refused(original, at, user, *, private_allowed):
    """A user who has a certificate and its key must have a token, too."""
    found = original(at, user, private_allowed=private_allowed)
    if found[0] == CLIENT_CERT:
        raise BadRequest(f"config: {at}: must have a token")
    return found


@fault(
    replaces="agentserver_reference.domain.kubeconfig._flags",
    kind="rejects-legal-call",
    operations=["create_credential_binding"],
)
def flags_are_one_word_each(original, args):
    """How to log in is not understood where a flag and its value are two words."""
    return original([each for each in args if "=" in each])


@fault(
    replaces="agentserver_reference.services.credentials.create",
    kind="secret-shown",
    operations=["create_credential_binding"],
)
async def credential_shown_with_its_config(original, work, workspace_id, kind, name, config):
    """What is known of the service has the whole configuration."""
    made = await original(work, workspace_id, kind, name, config)
    return made | {"public_meta": {"config": config}}


@fault(
    replaces="agentserver_reference.services.credentials.read_kubeconfig",
    kind="secret-shown",
    operations=["create_credential_binding"],
)
def reason_repeats_the_config(original, text, *, private_allowed):
    """The reason of a refusal repeats the configuration."""
    try:
        return original(text, private_allowed=private_allowed)
    except BadRequest as refusal:
        raise BadRequest(f"{refusal.line}: {' '.join(text.split())[:900]}") from None


@fault(
    replaces="agentserver_reference.domain.addresses.address_in",
    kind="accepts-malformed",
    operations=["create_credential_binding"],
)
def private_addresses_in_other_spellings(original, host):
    """An address that is written as one number, or otherwise shortened, is taken for a name."""
    return original(host) if host.count(".") == 3 or ":" in host else None


@fault(
    replaces="agentserver_reference.domain.addresses.is_private",
    kind="accepts-malformed",
    operations=["create_credential_binding"],
)
def private_addresses_wrapped_in_others(original, address):
    """Addresses of IPv4 are not looked for inside of those of IPv6."""
    return original(address) if address.version == 4 else not address.is_global


@fault(
    replaces="agentserver_reference.domain.addresses._OWN",
    kind="accepts-malformed",
    operations=["create_credential_binding"],
)
def own_machine_by_its_name(original):
    """The server's own machine may be named, and only its addresses are refused."""
    return "localdomain"


@fault(
    replaces="agentserver_reference.domain.credentials.check_name_is_free",
    kind="conflict-is-server-error",
    operations=["create_credential_binding", "update_credential_binding"],
)
def credential_names_left_to_the_database(original, *, is_taken):
    """A name that is taken is refused by the database alone."""


@fault(
    replaces="agentserver_reference.storage.credential_bindings.is_named",
    kind="rejects-legal-call",
    operations=["create_credential_binding"],
)
def credential_names_without_case(original, conn, workspace_id, kind, name):
    """A name in another case is the same."""
    rows = credential_bindings.list_of(conn, workspace_id, kind)
    return name.lower() in {row["display_name"].lower() for row in rows}


# --- logins that a person approves ----------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.credentials.check_login",
    kind="used-twice",
    operations=["complete_device_credential_binding"],
    by=_PROVIDER,
)
def expired_login_completed(original, state, *, expires_at, now):
    """A login that has expired is completed, if the provider still allows it."""
    original(state, expires_at=expires_at.max.replace(tzinfo=expires_at.tzinfo), now=now)


@fault(
    replaces="agentserver_reference.storage.credential_logins.find",
    kind="write-across-tenants",
    operations=["complete_device_credential_binding"],
    by=_PROVIDER,
)
def login_found_in_any_workspace(original, conn, workspace_id, kind, login_id):
    """A login is found by its id alone."""
    by_id = Query(select(tables.credential_logins).where(_login.id == login_id))
    return by_id.first(conn)


@fault(
    replaces="agentserver_reference.gateways.openid.remote.failed",
    kind="secret-shown",
    operations=["create_credential_binding", "complete_device_credential_binding"],
    by=_PROVIDER,
)
def provider_quoted_in_errors(original, error):
    """How a provider was asked is told where it fails."""
    return BadGateway(f"{original(error).line}: {error.__traceback__.tb_frame.f_locals}"[:999])


@fault(
    replaces="agentserver_reference.gateways.outside.Outside.open",
    kind="accepts-malformed",
    operations=["create_credential_binding", "complete_device_credential_binding"],
    by=_PROVIDER,
)
async def redirects_followed_outside(
    original,
    self,
    method,
    url,
    *,
    timeout=10.0,  # noqa: ASYNC109
    **content,
):
    """Redirects of services outside are followed."""
    self._client.follow_redirects = True
    return await original(self, method, url, timeout=timeout, **content)


@fault(
    replaces="agentserver_reference.gateways.outside._Guarded._addresses",
    kind="accepts-malformed",
    operations=["create_credential_binding", "complete_device_credential_binding"],
    by=_PROVIDER,
)
async def names_of_private_addresses_connected_to(original, self, host, port):
    """A name is connected to wherever it leads."""
    return await self._resolve(host, port)


@fault(
    replaces="agentserver_reference.services.credential_logins.keep",
    kind="wrong-value",
    operations=["complete_device_credential_binding"],
    by=_PROVIDER,
)
def no_default_among_logins(original, conn, workspace_id, kind, shown, sealed, now):
    """What a login becomes is never the default, also not as the first one."""
    kept = original(conn, workspace_id, kind, shown, sealed, now)
    if shown["auth_type"] != "oidc":
        return kept
    conn.execute(
        update(tables.credential_bindings).where(_of.id == kept["id"]).values(is_default=False)
    )
    return kept | {"is_default": False}


# --- calls of clusters ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.credential_bindings.find_whole",
    kind="read-across-tenants",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def clusters_of_any_workspace_called(original, conn, workspace_id, kind, binding_id):
    """A sandbox calls with any credential whose id it knows."""
    by_id = Query(select(tables.credential_bindings).where(_of.id == binding_id))
    return by_id.first(conn)


@fault(
    replaces="agentserver_reference.services.cluster_calls.MAY_CALL",
    kind="dead-token-accepted",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def clusters_called_by_paused_sandboxes(original):
    """A sandbox calls clusters whatever state it is in."""
    return {*LIFE_CYCLE}


@fault(
    replaces="agentserver_reference.gateways.clusters.remote._CREDENTIALS",
    kind="secret-shown",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def clusters_shown_the_token_of_the_sandbox(original):
    """A cluster is shown the sandbox's own token too."""
    return original - {"authorization"}


@fault(
    replaces="agentserver_reference.gateways.clusters.remote.RemoteClusters._identity",
    kind="wrong-object-touched",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def connections_shared_among_certificates(original, self, cluster):
    """A connection that was opened with one certificate carries the calls of another one."""
    return next(iter(self._identities.values()), None) or original(self, cluster)


@fault(
    replaces="agentserver_reference.storage.credential_bindings.claim",
    kind="used-twice",
    operations=["complete_device_credential_binding"],
    by=_CLUSTERS,
)
def login_refreshed_by_each_caller(original, conn, binding_id, *, seen, until, now):
    """Whoever calls with a login that expires refreshes it, several at once too."""
    original(conn, binding_id, seen=seen, until=until, now=now)
    return until.isoformat()


@fault(
    replaces="agentserver_reference.http.cluster_proxy._path_below",
    kind="accepts-malformed",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def paths_above_a_cluster_called(original, request):
    """What is above the address of a cluster can be called."""
    return "/".join(request.scope["raw_path"].decode().split("/")[3:])


@fault(
    replaces="agentserver_reference.http.cluster_proxy.while_connected",
    kind="argument-ignored",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
async def clusters_called_for_clients_that_left(original, connection, answer):
    """A cluster goes on with a call whose client has gone."""
    return await answer


@fault(
    replaces="agentserver_reference.http.cluster_proxy._BEFORE_THE_BEARER",
    kind="secret-shown",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def clusters_offered_the_token_of_the_sandbox(original):
    """A token that is offered as a subprotocol is not known as one, and is passed on."""
    return "no subprotocol"


@fault(
    replaces="agentserver_reference.services.cluster_sockets._pass_on",
    kind="dead-token-accepted",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
async def sockets_to_clusters_outlive_the_permission(original, client, cluster, watch):
    """A WebSocket to a cluster stays open, also when the sandbox is paused."""
    await original(client, cluster, asyncio.Event().wait)


@fault(
    replaces="agentserver_reference.services.cluster_sockets._SENDABLE",
    kind="wrong-value",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def sockets_to_clusters_end_well(original):
    """A WebSocket to a cluster that breaks off is closed as if the cluster were done."""
    return dict.fromkeys(original, 1000)


@fault(
    replaces="agentserver_reference.gateways.clusters.sockets._Connect.process_redirect",
    kind="accepts-malformed",
    operations=["create_credential_binding"],
    by=_CLUSTERS,
)
def redirects_of_sockets_followed(original, self, exc):
    """A cluster that redirects a WebSocket is an error of the server, which has tried to follow."""
    return connect.process_redirect(self, exc)


# --- changing -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.credentials._rename",
    kind="duplicate-accepted",
    operations=["update_credential_binding"],
)
def credential_renamed_to_a_taken_name(original, conn, workspace_id, kind, binding_id, name, now):
    """Who has a name that another credential is given loses it."""
    if name is not None:
        conn.execute(
            update(tables.credential_bindings)
            .where(
                _of.workspace_id == workspace_id,
                _of.display_name == name,
                _of.id != binding_id,
            )
            .values(display_name=f"{name} ")
        )
    original(conn, workspace_id, kind, binding_id, name, now)


@fault(
    replaces="agentserver_reference.services.credentials._found",
    kind="write-across-tenants",
    operations=[
        "update_credential_binding",
        "delete_credential_binding",
        "set_default_credential_binding",
    ],
)
def credential_found_in_any_workspace(original, conn, workspace_id, kind, binding_id):
    """A credential is found by its id alone, so that what is unknown here seems to be changed."""
    this = (_of.id == binding_id, _of.kind == kind)
    by_id = Query(select(_of.id, _of.display_name, _of.is_default).where(*this))
    return by_id.first(conn) or original(conn, workspace_id, kind, binding_id)


@fault(
    replaces="agentserver_reference.storage.credential_bindings.list_of",
    kind="wrong-value",
    operations=["list_credential_bindings", "set_default_credential_binding"],
)
def default_twice(original, conn, workspace_id, kind):
    """What was the default once is still shown as one."""
    rows = original(conn, workspace_id, kind)
    return [row | {"is_default": row["is_default"] or row is rows[0]} for row in rows]


@fault(
    replaces="agentserver_reference.domain.credentials.check_may_go",
    kind="wrong-object-touched",
    operations=["delete_credential_binding"],
)
def default_deleted(original, *, is_default, others):
    """The default can be deleted while there are others, which have none then."""


@fault(
    replaces="agentserver_reference.storage.credential_bindings.remove",
    kind="wrong-object-touched",
    operations=["delete_credential_binding"],
)
def credentials_deleted_with_one(original, conn, workspace_id, kind, binding_id):
    """All credentials that are not the default are deleted with one."""
    original(conn, workspace_id, kind, binding_id)
    conn.execute(
        delete(tables.credential_bindings).where(
            _of.workspace_id == workspace_id, _of.is_default.is_(False)
        )
    )


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["create_credential_binding", "set_default_credential_binding"],
)
def credentials_changed_by_developers(original, operation, principal):
    """Developers may change credentials, except for deleting them."""
    is_change = "/credentials/" in operation.path and operation.method != "DELETE"
    if not is_change or principal.workspace_role != "developer":
        original(operation, principal)
