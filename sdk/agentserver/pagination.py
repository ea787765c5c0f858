"""What list operations return: an immutable sequence, or rows that come page by page.

A list that comes in pages may change between them. Each page but the first therefore begins with
the last row of the one before, so that rows which have moved forward are noticed, and looked for.
Where a page is asked for by the last row of the one before, nothing can move.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import islice
from typing import Any, Final, Generic, TypeGuard, TypeVar, overload

from attrs import define, field, frozen

from ._errors import ResponseValidationError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SHOWN: Final = 3
_MOST_SEARCHES: Final = 20
"""After so many in vain, a list is in no order that lasts, and is read on as it is."""


class Page(Sequence[T_co]):
    """The items of a list operation, in the server's order; slices of it are pages too.

    Args:
        items: The items.
        has_more: Whether the server has more items than this page; false for a complete list.
    """

    __slots__ = ("_has_more", "_items")

    def __init__(self, items: Iterable[T_co] = (), *, has_more: bool = False) -> None:
        self._items = tuple(items)
        self._has_more = has_more

    @property
    def has_more(self) -> bool:
        """Whether the server has more items than this page."""
        return self._has_more

    def pages(self) -> Iterator[Page[T_co]]:
        """Iterate over the pages, as for a list that comes in several: this is the only one."""
        yield self

    def first(self) -> T_co | None:
        """Return the first item; None where there is none."""
        return self._items[0] if self._items else None

    def all(self, limit: int | None = None) -> Page[T_co]:
        """Return the items as one page.

        Args:
            limit: How many at most; None for all.
        """
        return self if limit is None else self[:limit]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the items as a table: one dictionary per item, as JSON has it.

        ``pandas.DataFrame(page.to_dicts())`` and ``csv.DictWriter`` take it as it is. An item that
        is not an object becomes ``{"value": item}``.
        """
        return [_row(item) for item in self._items]

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Page[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Page[T_co]:
        if isinstance(index, slice):
            return Page(self._items[index])
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._items)

    def __reversed__(self) -> Iterator[T_co]:
        return reversed(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __eq__(self, other: object) -> bool:
        if _is_sequence(other):
            return self._items == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        shown = [repr(item)[:300] for item in islice(self._items, _SHOWN)]
        left_out = len(self._items) - len(shown)
        return f"Page([{', '.join(shown)}{f', ... {left_out} more' if left_out else ''}])"


@frozen
class Batch(Generic[T]):
    """What the server sent of a list that comes in pages."""

    rows: Sequence[T]
    total: int
    """How many rows there are; 0 for a list that does not say it."""


@define(eq=False)
class _Walk(Generic[T]):
    """Where in a list the next page begins, which may change between two pages.

    A row that is there all the time and does not move is given exactly once; one that moves is
    never given twice.
    """

    key: Callable[[T], Hashable]
    """What identifies a row."""
    size: int
    """How many new rows a page is to have."""
    most: int
    """How many rows the server sends at once."""
    start: int
    """Where the list is to begin."""
    offset: int = field(init=False)
    is_over: bool = field(default=False, init=False)
    _given: set[Hashable] = field(factory=set, init=False)
    _searches: int = field(default=0, init=False)
    """How often rows that have moved forward were searched for since a new one was found."""
    _is_searching: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.offset = self.start

    @property
    def limit(self) -> int:
        """How many rows to ask for: one that was given before, and the new ones."""
        return min(self.size + bool(self._given), self.most)

    @property
    def position(self) -> int:
        """Where to ask for them."""
        return self.offset

    def take(self, batch: Batch[T]) -> list[T]:
        """The rows that were not given before, of what the server sent from `offset`."""
        keys = [self.key(row) for row in batch.rows]
        if self._has_gap(keys):
            # Rows before this page have gone, so that others have moved forward, past it.
            self._searches += not self._is_searching
            self._is_searching = True
            self.offset = max(self.start, self.offset - self.size)
            return []
        self._is_searching = False
        new = [row for key, row in zip(keys, batch.rows, strict=True) if self._is_new(key)]
        end = self.offset + len(keys)
        self.is_over = not keys or end >= batch.total
        self.offset = end - 1 if new else end
        self._searches = 0 if new else self._searches
        return new

    def _has_gap(self, keys: Sequence[Hashable]) -> bool:
        """Whether rows may be missing between this page and those before it."""
        if self.offset == self.start or (keys and keys[0] in self._given):
            return False
        return self._is_searching or self._searches < _MOST_SEARCHES

    def _is_new(self, key: Hashable) -> bool:
        is_new = key not in self._given
        self._given.add(key)
        return is_new


@define(eq=False)
class _CursorWalk(Generic[T]):
    """Where in a list the next page begins: after the last row of the one before."""

    key: Callable[[T], Hashable]
    size: int
    position: Hashable = None
    is_over: bool = field(default=False, init=False)
    _given: set[Hashable] = field(factory=set, init=False)

    @property
    def limit(self) -> int:
        """How many rows to ask for."""
        return self.size

    def take(self, batch: Batch[T]) -> list[T]:
        """The rows of a page, all of which are new where the server knows the cursor."""
        keys = [self.key(row) for row in batch.rows]
        if not self._given.isdisjoint(keys):
            raise ResponseValidationError(
                f"the server gives the same rows again, so that only {len(self._given)} of the "
                "list can be read: it does not know the cursor"
            )
        self._given.update(keys)
        self.is_over = len(keys) < self.size
        self.position = keys[-1] if keys else self.position
        return list(batch.rows)


@define(eq=False)
class _Pages(Generic[T]):
    """What all kinds of pagers are: the first page, and how to go on from it."""

    answer: Any
    """The answer with the first page, as the server sent it."""
    _read: Callable[[Any], Batch[T]]
    _key: Callable[[T], Hashable]
    _size: int
    _most: int
    _start: Any

    def first(self) -> T | None:
        """Return the first row; None where there is none. Nothing is sent for it."""
        rows = self._read(self.answer).rows
        return rows[0] if rows else None

    @abstractmethod
    def _walk(self) -> _Walk[T] | _CursorWalk[T]:
        """Begin at the first page."""


@define(eq=False)
class _Counted(_Pages[T]):
    """A list whose answers say how many rows there are, and whose pages begin at an offset."""

    @property
    def total(self) -> int:
        """How many rows there were when the list was asked for."""
        return self._read(self.answer).total

    def _walk(self) -> _Walk[T]:
        return _Walk(self._key, self._size, self._most, self._start)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.total} rows>"


