"""The kinds of credential that this server knows, by their names in the contract."""

from collections.abc import Mapping

from agentserver_reference.security import session
from agentserver_reference.security.credentials import CredentialKind

SCHEMES: Mapping[str, CredentialKind] = {
    session.SCHEME: session.SESSION,
}
