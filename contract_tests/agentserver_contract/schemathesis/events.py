"""The events of Schemathesis's engine, turned into counts and findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure
from schemathesis.engine import events

from agentserver_contract.contract.document import Contract, Operation, escape
from agentserver_contract.http.differential import NAME as DIFFERENTIAL
from agentserver_contract.http.messages import Request, Response, scrubbed
from agentserver_contract.http.target import GUARD_HEADER
from agentserver_contract.results.findings import Finding, LayerResult

if TYPE_CHECKING:
    from schemathesis.engine.recorder import ScenarioRecorder

# Where in an operation each check's promise stands; others are about the response.
_PLACES: Mapping[str, str] = {
    "negative_data_rejection": "/requestBody",
    "positive_data_acceptance": "/requestBody",
    "missing_required_header": "/parameters",
    "ignored_auth": "/security",
    "object_level_authorization": "/x-required-role",
    "foreign_write": "/x-required-role",
    "other_credential": "/security",
    "own_workspace": "/x-required-role",
    "sdk_parity": "/x-sdk",
}
# Checks of ours that are shown as layers of their own.
_LAYERS: Mapping[str, str] = {"sdk_parity": DIFFERENTIAL}


class EventCollector:
    """Collects the events of a run of the engine in a result.

    Args:
        contract: The contract, whose operations are tried.
        base_url: The URL of the server.
        result: What is added to.
    """

    def __init__(self, contract: Contract, base_url: str, result: LayerResult) -> None:
        self.result = result
        self._base_url = base_url
        self._operations = {
            f"{operation.method} {operation.path}": operation
            for operation in contract.operations.values()
        }

    def operation(self, label: str) -> Operation:
        """The operation by the name that Schemathesis gives it."""
        return self._operations[label]

    def handle(self, event: Any) -> None:
        """Collect one event. Raises the engine's exception when the engine itself has failed."""
        if isinstance(event, events.ScenarioFinished):
            self._scenario(event.recorder)
            self.result.collect()
        elif isinstance(event, events.NonFatalError):
            self._error(event.label, f"{event.info.title}: {event.value}")
        elif isinstance(event, events.Interrupted):
            raise KeyboardInterrupt
        elif isinstance(event, events.FatalError):
            raise event.exception

    def _scenario(self, recorder: ScenarioRecorder) -> None:
        for case_id, interaction in recorder.interactions.items():
            operation = self.operation(recorder.cases[case_id].value.operation.label)
            response = interaction.response
            if response is not None and GUARD_HEADER in response.headers:
                self.result.notes["blocked by the guard"] += 1
                continue
            self.result.cases[operation.id] += 1
            if response is not None and operation.is_success(response.status_code):
                self.result.succeeded[operation.id] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    self._failure(recorder, case_id, check.name, check.failure_info.failure)

    def _failure(
        self, recorder: ScenarioRecorder, case_id: str, check: str, failure: Failure
    ) -> None:
        # A check may have sent a request of its own, and failed on that one.
        if failure.case_id in recorder.interactions:
            case_id = failure.case_id
        interaction = recorder.interactions[case_id]
        operation = self.operation(recorder.cases[case_id].value.operation.label)
        request = Request.from_recorder(interaction.request, self._base_url)
        response = None
        if interaction.response is not None:
            response = Response.from_schemathesis(interaction.response)
            if GUARD_HEADER in response.headers:
                return
        finding = Finding(
            layer=_LAYERS.get(check, self.result.layer),
            operation=operation.id,
            promise=f"{failure.title} ({check})",
            contract=_promised_at(operation, check, response),
            detail=scrubbed(failure.message),
            check=check,
        )
        self.result.add(finding.with_exchange(request, response, self._base_url))

    def _error(self, label: str, message: str) -> None:
        operation = self._operations.get(label)
        self.result.add(
            Finding(
                layer=self.result.layer,
                operation=operation.id if operation else "",
                promise="the operation can be tried",
                contract=operation.pointer if operation else "",
                detail=scrubbed(message),
            )
        )


def _promised_at(operation: Operation, check: str, response: Response | None) -> str:
    if check in _PLACES:
        return operation.pointer + _PLACES[check]
    if response is not None and response.status in operation.responses:
        return f"{operation.pointer}/responses/{escape(str(response.status))}"
    return f"{operation.pointer}/responses"
