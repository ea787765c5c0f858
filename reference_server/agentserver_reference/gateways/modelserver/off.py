"""No model server."""

from typing import NoReturn

from agentserver_reference.domain.errors import NotConfigured


class ModelServerOff:
    """Rejects every call, because the operator has named no model server."""

    has_models = False

    def page(self, *_: object) -> NoReturn:
        """See ModelServer."""
        raise _missing()

    async def _refuse(self, *_: object) -> NoReturn:
        raise _missing()

    exchange = refresh = introspect = models = _refuse

    def model(self, access_token: str) -> NoReturn:
        """See ModelServer."""
        raise _missing()

    async def close(self) -> None:
        """See ModelServer."""


def _missing() -> NotConfigured:
    return NotConfigured("model server not configured")
