"""Tokens for the LLM proxy, and whose they are."""

from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import sandboxes
from agentserver_reference.storage.engine.query import Record


async def holder(work: UnitOfWork, token: str) -> Record:
    """Return whose token it is, whatever state they are in. Raises Unauthenticated."""
    found = await work.read(sandboxes.find_by_token, token_hash(token))
    if found is None:
        raise Unauthenticated("invalid token")
    return {
        "token_type": "sandbox",
        "workspace_id": found["workspace_id"],
        "sandbox_id": found["id"],
        "status": found["status"],
    }
