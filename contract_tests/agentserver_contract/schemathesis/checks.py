"""The checks that the suite adds to Schemathesis's own; each raises a failure of its own kind.

Schemathesis itself replays the reads of one tenant as the other (`object_level_authorization`). It
leaves writes alone, as a replay would change what the first one owns, and it takes any documented
403 for right, as it cannot know that an owner was refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure, Severity

from agentserver import AgentserverError
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.fixtures.accounts import Account
from agentserver_contract.fixtures.workspaces import (
    PARAMETER,
    creates_workspace,
    deletes_workspace,
)
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import Exchange, Request, Response, cookie
from agentserver_contract.http.target import Target

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis import Response as SchemathesisResponse

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_REFUSED = 403
_UNAUTHENTICATED = 401
# How often a write is tried as the other tenant for each operation, beginning with its example.
_PROBES = 10
# How often an operation is tried with each credential that it does not take.
_CREDENTIAL_PROBES = 2


class SdkDiverges(Failure):
    """The SDK would have sent or understood something else."""

    kind_title = "The SDK sends or understands something else"
    __slots__ = ("kinds",)

    def __init__(self, *, operation: str, message: str, kinds: frozenset[str]) -> None:
        super().__init__(operation=operation, message=message)
        self.kinds = kinds

    @property
    def _unique_key(self) -> str:
        return "|".join(sorted(self.kinds))


class ForeignWrite(Failure):
    """A write to a workspace was not refused to a tenant that has nothing to do with it."""

    kind_title = "A tenant could write what belongs to another"


class OwnerRefused(Failure):
    """An owner was refused what every owner may do."""

    kind_title = "An owner is refused in a workspace of their own"


class CredentialAccepted(Failure):
    """A valid credential was accepted by an operation that does not take its kind."""

    kind_title = "A credential of another kind is accepted"


def exchange_of(response: SchemathesisResponse) -> Exchange:
    """A response of Schemathesis with the request that it is to."""
    return Exchange(Request.from_requests(response.request), Response.from_schemathesis(response))


def check_parity(
    differential: Differential,
    operation: Operation,
    response: SchemathesisResponse,
    case: Case[Any],
) -> None:
    """Compare a case and its response with what the SDK makes of them. Raises SdkDiverges."""
    valid = case.meta is not None and not case.meta.generation.mode.is_negative
    divergences = differential.compare(operation, exchange_of(response), valid=valid)
    if divergences:
        raise SdkDiverges(
            operation=case.operation.label,
            message="\n".join(dict.fromkeys(map(str, divergences))),
            kinds=frozenset(divergence.kind for divergence in divergences),
        )


class ForeignWrites:
    """Sends writes to the workspaces of one tenant as another one, who must be refused.

    The other one is first, and as it must be refused, nothing changes on a server that keeps its
    promises.

    Args:
        target: The server.
        owner: The tenant whose workspaces they are.
        other: The tenant who tries.
        owned: Ids of the owner's workspaces, beside those that the engine gets to know.
    """

    def __init__(self, target: Target, owner: Account, other: Account, owned: Set[str]) -> None:
        self._target = target
        self._owner = owner
        self._other = other
        self._owned = owned
        self._tried: Counter[str] = Counter()
        self._responses: dict[str, Response] = {}

    def before_call(self, case: Case[Any]) -> None:
        """Send the request as the other tenant, if it is a write to something of the owner's."""
        label = case.operation.label
        if self._tried[label] >= _PROBES or not self._is_owned(case) or self._may_write(case):
            return
        self._tried[label] += 1
        request = Request.from_case(case, self._target.base_url)
        headers = {**request.headers, **cookie(self._other.session)}
        with suppress(Blocked):  # the guard blocks the case itself as well
            self._responses[case.id] = self._target.send(replace(request, headers=headers))

    def check(self, case: Case[Any]) -> None:
        """Raise ForeignWrite when the other tenant was not refused."""
        response = self._responses.pop(case.id, None)
        # A failing server is reported by a check of its own.
        if response is not None and response.status not in (_REFUSED, *range(500, 600)):
            raise ForeignWrite(
                operation=case.operation.label,
                message=f"sent as {self._other.name}, who is in no workspace of the owner's, "
                f"the same request was answered {response.as_text()}",
                severity=Severity.CRITICAL,
            )

    def _may_write(self, case: Case[Any]) -> bool:
        """Whether the other tenant may be a member at this moment, as far as the owner sees."""
        workspace_id = str(case.path_parameters[PARAMETER])
        try:
            with self._target.client(session=self._owner.session) as client:
                members = client.workspaces.members.list(workspace_id)
        except AgentserverError:
            # Of what the run created for the owner it is certain that the other one never joined.
            return workspace_id not in self._owned
        return any(member.user_id == self._other.id for member in members)

    def _is_owned(self, case: Case[Any]) -> bool:
        declared = case.method == case.operation.method.upper()
        if not declared or case.method not in WRITES or PARAMETER not in case.path_parameters:
            return False
        # What the engine learnt while it called as the other tenant may be the other's own.
        drawn = any(
            draw.parameter_name == PARAMETER and draw.source_identity == self._owner.name
            for draw in (case.meta.pool_draws if case.meta else ())
        )
        return drawn or case.path_parameters[PARAMETER] in self._owned


