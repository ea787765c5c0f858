"""The value of an omitted argument, which is not the same as None."""

from __future__ import annotations

from typing import Final, final


@final
class Omit:
    """The type of `OMIT`, the value of an omitted argument, which is not sent."""

    __slots__ = ()
    _only: Omit | None = None

    def __new__(cls) -> Omit:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "OMIT"

    def __reduce__(self) -> str:
        return "OMIT"

    def __copy__(self) -> Omit:
        return self

    def __deepcopy__(self, memo: object) -> Omit:
        return self


OMIT: Final = Omit()
"""Passing it as an argument is the same as omitting the argument."""
