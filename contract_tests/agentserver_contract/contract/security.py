"""The credentials that operations take, by the security schemes of the contract."""

from __future__ import annotations

from agentserver_contract.contract.document import Contract, Operation

COOKIE = "cookie"
"""A credential in a cookie: the session of a person."""
BEARER = "bearer"
"""A credential in the header `Authorization`."""


def kind_of(contract: Contract, scheme: str) -> str:
    """How the credential of a security scheme is sent: COOKIE or BEARER."""
    return COOKIE if contract.components("securitySchemes")[scheme].get("in") == COOKIE else BEARER


def kinds_of(contract: Contract, operation: Operation) -> tuple[str, ...]:
    """How an operation's credentials are sent, in the order of the contract, each once."""
    return tuple(dict.fromkeys(kind_of(contract, scheme) for scheme in operation.schemes))
