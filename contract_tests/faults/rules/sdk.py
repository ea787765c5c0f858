"""What the SDK sends: paths, arguments, and where its two clients differ."""

from urllib.parse import quote

from replacing import fault

from agentserver._omit import OMIT

# --- paths ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver._encode.segment",
    kind="sdk-path-encoding",
    operations=["get_workspace", "remove_workspace_member"],
)
def sdk_keeps_slash_in_path(original, name, value, unescaped=""):
    """A slash in an id reaches another operation."""
    return original(name, value, "/" + unescaped)


@fault(
    replaces="agentserver._encode.segment",
    kind="sdk-path-encoding",
    operations=["get_workspace", "admin_get_user_quota"],
)
def sdk_path_not_encoded(original, name, value, unescaped=""):
    """Ids are not encoded in paths."""
    original(name, value, unescaped)
    return value


@fault(
    replaces="agentserver._encode.segment",
    kind="sdk-path-encoding",
    operations=["get_workspace", "admin_get_user_quota"],
)
def sdk_path_encoded_twice(original, name, value, unescaped=""):
    """Ids are encoded twice."""
    return quote(original(name, value, unescaped))


@fault(
    replaces="agentserver._encode.segment",
    kind="sdk-path-encoding",
    operations=["admin_delete_user_quota"],
    by="sdk tests",
)
def sdk_takes_dots_in_path(original, name, value, unescaped=""):
    """`..` as an id reaches another operation."""
    return value if value in (".", "..") else original(name, value, unescaped)


@fault(
    replaces="agentserver._encode.segment",
    kind="sdk-path-encoding",
    operations=["get_workspace", "delete_workspace"],
)
def sdk_takes_empty_id(original, name, value, unescaped=""):
    """An empty id reaches another path."""
    return value if value == "" else original(name, value, unescaped)


@fault(
    replaces="agentserver._generated.api.workspaces.remove_workspace_member.call",
    kind="sdk-swaps-arguments",
    operations=["remove_workspace_member"],
)
def sdk_swaps_path_parameters(original, workspace_id, user_id):
    """The path has workspace and account swapped."""
    return original(user_id, workspace_id)


# --- the fields of a body -------------------------------------------------------------------------


@fault(
    replaces="agentserver._generated.api.auth.register_user.call",
    kind="sdk-swaps-arguments",
    operations=["register_user"],
)
def sdk_swaps_credentials(original, *, email, password):
    """E-mail address and password are swapped."""
    return original(email=password, password=email)


@fault(
    replaces="agentserver._generated.api.auth.register_user.call",
    kind="sdk-alters-value",
    operations=["register_user"],
)
def sdk_lowers_address(original, *, email, password):
    """An address is sent in lower case."""
    return original(email=email.lower(), password=password)


@fault(
    replaces="agentserver._generated.api.admin.admin_set_workspace_quota.call",
    kind="sdk-swaps-arguments",
    operations=["admin_set_workspace_quota"],
)
def sdk_crosses_limits(original, *args, **kwargs):
    """The memory of one sandbox is sent as the total."""
    crossed = {"max_total_memory": kwargs.get("max_sandbox_memory", OMIT)}
    return original(*args, **{**kwargs, **crossed})


@fault(
    replaces="agentserver._generated.api.admin.admin_set_quota_defaults.call",
    kind="sdk-field-not-sent",
    operations=["admin_set_quota_defaults"],
)
def sdk_drops_field(original, *args, **kwargs):
    """One of the limits is not sent."""
    return original(*args, **{**kwargs, "ws_max_idle_timeout": OMIT})


@fault(
    replaces="agentserver._generated.api.workspaces.add_workspace_member.call",
    kind="sdk-field-not-sent",
    operations=["add_workspace_member"],
)
def sdk_drops_role(original, workspace_id, *, email, role=OMIT):
    """The role of a new member is not sent."""
    return original(workspace_id, email=email)


@fault(
    replaces="agentserver._generated.api.workspaces.add_workspace_member.call",
    kind="sdk-sends-unset",
    operations=["add_workspace_member"],
)
def sdk_sends_default_role(original, workspace_id, *, email, role=OMIT):
    """A role that was left out is sent as `developer`."""
    return original(workspace_id, email=email, role="developer" if role is OMIT else role)


# --- the asynchronous client ----------------------------------------------------------------------


@fault(
    replaces="agentserver._generated.resources.workspaces_members.AsyncWorkspacesMembers.remove",
    kind="sdk-async-differs",
    operations=["remove_workspace_member"],
)
async def sdk_async_swaps_path_parameters(original, self, workspace_id, user_id, **options):
    """The asynchronous client swaps workspace and account."""
    return await original(self, user_id, workspace_id, **options)


@fault(
    replaces="agentserver._generated.resources.workspaces_members.AsyncWorkspacesMembers.add",
    kind="sdk-async-differs",
    operations=["add_workspace_member"],
)
async def sdk_async_drops_role(original, self, workspace_id, *, email, role=OMIT, **options):
    """The asynchronous client does not send the role of a new member."""
    return await original(self, workspace_id, email=email, **options)