class OtherCredentials:
    """Sends requests with the credentials that their operation does not take: each is refused.

    These requests go first, and as they must be refused, nothing changes on a server that keeps
    its promises.

    Args:
        contract: Says which credentials an operation takes.
        target: The server.
        accounts: Those whose credentials are tried.
    """

    def __init__(self, contract: Contract, target: Target, accounts: Iterable[Account]) -> None:
        self._contract = contract
        self._target = target
        self._accounts = tuple(accounts)
        self._tried: Counter[tuple[str, str]] = Counter()
        self._accepted: dict[str, tuple[Account, Response]] = {}

    def before_call(self, operation: Operation, case: Case[Any]) -> None:
        """Send a valid request with every credential that the operation does not take."""
        valid = case.meta is not None and not case.meta.generation.mode.is_negative
        if not (valid and operation.is_secured and case.method == operation.method):
            return
        for account in self._accounts:
            if account.can_sign(self._contract, operation):
                continue
            if self._tried[operation.id, account.name] >= _CREDENTIAL_PROBES:
                continue
            self._tried[operation.id, account.name] += 1
            request = Request.from_case(case, self._target.base_url)
            others = {
                name: value
                for name, value in request.headers.items()
                if name not in ("cookie", "authorization")
            }
            with suppress(Blocked):
                response = self._target.send(
                    replace(request, headers={**others, **account.credential})
                )
                if response.status != _UNAUTHENTICATED:
                    self._accepted[case.id] = account, response

    def check(self, case: Case[Any]) -> None:
        """Raise CredentialAccepted when one of them was not refused."""
        if case.id not in self._accepted:
            return
        account, response = self._accepted.pop(case.id)
        kind = f"a token of the scheme {account.scheme}" if account.token else "a session"
        raise CredentialAccepted(
            operation=case.operation.label,
            message=f"sent with {kind}, which the operation does not take, the same request was "
            f"not answered {_UNAUTHENTICATED} but {response.as_text()}",
            severity=Severity.CRITICAL,
        )


class OwnWorkspaces:
    """Knows the workspaces that one account has created, and checks that it is not refused there.

    Args:
        contract: Says which operations create and delete workspaces.
        account: The account whose workspaces are watched.
        owned: Ids of those that it has already.
    """

    def __init__(self, contract: Contract, account: Account, owned: Set[str]) -> None:
        self._contract = contract
        self._account = account
        self._owned = set(owned)

    def check(self, operation: Operation, response: SchemathesisResponse, case: Case[Any]) -> None:
        """Note what is created and deleted, and raise OwnerRefused at a refusal."""
        exchange = exchange_of(response)
        if exchange.request.session != self._account.session:
            return
        succeeded, status = exchange.response.succeeded, exchange.response.status
        workspace_id = case.path_parameters.get(PARAMETER)
        if workspace_id is None:
            if succeeded and creates_workspace(self._contract, operation):
                self._owned.add(str((exchange.response.json_or_none() or {}).get("id")))
        elif workspace_id in self._owned:
            if succeeded and deletes_workspace(operation):
                self._owned.discard(workspace_id)
            elif (
                status == _REFUSED
                and exchange.response.media_type != JSON  # as where a quota is exhausted
                and operation.required_role != "admin"
                and not _refers(case.body)  # to what may be of another workspace
            ):
                raise OwnerRefused(
                    operation=case.operation.label,
                    message=f"{self._account.name} has created this workspace and still owns it",
                )


def _refers(body: Any) -> bool:
    """Whether a body names a thing by its id."""
    return isinstance(body, Mapping) and any(name.endswith("_id") for name in body)
