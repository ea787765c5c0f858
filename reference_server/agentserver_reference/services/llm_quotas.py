"""How many language-model requests a workspace may make, as the LLM proxy counts them."""

from agentserver_reference.gateways.llm.protocol import Quota
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import workspaces


async def get(work: UnitOfWork, workspace_id: str) -> Quota:
    """The quota of a workspace that the caller belongs to."""
    return await work.context.llm_proxy.quota(workspace_id)


async def get_of_any(work: UnitOfWork, workspace_id: str) -> Quota:
    """The quota of any workspace. Raises NotFound for an unknown one."""
    await work.read(workspaces.check_exists, workspace_id)
    return await work.context.llm_proxy.quota(workspace_id)


async def set_of_any(work: UnitOfWork, workspace_id: str, max_rpd: int | None) -> None:
    """Replace the limit of any workspace. Raises NotFound for an unknown one."""
    await work.check(workspaces.check_exists, workspace_id)
    await work.context.llm_proxy.set_quota(workspace_id, max_rpd)


async def delete_of_any(work: UnitOfWork, workspace_id: str) -> None:
    """Remove the limit of any workspace. Raises NotFound for an unknown one."""
    await work.check(workspaces.check_exists, workspace_id)
    await work.context.llm_proxy.delete_quota(workspace_id)
