"""What the SDK sends and reads."""

from replacing import fault

from agentserver._omit import OMIT


@fault(
    replaces="agentserver._generated.api.workspaces.add_workspace_member.call",
    kind="sdk-field-not-sent",
    operations=["add_workspace_member"],
)
def sdk_drops_role(original, workspace_id, *, email, role=OMIT):
    """The role of a new member is not sent."""
    return original(workspace_id, email=email)
