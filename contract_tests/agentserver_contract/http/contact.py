"""The first contact with a server: waits for it to come up, and tells whether it is one of ours.

A wrong URL is reported in one line, and is no finding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.target import Target

_SECONDS_BETWEEN_TRIES = 0.2
_NOT_YET = frozenset({502, 503, 504})
"""What a proxy answers while the server behind it is not up."""
_LONGEST = 200


class NoAgentserver(RuntimeError):
    """There is no agentserver at a URL; the text is why, in one line."""


@dataclass(frozen=True)
class _Answer:
    operation: Operation
    response: Response

    @property
    def is_documented(self) -> bool:
        documented = self.operation.responses.get(self.response.status)
        if documented is None:
            return False
        if not documented.content:
            return self.response.media_type is None
        return self.response.media_type in documented.content


def find_server(
    target: Target,
    contract: Contract,
    *,
    wait: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask a server what anybody may ask, without a credential.

    One answer as documented is enough: a server with a fault in the other one is still a server.

    Args:
        target: The server.
        contract: Says what may be asked, and what is answered.
        wait: For how many seconds to try again while it is not up.
        clock: Tells the time in seconds.
        sleep: Waits for a number of seconds.

    Raises:
        NoAgentserver: It is not up, or is something else.
    """
    last = clock() + wait
    while True:
        try:
            answers = list(_answers(target, contract))
        except httpx.TransportError as error:
            reason = _reason(error)
        else:
            if any(answer.is_documented for answer in answers):
                return
            reason = _what_it_is(answers)
            if wait == 0 or not all(each.response.status in _NOT_YET for each in answers):
                raise NoAgentserver(f"{target.base_url}: {reason}")
        if clock() >= last:
            waited = f" (waited for {wait:g} s)" if wait else ""
            raise NoAgentserver(f"{target.base_url}: {reason}{waited}")
        sleep(_SECONDS_BETWEEN_TRIES)


def one_line(text: str) -> str:
    """The beginning of a text without line breaks; of a web page, that it is one."""
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        return "a web page"
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _answers(target: Target, contract: Contract) -> Iterator[_Answer]:
    for operation in filter(_answers_anybody, contract.operations.values()):
        yield _Answer(operation, target.send(Request("GET", operation.path, {})))


def _answers_anybody(operation: Operation) -> bool:
    """Whether the answer to a caller without a credential is documented, and has no effect."""
    anybody = not operation.is_secured or 401 in operation.responses
    for_all = operation.required_role in (None, "none", "user")
    return operation.is_read and anybody and for_all and not operation.path_parameters


def _what_it_is(answers: list[_Answer]) -> str:
    """What answers, where no answer is as documented."""
    statuses = ", ".join(map(str, sorted({answer.response.status for answer in answers})))
    if any(answer.response.media_type == "text/html" for answer in answers):
        return f"answers with a web page ({statuses}), so this is not the URL of an agentserver"
    return f"answers {statuses} where an agentserver would not: is the URL right?"


def _reason(error: httpx.TransportError) -> str:
    """Why there was no answer."""
    return one_line(str(error)) or type(error).__name__
