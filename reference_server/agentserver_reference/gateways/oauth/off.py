"""The disabled OAuth provider."""

from typing import NoReturn

from agentserver_reference.domain.errors import ServiceUnavailable


class OAuthOff:
    """Rejects every call, because the operator has disabled the sign-in of agents."""

    async def _refuse(self, *_: object) -> NoReturn:
        raise ServiceUnavailable("OAuth not configured")

    authorize_device = token = revoke = introspect = _refuse

    async def close(self) -> None:
        """See OAuth."""
