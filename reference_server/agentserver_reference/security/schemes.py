"""The kinds of credential, by their names in the contract's `securitySchemes`."""

from collections.abc import Mapping

from agentserver_reference.security import agent, session
from agentserver_reference.security.credentials import CredentialKind

SCHEMES: Mapping[str, CredentialKind] = {
    session.SCHEME: session.SESSION,
    agent.SCHEME: agent.AGENT_TOKEN,
}
