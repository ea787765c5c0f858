"""Lists that come in pages: the first page is fetched by the call, the others by its pager."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen

from ._omit import Omit
from ._operation import AsyncResource, Call, CallOptions, Resource, client_of
from ._response import Response
from .pagination import AsyncPager, Batch, Pager

T = TypeVar("T")
Row = TypeVar("Row")


@frozen
class Paging(Generic[T, Row]):
    """What the contract says of the pages of a list."""

    rows: Callable[[T], Sequence[Row]]
    """The rows of an answer."""
    total: Callable[[T], int]
    """How many rows there are in all."""
    key: Callable[[Row], Hashable]
    """What identifies a row."""
    size: int
    """How many rows a page has, unless the caller says otherwise."""
    most: int
    """How many rows a page can have."""

    def batch(self, answer: T) -> Batch[Row]:
        """What a pager takes of an answer; release v0.64.12 sends null for no rows."""
        return Batch(self.rows(answer) or (), self.total(answer))

    def settings(self, limit: int | Omit, offset: int | Omit) -> dict[str, Any]:
        """What a pager needs beside the first answer and how to fetch the others."""
        return {
            "read": self.batch,
            "key": self.key,
            "size": self.size if isinstance(limit, Omit) else limit,
            "most": self.most,
            "start": 0 if isinstance(offset, Omit) else offset,
        }


def paged(
    resource: Resource,
    paging: Paging[T, Row],
    call: Callable[[int | Omit, int | Omit], Call[T]],
    limit: int | Omit,
    offset: int | Omit,
    options: CallOptions,
) -> Pager[Row]:
    """Fetch the first page; below `with_raw_response`, the pager is the data of its answer."""
    client = client_of(resource)
    made: Any = resource._call(call(limit, offset), **options)
    answer = made.data if isinstance(made, Response) else made

    def fetch(limit: int, offset: int) -> Any:
        return client._call(call(limit, offset), **options)

    pager: Pager[Row] = Pager(answer, fetch=fetch, **paging.settings(limit, offset))
    result: Any = evolve(made, data=pager) if isinstance(made, Response) else pager
    return result  # type: ignore[no-any-return]  # what `raw` asks for


async def paged_async(
    resource: AsyncResource,
    paging: Paging[T, Row],
    call: Callable[[int | Omit, int | Omit], Call[T]],
    limit: int | Omit,
    offset: int | Omit,
    options: CallOptions,
) -> AsyncPager[Row]:
    """Fetch the first page; see `paged`."""
    client = client_of(resource)
    made: Any = await resource._call(call(limit, offset), **options)
    answer = made.data if isinstance(made, Response) else made

    async def fetch(limit: int, offset: int) -> Any:
        return await client._call(call(limit, offset), **options)

    pager: AsyncPager[Row] = AsyncPager(answer, fetch=fetch, **paging.settings(limit, offset))
    result: Any = evolve(made, data=pager) if isinstance(made, Response) else pager
    return result  # type: ignore[no-any-return]  # what `raw` asks for
