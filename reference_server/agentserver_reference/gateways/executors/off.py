"""The disabled gateway of executors."""

from typing import NoReturn

from agentserver_reference.domain.errors import ServiceUnavailable


class ExecutorsOff:
    """Rejects every call, because the operator has disabled executors."""

    async def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise ServiceUnavailable("executors not configured")

    register = list_of = unbind = _refuse

    async def close(self) -> None:
        """See Executors."""
