"""What a person tells an OAuth provider elsewhere: who they are, and what they permit."""

from __future__ import annotations

from typing import cast

from agentserver_reference.domain.errors import BadRequest, Forbidden
from agentserver_reference.domain.roles import may_register_agents
from agentserver_reference.gateways.oauth.protocol import ConsentProvider, ConsentRequest
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import members


def provider(work: UnitOfWork) -> ConsentProvider:
    """Return the provider; for servers that have one elsewhere."""
    return cast(ConsentProvider, work.context.oauth)


async def log_in(work: UnitOfWork, challenge: str, user_id: str | None) -> str | None:
    """Tell the provider who is signed in, and return where the browser goes on.

    None where the provider does not know who it is, and no person is signed in here.
    """
    known = await provider(work).login_request(challenge)
    subject = known.subject if known.skip else user_id
    return None if subject is None else await provider(work).accept_login(challenge, subject)


async def requested(work: UnitOfWork, challenge: str, user_id: str) -> ConsentRequest:
    """Return what the provider asks a user to permit.

    Raises Forbidden if it asks about another user.
    """
    found = await provider(work).consent_request(challenge)
    if found.subject != user_id:
        raise Forbidden("This request is about another account than the one that is signed in.")
    return found


async def permit(work: UnitOfWork, challenge: str, user_id: str, workspace_id: str) -> str:
    """Permit what is asked in a workspace, and return where the browser goes on.

    Raises:
        BadRequest: no workspace is named.
        Forbidden: the user may not let agents into it, or another user is asked.
    """
    if not workspace_id:
        raise BadRequest("Choose a workspace.")
    found = await requested(work, challenge, user_id)
    role = await work.read(members.role_of, workspace_id, user_id)
    if role is None or not may_register_agents(role):
        raise Forbidden("You may not let agents into this workspace.")
    return await provider(work).accept_consent(challenge, found.scopes, workspace_id, role)


async def refuse(work: UnitOfWork, challenge: str, user_id: str) -> str:
    """Permit nothing, and return where the browser goes on. Raises Forbidden as `requested`."""
    await requested(work, challenge, user_id)
    return await provider(work).reject_consent(challenge)
