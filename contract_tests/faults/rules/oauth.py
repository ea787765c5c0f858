"""The sign-in of agents: device codes, access and refresh tokens, and what ends them.

What an access token shows is the tool's task. What is outside of the contract (codes, refreshes,
the page on which a person approves) is the task of the server's own tests.
"""

from datetime import timedelta

import attrs
from replacing import fault
from sqlalchemy import update

from agentserver_reference.services import workspaces
from agentserver_reference.storage.tables import device_codes

_SIGN_IN = "sign-in of agents"
_WITH_CLOCK = "with a clock"
_REGISTER = ["register_agent"]
_EMBEDDED = "agentserver_reference.gateways.oauth.embedded.authorization"

# --- access tokens --------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.security.authorize.check_scope",
    kind="scope-not-checked",
    operations=_REGISTER,
)
def any_scope_will_do(original, operation, principal):
    """The scope of an access token is not checked."""


@fault(
    replaces="agentserver_reference.storage.oauth_grants.remove_token",
    kind="dead-token-accepted",
    operations=_REGISTER,
)
def revoked_access_token_works(original, conn, token_hash):
    """A revoked access token still works."""


@fault(
    replaces="agentserver_reference.storage.oauth_grants.remove_of_member",
    kind="dead-token-accepted",
    operations=_REGISTER,
)
def token_of_guest_is_kept(original, conn, workspace_id, user_id):
    """The access token of somebody who was made a guest goes on, and only lacks a role."""


_remembered = {}


@fault(
    replaces="agentserver_reference.storage.oauth_grants.find_holder",
    kind="dead-token-accepted",
    operations=_REGISTER,
)
def token_of_removed_member_works(original, conn, token_hash, now):
    """What an access token said once is remembered, also after the membership has ended."""
    found = original(conn, token_hash, now)
    if found is not None:
        _remembered[token_hash] = found
    return found or _remembered.get(token_hash)


@fault(
    replaces="agentserver_reference.storage.oauth_grants.find_holder",
    kind="dead-token-accepted",
    operations=_REGISTER,
    by=_WITH_CLOCK,
)
def expired_access_token_works(original, conn, token_hash, now):
    """An access token works for a day longer than it says."""
    return original(conn, token_hash, now - timedelta(days=1))


@fault(
    replaces="agentserver_reference.handlers.agents.register_agent",
    kind="wrong-object-touched",
    operations=_REGISTER,
    by=_SIGN_IN,
)
async def registered_in_another_workspace(original, call):
    """An agent is registered in another workspace than its token was approved for."""
    theirs = await workspaces.list_of_member(call.work, call.user_id)
    others = [each["id"] for each in theirs if each["id"] != call.workspace_of_credential]
    call.principal = attrs.evolve(call.principal, workspace_id=others[0])
    return await original(call)


@fault(
    replaces="agentserver_reference.storage.sandboxes.end_tokens_of_member",
    kind="rest-left-behind",
    operations=["update_workspace_member_role"],
)
def agents_of_a_guest_go_on(original, conn, workspace_id, user_id):
    """The agents that somebody registered go on after they were made a guest."""


# --- refresh tokens -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.oauth_grants.use",
    kind="used-twice",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def refresh_token_used_twice(original, conn, token_hash, now):
    """A refresh token gives new tokens as often as it is sent."""
    return True


@fault(
    replaces="agentserver_reference.storage.oauth_grants.remove",
    kind="dead-token-accepted",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def second_use_ends_nothing(original, conn, grant_id):
    """A refresh token that comes twice ends nothing of what came of its sign-in."""


# --- device codes ---------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.device_codes.decide",
    kind="state-raced",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def code_decided_twice(original, conn, user_code_hash, state, *, user_id, workspace_id, now):
    """A code is approved and denied as often as that is asked."""
    same = device_codes.c.user_code_hash == user_code_hash
    values = {"status": state, "user_id": user_id, "workspace_id": workspace_id}
    conn.execute(update(device_codes).where(same).values(values))
    return True


@fault(
    replaces="agentserver_reference.storage.device_codes.redeem",
    kind="used-twice",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def code_redeemed_twice(original, conn, device_code_hash, now):
    """A code gives tokens as often as it is sent."""
    return True


@fault(
    replaces=f"{_EMBEDDED}._Credential.is_expired",
    kind="dead-token-accepted",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def expired_code_accepted(original, self):
    """A code and a refresh token do not expire."""
    return False


@fault(
    replaces=f"{_EMBEDDED}._DeviceCodeGrant.should_slow_down",
    kind="limit-off",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def never_slowed_down(original, self, credential):
    """A program may ask as often as it likes."""
    return False


# --- the page -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.wrong_codes.count",
    kind="limit-off",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def any_number_of_wrong_codes(original, conn, session_hash, now):
    """Codes can be guessed without end."""
    return 0


@fault(
    replaces="agentserver_reference.http.device_pages.form_token",
    kind="no-session-needed",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def form_of_any_session(original, session):
    """A form is accepted whatever session its page was shown in."""
    return "0" * 64


@fault(
    replaces="agentserver_reference.domain.roles.may_register_agents",
    kind="role-too-low",
    operations=_REGISTER,
    by=_SIGN_IN,
)
def guests_approve_too(original, role):
    """Every member may let agents into a workspace."""
    return role is not None
