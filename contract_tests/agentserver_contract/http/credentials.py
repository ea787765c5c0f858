"""Which of a caller's credentials belongs in a request."""

from __future__ import annotations

from dataclasses import dataclass, field

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.contract.security import COOKIE, kinds_of
from agentserver_contract.http.messages import Request

# Credentials that no server has given to anybody.
_SPARE_SESSION = "5a" * 32
_SPARE_TOKEN = "spare-token"  # noqa: S105 - opens nothing


@dataclass(frozen=True)
class Credentials:
    """A session and a bearer token; None where there is none."""

    session: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, request: Request) -> Credentials:
        """Those that a request carries."""
        return cls(request.session or None, request.bearer or None)

    def chosen_for(self, contract: Contract, operation: Operation) -> Credentials:
        """The one to call an operation with: of the first scheme of the contract that it is for."""
        for kind in kinds_of(contract, operation):
            if kind == COOKIE and self.session is not None:
                return Credentials(session=self.session)
            if kind != COOKIE and self.token is not None:
                return Credentials(token=self.token)
        return Credentials()

    def with_spare(self, contract: Contract, operation: Operation) -> Credentials:
        """The same, and others beside them that must not be sent with a call of the operation."""
        chosen = self.chosen_for(contract, operation)
        session, token = self.session or _SPARE_SESSION, self.token or _SPARE_TOKEN
        richer = (
            Credentials(session, token),
            Credentials(self.session, token),
            Credentials(session, self.token),
        )
        return next(
            (each for each in richer if each.chosen_for(contract, operation) == chosen), self
        )

    def __str__(self) -> str:
        names = [name for name in ("session", "token") if getattr(self, name) is not None]
        return " and ".join(names) or "none"
