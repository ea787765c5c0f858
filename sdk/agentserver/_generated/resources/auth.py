"""The resource `client.auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._encode import hide as _hide
from agentserver._generated.api.auth import (
    check_session,
    get_current_user,
    login,
    logout,
    register_user,
)
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import (
        AuthMeResponse,
        AuthRegisterResponse,
        AuthStatusResponse,
    )
    from agentserver._operation import CallOptions
    from agentserver._secret import Secret


class Auth(Resource):
    """`client.auth`: Accounts and sessions. A session is a cookie named `agentserver-token` that
    is valid for seven days.
    """

    __slots__ = ()

    def register(
        self, *, email: str, password: str | Secret, **options: Unpack[CallOptions]
    ) -> AuthRegisterResponse:
        """Create an account.

        Creates an account with a password. The e-mail address is trimmed, stored as given,
        and compared case-insensitively. The first account of an installation becomes its
        administrator. Every new account owns a workspace named `Default workspace`, whatever
        the quota is. Registering does not open a session: log in afterwards.

        Args:
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            The account was created.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            MethodNotAllowed: Status 405: Password login is disabled on this server.
            Conflict: Status 409: An account with this e-mail address already exists.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `register_user`: `POST /api/auth/register`. Required role: `none`.
        """
        password = _hide(password)
        return self._call(register_user.call(email=email, password=password), **options)

    def login(
        self, *, email: str, password: str | Secret, **options: Unpack[CallOptions]
    ) -> AuthStatusResponse:
        """Open a session.

        Checks the e-mail address and password and opens a session. The session token is sent
        only in the `Set-Cookie` header, never in the body. A wrong password and an unknown
        account get the same response after the same time.

        Args:
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            A session was opened.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: No account has this e-mail address and password.
            MethodNotAllowed: Status 405: Password login is disabled on this server.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `login`: `POST /api/auth/login`. Required role: `none`.
        """
        password = _hide(password)
        return self._call(login.call(email=email, password=password), **options)

    def logout(self, **options: Unpack[CallOptions]) -> AuthStatusResponse:
        """End the session.

        Ends the caller's session on the server and clears the cookie. Succeeds as well if
        there is no session or if it has already ended.

        Returns:
            The session, if there was one, is closed.

        Operation `logout`: `POST /api/auth/logout`. Required role: `none`.
        """
        return self._call(logout.call(), **options)

    def check(self, **options: Unpack[CallOptions]) -> AuthStatusResponse:
        """Check the session.

        Returns 200 while the caller's session is valid, and 401 afterwards. Checking does not
        extend it.

        Returns:
            The session is valid.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `check_session`: `GET /api/auth/check`. Required role: `user`.
        """
        return self._call(check_session.call(), **options)

    def me(self, **options: Unpack[CallOptions]) -> AuthMeResponse:
        """Get the caller's account.

        Returns the account that the session belongs to. `name` and `picture` come from an
        external login provider and are null for accounts with a password.

        Returns:
            The caller's account.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `get_current_user`: `GET /api/auth/me`. Required role: `user`.
        """
        return self._call(get_current_user.call(), **options)


class AsyncAuth(AsyncResource):
    """`client.auth`: Accounts and sessions. A session is a cookie named `agentserver-token` that
    is valid for seven days.
    """

    __slots__ = ()

    async def register(
        self, *, email: str, password: str | Secret, **options: Unpack[CallOptions]
    ) -> AuthRegisterResponse:
        """Create an account.

        Creates an account with a password. The e-mail address is trimmed, stored as given,
        and compared case-insensitively. The first account of an installation becomes its
        administrator. Every new account owns a workspace named `Default workspace`, whatever
        the quota is. Registering does not open a session: log in afterwards.

        Args:
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            The account was created.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            MethodNotAllowed: Status 405: Password login is disabled on this server.
            Conflict: Status 409: An account with this e-mail address already exists.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `register_user`: `POST /api/auth/register`. Required role: `none`.
        """
        password = _hide(password)
        return await self._call(register_user.call(email=email, password=password), **options)

    async def login(
        self, *, email: str, password: str | Secret, **options: Unpack[CallOptions]
    ) -> AuthStatusResponse:
        """Open a session.

        Checks the e-mail address and password and opens a session. The session token is sent
        only in the `Set-Cookie` header, never in the body. A wrong password and an unknown
        account get the same response after the same time.

        Args:
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            A session was opened.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: No account has this e-mail address and password.
            MethodNotAllowed: Status 405: Password login is disabled on this server.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `login`: `POST /api/auth/login`. Required role: `none`.
        """
        password = _hide(password)
        return await self._call(login.call(email=email, password=password), **options)

    async def logout(self, **options: Unpack[CallOptions]) -> AuthStatusResponse:
        """End the session.

        Ends the caller's session on the server and clears the cookie. Succeeds as well if
        there is no session or if it has already ended.

        Returns:
            The session, if there was one, is closed.

        Operation `logout`: `POST /api/auth/logout`. Required role: `none`.
        """
        return await self._call(logout.call(), **options)

    async def check(self, **options: Unpack[CallOptions]) -> AuthStatusResponse:
        """Check the session.

        Returns 200 while the caller's session is valid, and 401 afterwards. Checking does not
        extend it.

        Returns:
            The session is valid.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `check_session`: `GET /api/auth/check`. Required role: `user`.
        """
        return await self._call(check_session.call(), **options)

    async def me(self, **options: Unpack[CallOptions]) -> AuthMeResponse:
        """Get the caller's account.

        Returns the account that the session belongs to. `name` and `picture` come from an
        external login provider and are null for accounts with a password.

        Returns:
            The caller's account.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `get_current_user`: `GET /api/auth/me`. Required role: `user`.
        """
        return await self._call(get_current_user.call(), **options)


class RawAuth:
    """`client.with_raw_response.auth`, whose methods return a `Response`."""

    def __init__(self, resource: Auth) -> None:
        self._resource = resource
        self.register = _raw(resource.register)
        self.login = _raw(resource.login)
        self.logout = _raw(resource.logout)
        self.check = _raw(resource.check)
        self.me = _raw(resource.me)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAuth:
    """`client.with_raw_response.auth`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAuth) -> None:
        self._resource = resource
        self.register = _raw_async(resource.register)
        self.login = _raw_async(resource.login)
        self.logout = _raw_async(resource.logout)
        self.check = _raw_async(resource.check)
        self.me = _raw_async(resource.me)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
