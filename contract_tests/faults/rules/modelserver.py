"""Connections of workspaces to the model server."""

from replacing import fault
from sqlalchemy import delete, select

from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.storage import llm_configs, modelserver_connections, tables
from agentserver_reference.storage.engine.query import Query
from agentserver_reference.storage.locks import Lock

_state = tables.modelserver_states.c
_taken = (_state.workspace_id, _state.redirect_uri, _state.verifier_encrypted)

# --- beginning ------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.gateways.modelserver.authorization_request.SCOPES",
    kind="wrong-value",
    operations=["connect_modelserver"],
)
def no_access_without_the_person(original):
    """The page is not asked for access that lasts."""
    return original[:1]


# --- coming back ----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.modelserver_states.take",
    kind="used-twice",
    operations=["connect_modelserver"],
)
def state_used_again(original, conn, state_hash, user_id, now):
    """A state is not used up."""
    here = Query(select(*_taken).where(_state.state_hash == state_hash, _state.user_id == user_id))
    return here.first(conn)


@fault(
    replaces="agentserver_reference.storage.modelserver_states.take",
    kind="write-across-tenants",
    operations=["connect_modelserver"],
)
def state_of_another_person(original, conn, state_hash, user_id, now):
    """A state is used by whoever sends it."""
    this = (_state.state_hash == state_hash,)
    found = Query(select(*_taken).where(*this)).first(conn)
    conn.execute(delete(tables.modelserver_states).where(*this))
    return found


@fault(
    replaces="agentserver_reference.services.modelserver._check_member",
    kind="role-too-low",
    operations=["connect_modelserver"],
)
def role_at_the_beginning_alone(original, conn, workspace_id, user_id):
    """Who has lost the role in between completes a connection."""


@fault(
    replaces="agentserver_reference.services.modelserver.complete",
    kind="refused-write-has-effect",
    operations=["connect_modelserver"],
)
async def failure_loses_own_endpoint(original, work, user_id, query):
    """A connection that fails removes the workspace's own endpoint."""
    outcome = await original(work, user_id, query)
    if outcome.message:
        await work.write(Lock(), llm_configs.remove, outcome.workspace_id)
    return outcome


@fault(
    replaces="agentserver_reference.services.modelserver.begin",
    kind="wrong-object-touched",
    operations=["connect_modelserver"],
)
async def endpoint_lost_at_the_beginning(original, work, workspace_id, user_id, server):
    """The workspace's own endpoint goes as soon as a connection is begun."""
    page = await original(work, workspace_id, user_id, server)
    await work.write(Lock(workspace=workspace_id), llm_configs.remove, workspace_id)
    return page


@fault(
    replaces="agentserver_reference.gateways.modelserver.embedded.issuer._OnlyS256",
    kind="accepts-malformed",
    operations=["connect_modelserver"],
)
def code_verifier_not_checked(original):
    """Whoever has a code gets its tokens, without the verifier of its challenge."""

    class Unchecked(original):
        def validate_code_verifier(self, grant, result):
            """Take any."""

    return Unchecked


@fault(
    replaces="agentserver_reference.services.modelserver._code_of",
    kind="missing-is-accepted",
    operations=["connect_modelserver"],
)
def denied_code_is_used(original, query):
    """What the person has denied is not looked at, if there is a code."""
    return original({name: value for name, value in query.items() if name != "error"})


@fault(
    replaces="agentserver_reference.storage.modelserver_states.replace",
    kind="used-twice",
    operations=["connect_modelserver"],
)
def first_state_of_a_person_counts(
    original,
    conn,
    workspace_id,
    user_id,
    *,
    state_hash,
    redirect_uri,
    verifier_encrypted,
    expires_at,
):
    """What a person has begun before still counts, and what is begun later does not."""
    before = Query(
        select(_state.state_hash).where(
            _state.workspace_id == workspace_id, _state.user_id == user_id
        )
    ).first(conn)
    if before is None:
        original(
            conn,
            workspace_id,
            user_id,
            state_hash=state_hash,
            redirect_uri=redirect_uri,
            verifier_encrypted=verifier_encrypted,
            expires_at=expires_at,
        )


