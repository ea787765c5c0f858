"""A whole answer: the result of a call, with its status, headers and request id."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, cast

from attrs import field, frozen

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


@frozen
class Response(Generic[T_co]):
    """What `with_raw_response` and `request` return.

    Attributes:
        data: the result; of `request`, the parsed JSON, a text, bytes of another media type, or
            None for an answer without content.
        status_code: the status that the server sent.
        headers: the headers of the answer, names in lower case, without ``Set-Cookie``. Its repr
            does not show them, as they may contain a credential.
        request_id: the id that the server gave the request, else the one that was sent.
        attempts: how often the request was sent.
        elapsed: seconds from the start of the call.
    """

    data: T_co
    status_code: int
    headers: Mapping[str, str] = field(repr=False, hash=False)
    request_id: str
    attempts: int
    elapsed: float


def raw(method: Callable[P, T]) -> Callable[P, Response[T]]:
    """Give a method of a resource the type that it has below `with_raw_response`."""
    return cast("Callable[P, Response[T]]", method)


def raw_async(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, Response[T]]]:
    """Give a method of an asynchronous resource the type it has below `with_raw_response`."""
    return cast("Callable[P, Coroutine[Any, Any, Response[T]]]", method)
