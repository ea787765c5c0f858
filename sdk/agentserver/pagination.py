"""What list operations return: a `Page`, or rows that come page by page.

A list that comes in pages may change between them. Each page but the first therefore begins with
the last row of the one before, so that rows which have moved forward are noticed, and looked for.
Where a page is asked for by the last row of the one before, nothing can move.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    AsyncIterator,
    Callable,
    Hashable,
    Iterator,
    Sequence,
)
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from attrs import define, field, frozen

from ._errors import ResponseValidationError
from ._page import Page

__all__ = ["AsyncCursorPager", "AsyncPager", "CursorPager", "Page", "Pager"]

T = TypeVar("T")

_MOST_SEARCHES: Final = 20
"""After so many in vain, a list is in no order that lasts, and is read on as it is."""


@frozen(eq=False, repr=False)
class Batch(Generic[T]):
    """What the server sent of a list that comes in pages."""

    rows: Sequence[T]
    total: int
    """How many rows there are; 0 for a list that does not say it."""


@define(eq=False, repr=False)
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


@define(eq=False, repr=False)
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


@define(eq=False, repr=False)
class _Pages(Generic[T]):
    """What all kinds of pagers are: the first page, and how to go on from it."""

    answer: Any
    """The answer with the first page, as the server sent it."""
    _read: Callable[[Any], Batch[T]]
    _key: Callable[[T], Hashable]
    _size: int
    _most: int
    _start: Any
    _fetch: Callable[[int, Any], Any]
    """Asks for a page; a coroutine function for asynchronous pagers."""

    def first(self) -> T | None:
        """Return the first row; None where there is none. Nothing is sent for it."""
        rows = self._read(self.answer).rows
        return rows[0] if rows else None

    @abstractmethod
    def _walk(self) -> _Walk[T] | _CursorWalk[T]:
        """Begin at the first page."""


class _Counted(_Pages[T]):
    """A list whose answers say how many rows there are, and whose pages begin at an offset."""

    __slots__ = ()

    @property
    def total(self) -> int:
        """How many rows there were when the list was asked for."""
        return self._read(self.answer).total

    def _walk(self) -> _Walk[T]:
        return _Walk(self._key, self._size, self._most, self._start)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.total} rows>"


class _Uncounted(_Pages[T]):
    """A list whose pages begin after a row of the page before."""

    __slots__ = ()

    def _walk(self) -> _CursorWalk[T]:
        return _CursorWalk(self._key, self._size)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} that begins with {len(self._read(self.answer).rows)} rows>"


class _SyncPages(_Pages[T]):
    __slots__ = ()

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


class _AsyncPages(_Pages[T]):
    __slots__ = ()

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


class Pager(_SyncPages[T], _Counted[T]):
    """The rows of a list that comes in pages: iterate over it, and pages are fetched as needed.

    The first page is there already. A row that is there all the time and does not move is given
    exactly once, whatever comes or goes meanwhile; one that moves is never given twice.
    """

    __slots__ = ()


class AsyncPager(_AsyncPages[T], _Counted[T]):
    """The rows of a list that comes in pages: iterate over it with ``async for``; see `Pager`."""

    __slots__ = ()


class CursorPager(_SyncPages[T], _Uncounted[T]):
    """The rows of a list whose pages follow each other: iterate over it as over a `Pager`.

    How many rows there are is not known before the end. Each is given exactly once; what has come
    meanwhile is not given.

    Raises:
        ResponseValidationError: On the way to the second page, from a server that does not know the
            cursor and gives the first page again, such as release v0.64.12.
    """

    __slots__ = ()


class AsyncCursorPager(_AsyncPages[T], _Uncounted[T]):
    """The rows of a list whose pages follow each other; see `CursorPager`."""

    __slots__ = ()