# --- what is stored -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.modelserver_connections.store",
    kind="write-not-stored",
    operations=["connect_modelserver"],
)
def connection_not_stored(original, conn, workspace_id, *, project, models, sealed, now):
    """A connection is said to be made, and is not stored."""


@fault(
    replaces="agentserver_reference.storage.modelserver_connections.store",
    kind="wrong-value",
    operations=["get_modelserver_status"],
)
def first_time_forgotten(original, conn, workspace_id, *, project, models, sealed, now):
    """Connecting again changes the time of the first connection."""
    modelserver_connections.remove(conn, workspace_id)
    original(conn, workspace_id, project=project, models=models, sealed=sealed, now=now)


@fault(
    replaces="agentserver_reference.services.modelserver._connect",
    kind="rest-left-behind",
    operations=["connect_modelserver"],
)
def own_endpoint_stays(original, conn, workspace_id, user_id, project, models, sealed, now):
    """The workspace's own endpoint is still there beside the connection."""
    config = llm_configs.find(conn, workspace_id)
    original(conn, workspace_id, user_id, project, models, sealed, now)
    if config is not None:
        llm_configs.store(
            conn,
            workspace_id,
            base_url=config["base_url"],
            api_key_encrypted=config["api_key_encrypted"],
            models=config["models"],
            now=now,
        )


# --- what is shown and removed --------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.modelserver.status",
    kind="secret-shown",
    operations=["get_modelserver_status"],
)
async def token_of_a_connection_shown(original, work, workspace_id):
    """Members are shown the access token."""
    shown = await original(work, workspace_id)
    sealed = await work.read(modelserver_connections.tokens, workspace_id)
    if sealed is None:
        return shown
    place = {"row": workspace_id, "column": modelserver_connections.ACCESS_COLUMN}
    token = work.context.cipher.decrypt(sealed["access_token_encrypted"], **place)
    return shown | {"access_token": token}


@fault(
    replaces="agentserver_reference.storage.modelserver_connections.find",
    kind="read-across-tenants",
    operations=["get_modelserver_status"],
)
def connection_of_any_workspace(original, conn, workspace_id):
    """Where a workspace is not connected, the connection of another one is shown."""
    any_one = conn.execute(select(tables.modelserver_connections.c.workspace_id).limit(1)).first()
    shown = original(conn, workspace_id)
    return shown if shown or any_one is None else original(conn, any_one[0])


@fault(
    replaces="agentserver_reference.storage.modelserver_connections.remove",
    kind="wrong-object-touched",
    operations=["disconnect_modelserver"],
)
def every_workspace_disconnected(original, conn, workspace_id):
    """All workspaces are disconnected with one."""
    conn.execute(delete(tables.modelserver_connections))


@fault(
    replaces="agentserver_reference.storage.modelserver_connections.remove",
    kind="delete-does-nothing",
    operations=["disconnect_modelserver"],
)
def workspace_stays_connected(original, conn, workspace_id):
    """A connection is said to be forgotten, and stays."""


@fault(
    replaces="agentserver_reference.services.modelserver.begin",
    kind="wrong-value",
    operations=["connect_modelserver"],
)
async def one_state_for_all(original, work, workspace_id, user_id, server):
    """The address has the state of its workspace, which everybody can make up."""
    page = await original(work, workspace_id, user_id, server)
    before, _, after = page.partition("&state=")
    return f"{before}&state={token_hash(workspace_id)[:32]}&{after.partition('&')[2]}"


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["connect_modelserver", "disconnect_modelserver"],
)
def connected_by_developers(original, operation, principal):
    """Developers may connect and disconnect a workspace."""
    is_change = "/modelserver/" in operation.path
    if not is_change or principal.workspace_role != "developer":
        original(operation, principal)
