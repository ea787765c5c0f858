"""What a proxy in front of a server refuses by itself, so that the server is not to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from agentserver_contract.http.guard import Blocked, Guard
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.target import Target

_ODD: Mapping[str, tuple[Request, Callable[[Request], bool]]] = {
    "a NUL in a path": (
        Request("GET", "/%00", {}),
        lambda request: "%00" in request.path.partition("?")[0],
    ),
    "the method TRACE": (Request("TRACE", "/", {}), lambda request: request.method == "TRACE"),
}
"""What proxies are known to refuse: a request that shows it, and which requests are so."""


class Withheld:
    """A hook of a target that does not send what a proxy would answer in place of the server.

    Args:
        odd: What that is.
        guard: Of the target: counts what was withheld beside what it has blocked itself.
    """

    def __init__(self, odd: Collection[str], guard: Guard) -> None:
        self._odd = odd
        self._blocked = guard.blocked

    def before(self, request: Request) -> None:
        """Raises Blocked for what a proxy would answer."""
        for odd in self._odd:
            _, is_so = _ODD[odd]
            if is_so(request):
                reason = f"{odd}, which a proxy in front of the server refuses by itself"
                self._blocked[reason] += 1
                raise Blocked(reason)

    def after(self, request: Request, response: Response) -> None:
        """What is answered says nothing about it."""


def withhold(asked: Target, target: Target, guard: Guard) -> None:
    """Ask once what a proxy refuses with a page of its own, and send nothing of it from then on.

    Where the server itself answers with pages, they are its own fault.

    Args:
        asked: The server without a guard.
        target: The server, as the run reaches it.
        guard: Its guard.
    """
    if _is_page(asked.send(Request("GET", "/contract-no-such-path", {}))):
        return
    if odd := [name for name, (request, _) in _ODD.items() if _is_page(asked.send(request))]:
        target.add_hook(Withheld(odd, guard))


def _is_page(answer: Response) -> bool:
    return answer.media_type == "text/html" and answer.header("x-request-id") is None
