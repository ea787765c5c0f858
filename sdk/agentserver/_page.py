"""What list operations return: an immutable sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeGuard, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)

_SHOWN: Final = 3


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


def _row(item: Any) -> dict[str, Any]:
    if hasattr(item, "to_dict"):
        row: dict[str, Any] = item.to_dict()
        return row
    return dict(item) if isinstance(item, Mapping) else {"value": item}


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
