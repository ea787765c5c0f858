"""The resource `client.health`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.health import check_health
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._operation import CallOptions


class Health(Resource):
    """`client.health`: Whether the server is up."""

    __slots__ = ()

    def check(self, **options: Unpack[CallOptions]) -> None:
        """Check whether the server is up.

        Returns 200 with an empty body as soon as the server accepts requests.

        Operation `check_health`: `GET /healthz`. Required role: `none`.
        """
        return self._call(check_health.call(), **options)


class AsyncHealth(AsyncResource):
    """`client.health`: Whether the server is up."""

    __slots__ = ()

    async def check(self, **options: Unpack[CallOptions]) -> None:
        """Check whether the server is up.

        Returns 200 with an empty body as soon as the server accepts requests.

        Operation `check_health`: `GET /healthz`. Required role: `none`.
        """
        return await self._call(check_health.call(), **options)


class RawHealth:
    """`client.with_raw_response.health`, whose methods return a `Response`."""

    def __init__(self, resource: Health) -> None:
        self._resource = resource
        self.check = _raw(resource.check)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawHealth:
    """`client.with_raw_response.health`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncHealth) -> None:
        self._resource = resource
        self.check = _raw_async(resource.check)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
