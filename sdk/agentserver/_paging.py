"""Lists that come in pages: the first page is fetched by the call, the others by its pager."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen

from ._omit import Omit
from ._operation import AsyncResource, Call, CallOptions, Resource, client_of
from ._response import Response
from .pagination import Batch

T = TypeVar("T")
Row = TypeVar("Row")
Kind = TypeVar("Kind")


@frozen(eq=False, repr=False)
class Paging(Generic[T, Row]):
    """What the contract says of the pages of a list."""

    rows: Callable[[T], Sequence[Row]]
    """The rows of an answer."""
    total: Callable[[T], int] | None
    """How many rows there are in all; None for a list that is paged by a cursor."""
    key: Callable[[Row], Hashable]
    """What identifies a row."""
    size: int
    """How many rows a page has, unless the caller says otherwise."""
    most: int
    """How many rows a page can have."""

    def batch(self, answer: T) -> Batch[Row]:
        """What a pager takes of an answer; release v0.64.12 sends null for no rows."""
        return Batch(self.rows(answer) or (), self.total(answer) if self.total else 0)

    def settings(self, limit: int | Omit, position: Any) -> dict[str, Any]:
        """What a pager needs beside the first answer and how to fetch the others."""
        return {
            "read": self.batch,
            "key": self.key,
            "size": self.size if isinstance(limit, Omit) else limit,
            "most": self.most,
            "start": 0 if isinstance(position, Omit) else position,
        }


def paged(
    resource: Resource,
    paging: Paging[T, Row],
    call: Callable[[int | Omit, Any], Call[T]],
    limit: int | Omit,
    position: Any,
    options: CallOptions,
    kind: Callable[..., Kind],
) -> Kind:
    """Fetch the first page; below `with_raw_response`, the pager is the data of its answer.

    Args:
        resource: what it is fetched through.
        paging: what the contract says.
        call: makes the call for a page, of its limit and its offset or cursor.
        limit: how many rows the caller wants on a page.
        position: the offset or the cursor that the caller gave.
        options: settings of the call.
        kind: the class of the pager.
    """
    client = client_of(resource)
    made: Any = resource._call(call(limit, position), **options)
    answer = made.data if isinstance(made, Response) else made

    def fetch(limit: int, position: Any) -> Any:
        return client._call(call(limit, position), **options)

    pager: Any = kind(answer, fetch=fetch, **paging.settings(limit, position))
    result: Any = evolve(made, data=pager) if isinstance(made, Response) else pager
    return result  # type: ignore[no-any-return]  # what `raw` asks for


async def paged_async(
    resource: AsyncResource,
    paging: Paging[T, Row],
    call: Callable[[int | Omit, Any], Call[T]],
    limit: int | Omit,
    position: Any,
    options: CallOptions,
    kind: Callable[..., Kind],
) -> Kind:
    """Fetch the first page; see `paged`."""
    client = client_of(resource)
    made: Any = await resource._call(call(limit, position), **options)
    answer = made.data if isinstance(made, Response) else made

    async def fetch(limit: int, position: Any) -> Any:
        return await client._call(call(limit, position), **options)

    pager: Any = kind(answer, fetch=fetch, **paging.settings(limit, position))
    result: Any = evolve(made, data=pager) if isinstance(made, Response) else pager
    return result  # type: ignore[no-any-return]  # what `raw` asks for
