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

if TYPE_CHECKING:
    from agentserver._generated.models import (
        AuthMeResponse,
        AuthRegisterResponse,
        AuthStatusResponse,
    )
    from agentserver._secret import Secret


class Auth(Resource):
    """`client.auth`: Accounts and sessions. A session is a cookie named `agentserver-token` that
    lives for seven days.
    """

    __slots__ = ()

    def register(self, *, email: str, password: str | Secret) -> AuthRegisterResponse:
        """Create an account.

        Creates an account with a password. The e-mail address is trimmed, kept as given, and
        compared without regard to case. The first account of an installation is its
        administrator. Every new account owns a workspace named `Default workspace`, which no
        quota stops. Registering opens no session: log in afterwards.

        Args:
            email: The account's e-mail address; spaces around it do not count, nor does case.
                3 to 254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            The account was created.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            MethodNotAllowed: Status 405: The operator switched login by password off.
            Conflict: Status 409: The e-mail address is taken.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `register_user`, `POST /api/auth/register`, for: none.
        """
        password = _hide(password)
        return self._call(register_user.call(email=email, password=password))

    def login(self, *, email: str, password: str | Secret) -> AuthStatusResponse:
        """Open a session.

        Checks an e-mail address and password and opens a session. The session's token comes
        in the `Set-Cookie` header alone, never in the body. Whether or not the account
        exists, the refusal is the same and takes the same time.

        Args:
            email: The account's e-mail address; spaces around it do not count, nor does case.
                3 to 254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            A session was opened.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: No account has this e-mail address and password.
            MethodNotAllowed: Status 405: The operator switched login by password off.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `login`, `POST /api/auth/login`, for: none.
        """
        password = _hide(password)
        return self._call(login.call(email=email, password=password))

    def logout(self) -> AuthStatusResponse:
        """End the session.

        Ends the caller's session on the server and clears the cookie. Without a session, or
        with one that has ended, it answers the same.

        Returns:
            The session, if there was one, has ended.

        Operation `logout`, `POST /api/auth/logout`, for: none.
        """
        return self._call(logout.call())

    def check(self) -> AuthStatusResponse:
        """Ask whether the session lives.

        Answers 200 while the caller's session lives and 401 afterwards. Asking does not
        prolong it.

        Returns:
            The session lives.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `check_session`, `GET /api/auth/check`, for: user.
        """
        return self._call(check_session.call())

    def me(self) -> AuthMeResponse:
        """Read the caller's account.

        The account that the session belongs to. `name` and `picture` come from an outside
        login and are null for an account with a password.

        Returns:
            The caller's account.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `get_current_user`, `GET /api/auth/me`, for: user.
        """
        return self._call(get_current_user.call())


class AsyncAuth(AsyncResource):
    """`client.auth`: Accounts and sessions. A session is a cookie named `agentserver-token` that
    lives for seven days.
    """

    __slots__ = ()

    async def register(self, *, email: str, password: str | Secret) -> AuthRegisterResponse:
        """Create an account.

        Creates an account with a password. The e-mail address is trimmed, kept as given, and
        compared without regard to case. The first account of an installation is its
        administrator. Every new account owns a workspace named `Default workspace`, which no
        quota stops. Registering opens no session: log in afterwards.

        Args:
            email: The account's e-mail address; spaces around it do not count, nor does case.
                3 to 254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            The account was created.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            MethodNotAllowed: Status 405: The operator switched login by password off.
            Conflict: Status 409: The e-mail address is taken.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `register_user`, `POST /api/auth/register`, for: none.
        """
        password = _hide(password)
        return await self._call(register_user.call(email=email, password=password))

    async def login(self, *, email: str, password: str | Secret) -> AuthStatusResponse:
        """Open a session.

        Checks an e-mail address and password and opens a session. The session's token comes
        in the `Set-Cookie` header alone, never in the body. Whether or not the account
        exists, the refusal is the same and takes the same time.

        Args:
            email: The account's e-mail address; spaces around it do not count, nor does case.
                3 to 254 characters.
            password: The password, 1 to 72 bytes of UTF-8 without NUL. 1 to 72 characters.

        Returns:
            A session was opened.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: No account has this e-mail address and password.
            MethodNotAllowed: Status 405: The operator switched login by password off.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `login`, `POST /api/auth/login`, for: none.
        """
        password = _hide(password)
        return await self._call(login.call(email=email, password=password))

    async def logout(self) -> AuthStatusResponse:
        """End the session.

        Ends the caller's session on the server and clears the cookie. Without a session, or
        with one that has ended, it answers the same.

        Returns:
            The session, if there was one, has ended.

        Operation `logout`, `POST /api/auth/logout`, for: none.
        """
        return await self._call(logout.call())

    async def check(self) -> AuthStatusResponse:
        """Ask whether the session lives.

        Answers 200 while the caller's session lives and 401 afterwards. Asking does not
        prolong it.

        Returns:
            The session lives.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `check_session`, `GET /api/auth/check`, for: user.
        """
        return await self._call(check_session.call())

    async def me(self) -> AuthMeResponse:
        """Read the caller's account.

        The account that the session belongs to. `name` and `picture` come from an outside
        login and are null for an account with a password.

        Returns:
            The caller's account.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `get_current_user`, `GET /api/auth/me`, for: user.
        """
        return await self._call(get_current_user.call())
