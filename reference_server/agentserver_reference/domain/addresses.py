"""Addresses that callers give: which of them the server may ever call.

A caller who names an address makes the server send requests there, from inside the operator's
network. So this is one function, for whatever is given by a caller.
"""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from agentserver_reference.domain.errors import BadRequest

IPAddress: TypeAlias = IPv4Address | IPv6Address

LONGEST = 2048

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Addresses whose last four bytes are one of IPv4: NAT64, and those that were "compatible"."""
_OWN = "localhost"
"""The name that stands for the server's own machine, and all below it."""


def checked_address(
    text: str, *, field: str, schemes: Collection[str], private_allowed: bool
) -> SplitResult:
    """Return the parts of an address that a caller gives.

    Arguments:
        text: the address.
        field: names it in a refusal, which never repeats it: it may hold a secret.
        schemes: those that are allowed, in lower case.
        private_allowed: whether the operator allows addresses of private networks.

    Raises BadRequest.
    """
    parts, host = _split(text, field)
    if parts.scheme not in schemes:
        raise BadRequest(
            f"{field}: must begin with {' or '.join(f'{each}://' for each in schemes)}"
        )
    if "@" in parts.netloc:
        raise BadRequest(f"{field}: must not contain a user or a password")
    if not host:
        raise BadRequest(f"{field}: must name a host")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise BadRequest(f"{field}: must not contain a query or a fragment")
    if not private_allowed and _is_private_host(host):
        raise BadRequest(f"{field}: must be an address of the public internet")
    return parts


def _split(text: str, field: str) -> tuple[SplitResult, str]:
    """Return the parts of an address, and its host in the plainest spelling."""
    is_plain = (
        text.isascii() and text.isprintable() and not any(each in text for each in ' \\"<>^`{|}')
    )
    try:
        parts = urlsplit(text) if is_plain and len(text) <= LONGEST else None
        if parts is not None and (parts.port is None or parts.port > 0):
            host = (parts.hostname or "").removesuffix(".")
            if "%" not in host:
                return parts, host
    except ValueError:
        pass
    raise BadRequest(f"{field}: must be an address of at most {LONGEST} characters, in ASCII")


def _is_private_host(host: str) -> bool:
    if host == _OWN or host.endswith(f".{_OWN}"):
        return True
    written = address_in(host)
    return written is not None and is_private(written)


def address_in(host: str) -> IPAddress | None:
    """Return the IP address that a host is written as, in any spelling that a system accepts.

    None if it is a name, which only a resolver knows the addresses of.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:  # 127.1, 2130706433, 0x7f.0.0.1 and 0177.0.0.1 are all 127.0.0.1
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_private(address: IPAddress) -> bool:
    """Return whether an address is not one of the public internet, however it is wrapped."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in each for each in _TRANSLATED):
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_private(inner)
    return address.is_multicast or not address.is_global
