"""An operation as the contract describes it, and one call of it, ready to send."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypedDict, TypeVar, Unpack

from attrs import field, frozen

from ._omit import OMIT

if TYPE_CHECKING:
    from agentserver._decoding import Decoding
    from agentserver._options import Timeout
    from agentserver._secret import Secret

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Decoder: TypeAlias = "Callable[[Any, Decoding], T_co]"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_IDEMPOTENT_METHODS: Final = _SAFE_METHODS | {"PUT", "DELETE"}


class Redirect(Enum):
    """Marks a redirect that is not followed, since its address is the result."""

    REDIRECT = "redirect"


REDIRECT: Final = Redirect.REDIRECT


class Untyped(Enum):
    """Marks a success whose content the contract does not describe."""

    UNTYPED = "untyped"


UNTYPED: Final = Untyped.UNTYPED


@frozen(eq=False)
class Operation(Generic[T_co]):
    """One operation of the contract."""

    id: str
    """The `operationId`."""
    method: str
    """In upper case."""
    path: str
    """The template, as in `/api/workspaces/{workspace_id}`."""
    security: tuple[str, ...]
    """Names of the security schemes, of which one is enough; empty where none is needed."""
    security_optional: bool
    """Whether the operation also answers callers without a credential."""
    success: Mapping[int, Decoder[T_co] | Redirect | Untyped | None] = field(repr=False)
    """The decoder of the parsed JSON, by documented status of a success: `None` where there is no
    content, `REDIRECT` where the address in `Location` is the result, and `UNTYPED` where it is
    any content.
    """
    errors: Mapping[int, str] = field(repr=False)
    """Every other documented status, with its description in the contract."""
    consumes: bool = False
    """Whether a GET changes state, so that sending it twice is not the same as sending it once."""
    has_key: bool = False
    """Whether each call has an `Idempotency-Key`, by which the server knows it again."""

    def decoder(self, status: int) -> Decoder[T_co] | Redirect | Untyped | None:
        """Return the decoder of a success; an undocumented status is read like the first."""
        known = self.success
        return known[status] if status in known else next(iter(known.values()))

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice leaves the server as sending it once does."""
        return self.has_key or (self.method in _IDEMPOTENT_METHODS and not self.consumes)

    @property
    def safe(self) -> bool:
        """Whether it only reads."""
        return self.method in _SAFE_METHODS and not self.consumes


class Form(dict[str, "str | Secret"]):
    """A body that is sent as a form, as OAuth wants it; the call has `FORM_HEADERS` with it."""


FORM_HEADERS: Final = (("Content-Type", "application/x-www-form-urlencoded"),)


@frozen
class Call(Generic[T_co]):
    """One operation with the arguments of one call, ready to send."""

    operation: Operation[T_co]
    path: str
    """Complete and percent-encoded, without dot segments."""
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values, not yet encoded."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values of the header parameters."""
    body: Any = field(default=OMIT, repr=False)
    """Parsed JSON, in which a string may be wrapped in a `Secret`; a `Form`; `OMIT` for no body."""
    time_limit: float | None = None
    """Seconds that it may take, whatever the client's settings are; None where those count."""


class CallOptions(TypedDict, total=False):
    """Settings for one call, which every method takes beside its own arguments.

    Each is that of `Client.with_options`; what is left out is as the client has it.
    """

    timeout: float | Timeout
    deadline: float
    max_retries: int
    extra_headers: Mapping[str, str | Secret]


class Caller(ABC):
    """What the resources call through: `Client` is one."""

    __slots__ = ()

    @abstractmethod
    def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        """Send the call and return its result, or raise the error that stands for the answer."""


class AsyncCaller(ABC):
    """What the asynchronous resources call through: `AsyncClient` is one."""

    __slots__ = ()

    @abstractmethod
    async def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        """Send the call and return its result, or raise the error that stands for the answer."""


class Resource(Caller):
    """A node of the tree that hangs off a client; it calls through what it hangs off."""

    __slots__ = ("_parent",)

    def __init__(self, parent: Caller) -> None:
        self._parent = parent

    def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        return self._parent._call(call, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {root(self)!r}>"


class AsyncResource(AsyncCaller):
    """A node of the tree that hangs off an asynchronous client."""

    __slots__ = ("_parent",)

    def __init__(self, parent: AsyncCaller) -> None:
        self._parent = parent

    async def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        return await self._parent._call(call, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {root(self)!r}>"


def root(resource: Any) -> Any:
    """What a resource hangs off in the end: a client."""
    while isinstance(resource, (Resource, AsyncResource)):
        resource = resource._parent
    return resource


def client_of(resource: Resource | AsyncResource) -> Any:
    """The client that a resource hangs off, also below `with_raw_response`."""
    found = root(resource)
    return getattr(found, "_client", found)
