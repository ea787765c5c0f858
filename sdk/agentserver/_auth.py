"""Which credential goes with a call, and where the client's credentials come from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from attrs import define, field, frozen

from ._cookies import SessionCookie
from ._errors import ConfigurationError, MissingCredential
from ._operation import Operation
from ._options import BaseUrl
from ._secret import Secret

_COOKIE_SCHEME = "sessionCookie"

# RFC 6265's cookie-octet and RFC 6750's b64token, both a little wider: nothing that could end the
# header or begin another one.
_HEADER_SAFE = re.compile(r"[!#-+\--:<-\[\]-~]+")

_SESSION_ARGUMENTS = "email= and password=, or session="
_BEARER_ARGUMENT = "token="


@frozen(eq=False, repr=False)
class Given:
    """What the client was given: by argument, else by environment."""

    email: Secret | None
    password: Secret | None
    session: Secret | None
    token: Secret | None
    environment_withheld: bool
    """Whether the environment had a credential that was left alone."""


def given(
    email: Secret | None,
    password: Secret | None,
    session: Secret | None,
    token: Secret | None,
    *,
    url_in_code: bool,
) -> Given:
    """Complete the arguments from the environment.

    A URL in code decides where credentials go. A credential of the environment was meant for the
    URL of the environment and is not sent anywhere else.

    Raises:
        ConfigurationError: a credential is empty, cannot be sent, or lacks its other half.
    """
    withheld = False

    def choose(explicit: Secret | None, name: str, wanted: bool = True) -> Secret | None:
        nonlocal withheld
        found = os.environ.get(name)
        if explicit is not None or not found or not wanted:
            return explicit
        withheld = withheld or url_in_code
        return None if url_in_code else Secret(found)

    # A session given in code belongs to one account. Logging in with the environment's e-mail once
    # that session has ended would silently go on as another account.
    login_wanted = session is None
    email = choose(email, "AGENTSERVER_EMAIL", login_wanted)
    password = choose(password, "AGENTSERVER_PASSWORD", login_wanted)
    token = choose(token, "AGENTSERVER_TOKEN")
    if (email is None) != (password is None):
        raise ConfigurationError("email and password go together; one of them is missing")
    _check("email", email, None)
    _check("password", password, None)
    _check("session", session, _HEADER_SAFE)
    _check("token", token, _HEADER_SAFE)
    return Given(email, password, session, token, withheld)


def _check(name: str, secret: Secret | None, allowed: re.Pattern[str] | None) -> None:
    if secret is None:
        return
    if not isinstance(secret, Secret):
        raise ConfigurationError(f"{name} must be a str")
    if not secret.reveal():
        raise ConfigurationError(f"{name} is empty")
    if allowed is not None and not allowed.fullmatch(secret.reveal()):
        raise ConfigurationError(f"{name} contains a character that HTTP headers do not allow")


def base_url(explicit: Secret | None) -> BaseUrl:
    """The URL given in code, else the environment's.

    Raises:
        ConfigurationError: there is none, or it is no base URL.
    """
    if explicit is not None:
        return BaseUrl.parse(explicit)
    found = Secret(os.environ.get("AGENTSERVER_URL", ""))
    if not found.reveal():
        raise ConfigurationError("no URL: give base_url= or set AGENTSERVER_URL")
    return BaseUrl.parse(found, "AGENTSERVER_URL")


@define(eq=False, repr=False)
class Credentials:
    """The credentials of one client, and the session it is in; shared by `with_options`."""

    given: Given
    clock: Callable[[], float]
    renewable: bool = field(init=False)
    """Whether the session is this client's own, so that it may log in again when it has ended."""
    _session: Secret | None = field(init=False)
    _session_ends: float = field(default=inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._session = self.given.session
        self.renewable = self.given.email is not None

    @property
    def session(self) -> Secret | None:
        """The session, as long as it lasts."""
        if self._session is not None and self.clock() >= self._session_ends:
            self._session = None
        return self._session

    @session.setter
    def session(self, session: Secret | None) -> None:
        self._session, self._session_ends = session, inf

    @property
    def any(self) -> bool:
        """Whether the client has a credential, or can log in for one."""
        return self.renewable or self.session is not None or self.given.token is not None

    def scheme_for(self, operation: Operation[Any]) -> str | None:
        """The scheme to sign with: the first the operation takes that the client can serve.

        Raises:
            MissingCredential: it asks for a credential and the client has none of that kind.
        """
        may_log_in = self.renewable and not operation.security_optional
        for scheme in operation.security:
            if self._serves(scheme, may_log_in):
                return scheme
        if operation.security and not operation.security_optional:
            raise MissingCredential(self._missing(operation))
        return None

    def bearer(self, scheme: str | None) -> Secret | None:
        """The bearer token, where that is the scheme."""
        return None if scheme in (None, _COOKIE_SCHEME) else self.given.token

    def needs_session(self, scheme: str | None) -> bool:
        """Whether the scheme is the session cookie."""
        return scheme == _COOKIE_SCHEME

    def other_than(self, stale: Secret | None) -> Secret | None:
        """The session, when it is not the one that was found stale: another call renewed it."""
        session = self.session
        return None if session is stale else session

    def forget(self, stale: Secret | None) -> None:
        """Forget a session that has ended."""
        if self._session is stale:
            self._session = None

    def accept(self, cookies: Iterable[SessionCookie], body: Any) -> None:
        """Take the session that an answer gave, or forget the one that it ended.

        A session that the program itself logged in to, as another account, is used but not
        renewed: the client's e-mail and password would make another account of the caller.
        """
        for cookie in cookies:
            if cookie.ends_session:
                self.session = None
            else:
                self.session = cookie.value
                if cookie.lifetime is not None:
                    self._session_ends = self.clock() + cookie.lifetime
            self.renewable = self.given.email is not None and (
                self._session is None or self._is_own(body)
            )

    def _is_own(self, body: Any) -> bool:
        return (
            isinstance(body, dict)
            and _secret(body.get("email")) == self.given.email
            and _secret(body.get("password")) == self.given.password
        )

    def _serves(self, scheme: str, may_log_in: bool) -> bool:
        if scheme == _COOKIE_SCHEME:
            return self.session is not None or may_log_in
        return self.given.token is not None  # every other scheme is some kind of bearer token

    def _missing(self, operation: Operation[Any]) -> str:
        arguments = [
            _SESSION_ARGUMENTS if scheme == _COOKIE_SCHEME else _BEARER_ARGUMENT
            for scheme in operation.security
        ]
        ways = " or ".join(dict.fromkeys(arguments))
        withheld = (
            "; the environment's credentials are not sent to a URL given in code"
            if self.given.environment_withheld
            else ""
        )
        return f"{operation.id} needs a credential that the client does not have: {ways}{withheld}"


def _secret(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, (str, Secret)) else None
