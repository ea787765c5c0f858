"""The proxy to a server: the client's, else the environment's, unless ``NO_PROXY`` excludes it."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from ._options import Connection, Origin, address_of, ascii_host
from ._secret import Secret

_SEPARATORS: Final = re.compile(r"[\s,]+")
_ENTRY: Final = re.compile(r"([a-z]+://)?(?P<host>\[[^\]]*\]|[^:/]*)(:(?P<port>\d{1,5}))?/?")

_Address = IPv4Address | IPv6Address


def proxy_for(origin: Origin, connection: Connection) -> Secret | None:
    """The proxy to an origin; none to this machine, unless the client was given one."""
    if connection.proxy is not None or connection.base_url.loopback:
        return connection.proxy
    scheme, host, port = origin
    from_environment = getproxies_environment()
    if from_environment:
        if is_excluded(host, port, from_environment.get("no", "")):
            return None
    elif proxy_bypass(host):  # the settings of the desktop, on macOS and Windows
        return None
    found = getproxies()
    proxy = found.get(scheme) or found.get("all")
    if not proxy:
        return None
    return Secret(proxy if "://" in proxy else f"http://{proxy}")


def is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` excludes a host.

    Its entries are separated by commas or blanks. Each is ``*``, a name, which includes its
    subdomains, with or without ``.`` or ``*.`` before it, an address, or a network as in
    ``10.0.0.0/8``; with a port, it applies to that port only.
    """
    name = host.rstrip(".").lower()
    address = _address(name)
    return any(
        _matches(entry.lower(), name, address, port)
        for entry in _SEPARATORS.split(no_proxy)
        if entry
    )


def _matches(entry: str, name: str, address: _Address | None, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry and "://" not in entry:
        return address is not None and _in_network(address, entry)
    if _address(entry) is not None:  # an IPv6 address has colons, none of which begins a port
        return address == _address(entry)
    found = _ENTRY.fullmatch(entry)
    if found is None or (found["port"] and int(found["port"]) != port):
        return False
    excluded = found["host"].strip("[]")
    if address is not None:
        return address == _address(excluded)
    excluded = excluded.removeprefix("*").strip(".")
    excluded = ascii_host(excluded) or ""
    return bool(excluded) and (name == excluded or name.endswith(f".{excluded}"))


def _in_network(address: _Address, entry: str) -> bool:
    try:
        network = ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
    return address.version == network.version and address in network


def _address(text: str) -> _Address | None:
    return address_of(text.strip("[]"))
