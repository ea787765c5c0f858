"""Two tenants: what one of them may write, the other tries first and must be refused.

Schemathesis itself replays one tenant's reads as the other (`object_level_authorization`). Writes
it leaves alone, as a replay would change what the first one owns. Trying before the owner does,
and as somebody who must be refused, changes nothing on a server that keeps its promises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure, Severity

from agentserver_contract.fixtures.accounts import Person
from agentserver_contract.http.guard import Refused
from agentserver_contract.http.messages import Answer, Request
from agentserver_contract.http.target import Target, cookie
from agentserver_contract.schemathesis.cases import case_request

if TYPE_CHECKING:
    from schemathesis import Case

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_REFUSED = 403
# A write is tried as the peer this often for each operation, beginning with its example.
_PROBES = 10


class ForeignWrite(Failure):
    """A write on a workspace that was not refused to somebody who has nothing to do with it."""

    kind_title = "A tenant could write what belongs to another"


class ForeignWrites:
    """Tries writes on the workspaces of one person as another one.

    Args:
        target: Where to.
        owner: Whose workspaces they are.
        peer: Who tries.
        owned: Values of path parameters that are the owner's, beside those that the run itself
            got to know.
    """

    def __init__(self, target: Target, owner: Person, peer: Person, owned: Set[str]) -> None:
        self._target = target
        self._owner = owner
        self._peer = peer
        self._owned = owned
        self._tried: Counter[str] = Counter()
        self._came: dict[str, Answer] = {}

    def before_call(self, case: Case[Any]) -> None:
        """Send the request as the peer, if it is a write on something of the owner's."""
        label = case.operation.label
        if self._tried[label] >= _PROBES or not self._on_something_owned(case):
            return
        self._tried[label] += 1
        with suppress(Refused):  # the guard holds back the case itself as well
            self._came[case.id] = self._target.send(_as(case, self._peer, self._target.base_url))

    def check(self, case: Case[Any]) -> None:
        """Raise ForeignWrite when the peer was not refused."""
        came = self._came.pop(case.id, None)
        if came is not None and came.status != _REFUSED:
            raise ForeignWrite(
                operation=case.operation.label,
                message=f"sent as {self._peer.name}, who is in no workspace of the owner's, "
                f"the same request was answered {came.as_text()}",
                severity=Severity.CRITICAL,
            )

    def _on_something_owned(self, case: Case[Any]) -> bool:
        declared = case.method == case.operation.method.upper()
        if not declared or case.method not in WRITES or "workspace_id" not in case.path_parameters:
            return False
        # What the engine learnt while it asked as the peer may be the peer's own.
        drawn = any(
            draw.parameter_name == "workspace_id" and draw.source_identity == self._owner.name
            for draw in (case.meta.pool_draws if case.meta else ())
        )
        return drawn or case.path_parameters["workspace_id"] in self._owned


def _as(case: Case[Any], person: Person, base_url: str) -> Request:
    request = case_request(case, base_url)
    return replace(request, headers={**request.headers, **cookie(person.session)})
