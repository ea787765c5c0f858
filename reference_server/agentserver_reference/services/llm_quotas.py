"""The language-model quotas of workspaces, which the LLM proxy manages."""

from agentserver_reference.gateways.llm.protocol import Quota
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import workspaces


async def get(work: UnitOfWork, workspace_id: str) -> Quota:
    """Return the quota of a workspace that the caller is a member of."""
    return await work.context.llm_proxy.quota(workspace_id)


async def get_of_any(work: UnitOfWork, workspace_id: str) -> Quota:
    """Return the quota of any workspace. Raises NotFound."""
    await work.read(workspaces.check_exists, workspace_id)
    return await work.context.llm_proxy.quota(workspace_id)


async def set_of_any(work: UnitOfWork, workspace_id: str, max_rpd: int | None) -> None:
    """Replace the limit of any workspace. Raises NotFound."""
    await work.check(workspaces.check_exists, workspace_id)
    await work.context.llm_proxy.set_quota(workspace_id, max_rpd)


async def delete_of_any(work: UnitOfWork, workspace_id: str) -> None:
    """Remove the limit of any workspace, if there is one. Raises NotFound."""
    await work.check(workspaces.check_exists, workspace_id)
    await work.context.llm_proxy.delete_quota(workspace_id)