@define(eq=False)
class _Uncounted(_Pages[T]):
    """A list whose pages begin after a row of the page before."""

    def _walk(self) -> _CursorWalk[T]:
        return _CursorWalk(self._key, self._size)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} that begins with {len(self._read(self.answer).rows)} rows>"


@define(eq=False, repr=False)
class _SyncPages(_Pages[T]):
    _fetch: Callable[[int, Any], Any] = field(alias="fetch")

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[Page[T]]:
        """Iterate over the pages, each with its new rows."""
        walk, answer = self._walk(), self.answer
        while True:
            rows = walk.take(self._read(answer))
            if rows:
                yield Page(rows, has_more=not walk.is_over)
            if walk.is_over:
                return
            answer = self._fetch(walk.limit, walk.position)

    def all(self, limit: int | None = None) -> Page[T]:
        """Return the rows as one page.

        Args:
            limit: How many at most; None for all.
        """
        return Page(islice(self, limit))


@define(eq=False, repr=False)
class _AsyncPages(_Pages[T]):
    _fetch: Callable[[int, Any], Awaitable[Any]] = field(alias="fetch")

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for row in page:
                yield row

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over the pages, each with its new rows."""
        walk, answer = self._walk(), self.answer
        while True:
            rows = walk.take(self._read(answer))
            if rows:
                yield Page(rows, has_more=not walk.is_over)
            if walk.is_over:
                return
            answer = await self._fetch(walk.limit, walk.position)

    async def all(self, limit: int | None = None) -> Page[T]:
        """Return the rows as one page.

        Args:
            limit: How many at most; None for all.
        """
        rows: list[T] = []
        if limit is None or limit > 0:
            async for row in self:
                rows.append(row)
                if len(rows) == limit:
                    break
        return Page(rows)


@define(eq=False, repr=False)
class Pager(_SyncPages[T], _Counted[T]):
    """The rows of a list that comes in pages: iterate over it, and pages are fetched as needed.

    The first page is there already. A row that is there all the time and does not move is given
    exactly once, whatever comes or goes meanwhile; one that moves is never given twice.
    """


@define(eq=False, repr=False)
class AsyncPager(_AsyncPages[T], _Counted[T]):
    """The rows of a list that comes in pages: iterate over it with ``async for``; see `Pager`."""


@define(eq=False, repr=False)
class CursorPager(_SyncPages[T], _Uncounted[T]):
    """The rows of a list whose pages follow each other: iterate over it as over a `Pager`.

    How many rows there are is not known before the end. Each is given exactly once; what has come
    meanwhile is not given.

    Raises:
        ResponseValidationError: On the way to the second page, from a server that does not know the
            cursor and gives the first page again, such as release v0.64.12.
    """


@define(eq=False, repr=False)
class AsyncCursorPager(_AsyncPages[T], _Uncounted[T]):
    """The rows of a list whose pages follow each other; see `CursorPager`."""


def _row(item: Any) -> dict[str, Any]:
    if hasattr(item, "to_dict"):
        row: dict[str, Any] = item.to_dict()
        return row
    return dict(item) if isinstance(item, Mapping) else {"value": item}


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
