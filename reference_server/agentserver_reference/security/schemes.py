"""The kinds of credential, by their names in the contract's `securitySchemes`."""

from collections.abc import Mapping

from agentserver_reference.security import access_token, agent, api_key, session
from agentserver_reference.security.credentials import CredentialKind

SCHEMES: Mapping[str, CredentialKind] = {
    session.SCHEME: session.SESSION,
    access_token.SCHEME: access_token.ACCESS_TOKEN,
    agent.SCHEME: agent.AGENT_TOKEN,
    api_key.SCHEME: api_key.API_KEY,
}
