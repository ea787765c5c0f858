"""The differential as a check of Schemathesis, so that every case of every phase is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure

from agentserver_contract.contract.document import Operation
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.target import request_of
from agentserver_contract.schemathesis import cases

if TYPE_CHECKING:
    from schemathesis import Case, Response


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


def check_parity(
    differential: Differential, operation: Operation, response: Response, case: Case[Any]
) -> None:
    """Compare a case and its answer with what the SDK makes of them. Raises SdkDiverges."""
    valid = case.meta is not None and not case.meta.generation.mode.is_negative
    request = request_of(response.request)
    divergences = differential.compare(operation, request, cases.answer(response), valid=valid)
    if divergences:
        raise SdkDiverges(
            operation=case.operation.label,
            message="\n".join(dict.fromkeys(map(str, divergences))),
            kinds=frozenset(divergence.kind for divergence in divergences),
        )
