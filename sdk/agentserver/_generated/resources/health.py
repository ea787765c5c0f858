"""The resource `client.health`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.health import check_health
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    pass


class Health(Resource):
    """`client.health`: Whether the server is up."""

    __slots__ = ()

    def check(self) -> None:
        """Check whether the server is up.

        Returns 200 with an empty body as soon as the server accepts requests.

        Operation `check_health`: `GET /healthz`. Required role: `none`.
        """
        return self._call(check_health.call())


class AsyncHealth(AsyncResource):
    """`client.health`: Whether the server is up."""

    __slots__ = ()

    async def check(self) -> None:
        """Check whether the server is up.

        Returns 200 with an empty body as soon as the server accepts requests.

        Operation `check_health`: `GET /healthz`. Required role: `none`.
        """
        return await self._call(check_health.call())
