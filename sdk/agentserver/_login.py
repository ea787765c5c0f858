"""Logins by a QR code: a person scans it, and the server is asked until it was confirmed.

Like `waiting`, one flow makes every decision, and synchronous and asynchronous logins differ in the
driver alone.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator
from inspect import isawaitable
from typing import Any, Final, Protocol, TypeVar, cast

from attrs import frozen

from ._completing import as_begun, begun_by
from ._errors import WaitFailed, WaitTimeout
from ._operation import AsyncResource, Call, Resource, client_of
from ._qr_code import draw
from ._transport import Runtime, Sleep, drive, drive_async
from .waiting import Step, perform

T = TypeVar("T")

_PAUSE: Final = 1.0
"""Seconds from one question to the next, at least: most answers are held until there is news."""


class Shown(Protocol):
    """What a person has to scan."""

    @property
    def qrcode_url(self) -> str: ...

    @property
    def message(self) -> str: ...


S = TypeVar("S", bound=Shown)


@frozen(eq=False, repr=False)
class Login:
    """What the contract says of a login."""

    state: str
    """The attribute of an answer that says how far it is."""
    until: str
    """The state in which it has succeeded."""
    expired: frozenset[str]
    """Those in which the code is no longer valid."""
    dead_ends: frozenset[str]
    """Those from which it does not succeed any more."""


def show_qr_code(login: Shown) -> None:
    """Print what is to be scanned; on a terminal and with segno installed, as a QR code too."""
    sys.stderr.write(f"{login.message}: {login.qrcode_url}\n")
    draw(login.qrcode_url, sys.stderr)
    sys.stderr.flush()


def logged_in(
    resource: Resource,
    login: Login,
    begun: Any,
    ask: Callable[[], Call[T]],
    on_code: Callable[[S], object],
) -> T:
    """Return the answer that says that a login has succeeded. See `login_flow`.

    Arguments:
        resource: what asks.
        login: what the contract says of it.
        begun: the answer to its beginning, which may be in a `Response`.
        ask: makes the call that asks how far it is.
        on_code: is called with what is to be scanned, once.
    """
    client = client_of(resource)
    on_code(begun_by(begun))
    steps = login_flow(login, ask, client._shared.runtime)
    found = drive(steps, lambda step: perform(client, step))  # type: ignore[arg-type]
    return cast("T", as_begun(begun, found))


async def logged_in_async(
    resource: AsyncResource,
    login: Login,
    begun: Any,
    ask: Callable[[], Call[T]],
    on_code: Callable[[S], Awaitable[object] | object],
) -> T:
    """Return the answer that says that a login has succeeded; see `logged_in`."""
    client = client_of(resource)
    if isawaitable(shown := on_code(begun_by(begun))):
        await shown
    steps = login_flow(login, ask, client._shared.runtime)
    found = await drive_async(steps, lambda step: perform(client, step))  # type: ignore[arg-type]
    return cast("T", as_begun(begun, found))


def login_flow(
    login: Login, ask: Callable[[], Call[T]], runtime: Runtime
) -> Generator[Step[T], Any, T]:
    """Ask until a login has succeeded; yields calls, and pauses between them.

    Raises:
        WaitTimeout: the code has expired.
        WaitFailed: the login does not succeed any more.
    """
    while True:
        asked = runtime.clock()
        answer = yield ask()
        value = getattr(answer, login.state)
        state = str(getattr(value, "value", value))
        if state == login.until:
            found: T = answer
            return found
        if state in login.expired:
            raise WaitTimeout("the code was not confirmed in time", answer, state=state)
        if state in login.dead_ends:
            said = getattr(answer, "message", None) or f"the login is {state}, and is over"
            raise WaitFailed(said, answer, state=state)
        if (left := asked + _PAUSE - runtime.clock()) > 0:
            yield Sleep(left)
