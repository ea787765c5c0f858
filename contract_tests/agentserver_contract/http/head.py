"""What is promised of HEAD: the answer to GET without its body; where GET changes state, 405."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from agentserver_contract.contract.document import Operation
from agentserver_contract.http.messages import Exchange, Request, Response

Send = Callable[[Request], Response]

_TRIES = 20
"""How often HEAD is sent between two answers to GET that differ, as others change what is read."""


def wrong_head(operation: Operation, get: Request, send: Send) -> tuple[list[str], Exchange]:
    """How an operation's answer to HEAD differs from what is promised, and the last exchange.

    Args:
        operation: A GET.
        get: A request of it that succeeds.
        send: Sends a request. GET is not sent where it changes state.

    Raises:
        Blocked: By `send`.
    """
    head = replace(get, method="HEAD")
    if operation.consumes:
        exchange = Exchange(head, send(head))
        status = exchange.response.status
        wrong = [] if status == 405 else [f"GET changes state, and HEAD is {status}, not 405"]
        return wrong, exchange
    tries = 0
    while True:
        tries += 1
        before = send(get)
        exchange = Exchange(head, send(head))
        wrong = list(_differences(operation, before, exchange.response))
        if not wrong or _is_alike(before, send(get)):
            return wrong, exchange
        if tries == _TRIES:
            return [], exchange


def _is_alike(one: Response, other: Response) -> bool:
    """Whether what two answers to GET show has not changed from one to the other, as far as an
    answer to HEAD could tell."""
    return (one.status, len(one.body)) == (other.status, len(other.body))


def _differences(operation: Operation, get: Response, head: Response) -> Iterator[str]:
    """How the answer to HEAD differs from that to GET, as far as no proxy may change it."""
    if head.status != get.status:
        yield f"GET is {get.status}, and HEAD is {head.status}"
        return
    if head.body:
        yield f"HEAD has a body of {len(head.body)} bytes"
    if head.header("content-type") != get.header("content-type"):
        yield f"content-type is {get.header('content-type')}, and of HEAD: " + str(
            head.header("content-type")
        )
    documented = operation.responses.get(get.status)
    for name in documented.headers if documented else ():
        if get.header(name.lower()) is not None and head.header(name.lower()) is None:
            yield f"the answer to HEAD lacks {name}"
    length = head.header("content-length")
    encoded = get.header("content-encoding") is not None
    if length is not None and not encoded and length != str(len(get.body)):
        yield f"content-length is {length}, and the body of GET has {len(get.body)} bytes"
