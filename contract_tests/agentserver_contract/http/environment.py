"""What the machine's environment says about connections, read once for both HTTP libraries.

httpx and requests read it differently: other variables, other orders, `.netrc` in one of them. Here
both get the same:

- `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` choose the proxy; a server on this machine
  is never asked through one.
- The first that is set of `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and
  `SSL_CERT_DIR` names the certificates that are trusted; else certifi's are.
- `.netrc` is not read: the run has its own credentials.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from requests.utils import get_environ_proxies, select_proxy

from agentserver_contract.http.urls import UrlError, is_loopback

_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
_IDLE_SECONDS = 2.0
"""Connections that were idle for longer are not used again: many servers and proxies close theirs
after five seconds, and a request that meets the closing is lost."""


@dataclass(frozen=True)
class Environment:
    """How a server is reached from this machine."""

    proxy: str | None = None
    """The URL of the proxy."""
    certificates: str | None = None
    """The file or folder of the certificates that are trusted; certifi's when None."""

    @classmethod
    def of(cls, url: str, environ: Mapping[str, str] = os.environ) -> Environment:
        """The environment for one server.

        Raises:
            UrlError: Its proxy, or its file of certificates, is of no use.
        """
        proxy = None if is_loopback(url) else select_proxy(url, get_environ_proxies(url))
        if proxy is not None and urlsplit(proxy).scheme not in ("http", "https"):
            raise UrlError(f"the proxy {proxy} is none of http or https, which are supported")
        named = next(filter(None, map(environ.get, _CERTIFICATES)), None)
        if named is not None and not Path(named).exists():
            raise UrlError(f"the certificates {named}, which the environment names, do not exist")
        return cls(proxy, named)

    def httpx_transport(self) -> httpx.HTTPTransport:
        """A transport of httpx that does so, and reads nothing else of the environment."""
        return httpx.HTTPTransport(
            proxy=self.proxy,
            verify=self._context(),
            trust_env=False,
            limits=httpx.Limits(keepalive_expiry=_IDLE_SECONDS),
        )

    def requests_options(self) -> dict[str, Any]:
        """The arguments with which `requests.Session.send` does so."""
        proxies = {"http": self.proxy, "https": self.proxy} if self.proxy else {}
        return {"proxies": proxies, "verify": self.certificates or True, "cert": None}

    def tls(self) -> ssl.SSLContext:
        """What a connection of TLS is opened with."""
        return httpx.create_ssl_context(verify=self._context(), trust_env=False)

    def _context(self) -> ssl.SSLContext | bool:
        if self.certificates is None:
            return True
        if Path(self.certificates).is_dir():
            return ssl.create_default_context(capath=self.certificates)
        return ssl.create_default_context(cafile=self.certificates)
