"""How a client is set up: where it calls, how long it waits, how it connects."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from attrs import field, frozen

from ._errors import ConfigurationError
from ._secret import Secret

if TYPE_CHECKING:
    import ssl

Retry: TypeAlias = Literal["safe", "always"]
Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port."""
Verify: TypeAlias = "bool | str | os.PathLike[str] | ssl.SSLContext"

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Stricter than RFC 3986 on purpose: what two URL parsers could read in two ways is refused.
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\\/?#@:\[\]%<>\"'^`{|}]+)(:\d{1,5})?")
_PROXY = re.compile(r"(https?|socks5h?)://[^\s/]+/?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VISIBLE = r"[\x21-\x7e\xa0-\xff]"
_FIELD_VALUE = re.compile(rf"({_VISIBLE}([\t ]*{_VISIBLE}+)*)?")
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


class Transport(Protocol):
    """What `Client` can send through instead of its own connections; any httpx transport is one."""

    def handle_request(self, request: Any, /) -> Any:
        """Send one request and return its response."""

    def close(self) -> None:
        """Close what is open."""


class AsyncTransport(Protocol):
    """What `AsyncClient` can send through; any asynchronous httpx transport is one."""

    async def handle_async_request(self, request: Any, /) -> Any:
        """Send one request and return its response."""

    async def aclose(self) -> None:
        """Close what is open."""


def _positive(instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"{attribute.name} must be a number of seconds above 0")


@frozen
class Timeout:
    """How long one attempt may wait in each of its phases, in seconds.

    Made with any of its attributes as arguments, as in ``Timeout(connect=2, read=120)``.

    Raises:
        ConfigurationError: a value is not a number above 0.
    """

    connect: float = field(default=5.0, validator=_positive)
    """To reach the server, TLS included; 5 by default."""
    read: float = field(default=30.0, validator=_positive)
    """For the next bytes of the answer; 30 by default."""
    write: float = field(default=30.0, validator=_positive)
    """To hand over the next bytes of the request; 30 by default."""
    pool: float = field(default=5.0, validator=_positive)
    """For a free connection when all are in use; 5 by default."""

    NONE: ClassVar[Timeout]
    """No limit in any phase; the deadline of the call still applies."""


def _as_timeout(given: Any) -> Timeout:
    """A number is the limit of all four phases; "no limit" must be given as `Timeout.NONE`."""
    if isinstance(given, Timeout):
        return given
    if given is None:
        raise ConfigurationError("timeout must be seconds or a Timeout; see Timeout.NONE")
    return Timeout(given, given, given, given)


Timeout.NONE = Timeout(inf, inf, inf, inf)


@frozen(eq=False, repr=False)
class BaseUrl:
    """Where the API is: the checked URL and what follows from it."""

    text: str
    """Without a slash at its end."""
    origin: Origin
    """What credentials are bound to."""
    loopback: bool

    @property
    def private(self) -> bool:
        """Whether no machine in between can read the traffic."""
        return self.loopback or self.origin[0] == "https"

    @classmethod
    def parse(cls, url: Secret, name: str = "base_url") -> BaseUrl:
        """Check a base URL; a `Secret`, since a wrong one may contain a password.

        Raises:
            ConfigurationError: it is no http or https URL with a host, or carries a credential,
                a query or a fragment.
        """
        found = cls._read(url)
        if isinstance(found, str):
            raise ConfigurationError(f"{name} {found}")
        return found

    @classmethod
    def _read(cls, url: Any) -> BaseUrl | str:
        """The URL, or what is wrong with it."""
        text = url.reveal() if isinstance(url, Secret) else url
        parts, problem = _split(text)
        if parts is None:
            return problem
        if "?" in text or "#" in text:
            return "must have no query and no fragment"
        return cls(parts.geturl().rstrip("/"), _origin(parts), _is_loopback(parts.hostname or ""))


def redirect_target(url: str, location: str) -> tuple[str, BaseUrl] | None:
    """Where a redirect from `url` leads, with its origin; None when that is no place to go."""
    try:
        target = urljoin(url, location)
    except ValueError:
        return None
    parts, _ = _split(target.partition("#")[0])
    if parts is None:
        return None
    at = f"{parts.scheme}://{parts.netloc}"  # what follows may be a credential
    return parts.geturl(), BaseUrl(at, _origin(parts), _is_loopback(parts.hostname or ""))


def _split(text: Any) -> tuple[SplitResult | None, str]:
    """The parts of an http(s) URL, or what is wrong with it, in words that do not repeat it."""
    if not isinstance(text, str) or not text or _UNPRINTABLE.search(text):
        return None, "must be a URL without spaces, backslashes or control characters"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None, "must be a URL: its host or port cannot be read"
    if parts.scheme not in _DEFAULT_PORTS:
        return None, "must begin with http:// or https://"
    if "@" in parts.netloc:
        return None, "must not carry a user name or password"
    if not _AUTHORITY.fullmatch(parts.netloc) or port == 0:
        return None, "must name a host, and a port that exists"
    host = ascii_host(parts.hostname or "")
    if host is None:
        return None, "must name a host that the domain name system can have"
    if not parts.netloc.isascii():
        parts = parts._replace(netloc=host if port is None else f"{host}:{port}")
    return parts, ""


def ascii_host(host: str) -> str | None:
    """A host as the domain name system has it; None when it can have none such.

    A name in letters beyond ASCII and its "xn--" form are one host.
    """
    if not host.isascii() or "xn--" in host.lower():
        import idna  # as httpx does it, and as late

        try:
            # A label that is encoded already must be one that can be decoded.
            host = host if host.isascii() else idna.encode(host.lower()).decode()
            idna.decode(host)
        except (idna.IDNAError, UnicodeError):
            return None
    labels = host.removesuffix(".").split(".")
    return host if all(0 < len(label) < 64 for label in labels) and len(host) < 254 else None


def _origin(parts: SplitResult) -> Origin:
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    address = address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _size(instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number of bytes above 0")


def _retries(instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError("max_retries must be a whole number, 0 or more")


def _retry(instance: object, attribute: Any, value: Any) -> None:
    if value not in ("safe", "always"):
        raise ConfigurationError("retry must be 'safe' or 'always'")


def _flag(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{attribute.name} must be True or False")


@frozen(eq=False, repr=False)
class Header:
    """A header that the caller adds."""

    name: str
    value: Secret
    is_credential: bool


def headers(given: Any) -> tuple[Header, ...]:
    """Check headers that the caller adds.

    A credential among them must be wrapped in a `Secret` by the caller: this function is called
    late, and the frames above it hold the mapping.

    Raises:
        ConfigurationError: one cannot be sent, or is the SDK's own to send.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise ConfigurationError("extra_headers must be a mapping of names to texts")
    return tuple(
        _header(name, Secret.of(value), isinstance(value, Secret)) for name, value in given.items()
    )


def _header(name: Any, value: Any, wrapped: bool) -> Header:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ConfigurationError(f"extra_headers: {name!r} is not the name of a header")
    if name.lower() in _OWN_HEADERS:
        raise ConfigurationError(f"extra_headers: {name} is set by the SDK")
    if not isinstance(value, Secret) or not _FIELD_VALUE.fullmatch(value.reveal()):
        raise ConfigurationError(f"extra_headers: the value of {name} cannot be sent in a header")
    if name.lower() == "x-request-id" and not REQUEST_ID.fullmatch(value.reveal()):
        raise ConfigurationError(f"extra_headers: {name} must be 1 to 128 visible ASCII characters")
    if name.lower() == "authorization" and not wrapped:
        raise ConfigurationError(f"extra_headers: wrap the value of {name} in agentserver.Secret")
    return Header(name, value, wrapped)


def merged(old: tuple[Header, ...], new: tuple[Header, ...]) -> tuple[Header, ...]:
    """Add headers to others; one of the same name takes the place of the older."""
    replaced = {header.name.lower() for header in new}
    return (*(header for header in old if header.name.lower() not in replaced), *new)


@frozen(kw_only=True, eq=False, repr=False)
class Options:
    """What can differ from call to call: `with_options` changes these."""

    timeout: Timeout = field(converter=_as_timeout)
    deadline: float = field(validator=_positive)
    max_retries: int = field(validator=_retries)
    retry: Retry = field(validator=_retry)
    strict: bool = field(validator=_flag)
    max_response_bytes: int = field(validator=_size)
    extra_headers: tuple[Header, ...]


@frozen(eq=False, repr=False)
class Sender:
    """What sends the requests: connections of our own, unless one of these was given."""

    transport: Any = None
    make: Callable[..., Any] | None = None
    """Makes transports, called as the classes of httpx are."""
    client: Any = None
    """A client of httpx."""

    @property
    def own(self) -> bool:
        """Whether the connections are our own."""
        return self.transport is None and self.make is None and self.client is None

    @property
    def ready(self) -> bool:
        """Whether the caller's own was made before, and so has connections to be closed."""
        return self.transport is not None or self.client is not None

    @classmethod
    def of(
        cls, transport: Any, client: Any, *, method: str, close: str, has_settings: bool
    ) -> Sender:
        """Check what the caller gave.

        Args:
            transport: a transport, or what makes one; None for neither.
            client: a client of httpx; None for none.
            method: the method by which a transport sends.
            close: the method by which a client is closed.
            has_settings: whether ``proxy`` or ``verify`` were given, which no transport and no
                client can take that is made already.

        Raises:
            ConfigurationError: it cannot send, or cannot keep the settings beside it.
        """
        if client is not None:
            if transport is not None:
                raise ConfigurationError("give http_client or transport, not both")
            if has_settings:
                raise ConfigurationError("http_client has its own: give proxy and verify to it")
            if not all(hasattr(client, name) for name in ("send", "is_closed", close)):
                raise ConfigurationError(f"http_client must have send() and {close}(), as httpx's")
            return cls(client=client)
        if transport is None:
            return OWN
        if isinstance(transport, type) or not hasattr(transport, method):
            if not callable(transport):
                raise ConfigurationError(f"transport must have {method}(), or make what has it")
            return cls(make=transport)
        if has_settings:
            raise ConfigurationError(
                "transport is made already and cannot take proxy or verify: give what makes it, "
                "such as transport=httpx.HTTPTransport or "
                "transport=lambda **settings: Mine(httpx.HTTPTransport(**settings))"
            )
        return cls(transport=transport)


OWN: Final = Sender()
"""Connections of our own, which most clients send by."""


def _proxy(instance: object, attribute: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, Secret) or not _PROXY.fullmatch(value.reveal()):
        raise ConfigurationError("proxy must be a URL: http://, https:// or socks5:// and a host")


def _verify(instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, (bool, str, os.PathLike)):
        return
    import ssl  # not needed by those who never connect

    if not isinstance(value, ssl.SSLContext):
        raise ConfigurationError("verify must be True, False, a path or an ssl.SSLContext")


@frozen(kw_only=True, eq=False, repr=False)
class Connection:
    """How the server is reached."""

    base_url: BaseUrl
    proxy: Secret | None = field(validator=_proxy)  # may carry a password
    verify: Verify = field(validator=_verify)
    allow_insecure_http: bool = field(validator=_flag)
    sender: Sender
    clock: Callable[[], float]
