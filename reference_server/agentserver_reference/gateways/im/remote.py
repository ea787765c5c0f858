"""The services as another server uses them, which shares this one's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from agentserver_reference.domain.errors import BadGateway, ServiceUnavailable
from agentserver_reference.gateways.failures import OutsideError

if TYPE_CHECKING:
    from agentserver_reference.gateways.outside import Outside

TIMEOUT = 15.0
"""Seconds for a request, in total: the bridge gives a service ten."""

POLL_TIMEOUT = 45.0
"""Seconds for one that awaits news: the bridge gives a service forty."""


class RemoteIm:
    """Passes requests on to the IM bridge, with the secret that the services share.

    The bridge has the same accounts, and checks again what is permitted. It also receives and
    delivers the messages. httpx is imported with the first request.
    """

    def __init__(self, base_url: str, *, secret: str | None = None) -> None:
        self._base_url = base_url
        self._headers = {} if secret is None else {"x-internal-secret": secret}
        self._outside: Outside | None = None

    async def pass_on(
        self, path: str, body: object, headers: dict[str, str], *, within: float = TIMEOUT
    ) -> tuple[int, bytes]:
        """Repeat a POST at the bridge, and return status and body of its answer.

        Arguments:
            path: the path, escaped.
            body: what is sent as JSON; None: nothing.
            headers: those that say who asks.
            within: seconds for the whole request.

        Raises BadGateway if there is no answer.
        """
        from agentserver_reference.gateways.outside import Outside

        if self._outside is None:
            self._outside = Outside(private_allowed=True)
        sent = {} if body is None else {"json": body}
        sent_headers = {**headers, **self._headers}
        try:
            return await self._outside.send(
                "POST", self._base_url + path, headers=sent_headers, timeout=within, **sent
            )
        except OutsideError as error:
            raise BadGateway(f"the IM bridge {error}") from None

    def of(self, provider: str, /) -> NoReturn:
        """See Im."""
        raise ServiceUnavailable("the IM bridge alone uses the services")

    def weixin_login(self) -> NoReturn:
        """See Im."""
        self.of("weixin")

    async def close(self) -> None:
        """See Im."""
        if self._outside is not None:
            await self._outside.close()
