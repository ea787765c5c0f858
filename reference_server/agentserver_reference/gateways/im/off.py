"""The disabled services."""

from typing import NoReturn

from agentserver_reference.domain.errors import ServiceUnavailable


class ImOff:
    """Has no service, because the operator has disabled messages."""

    def of(self, provider: str, /) -> NoReturn:
        """See Im."""
        raise ServiceUnavailable("messages not configured")

    def weixin_login(self) -> NoReturn:
        """See Im."""
        self.of("weixin")

    async def close(self) -> None:
        """See Im."""
