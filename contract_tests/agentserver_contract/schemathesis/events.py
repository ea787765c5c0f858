"""The events of Schemathesis's engine, read into counts and findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure
from schemathesis.engine import events

from agentserver_contract.contract.document import Contract, Operation, escape
from agentserver_contract.http.messages import Answer, scrubbed
from agentserver_contract.http.target import HELD_BACK
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.schemathesis import cases

if TYPE_CHECKING:
    from schemathesis.engine.recorder import ScenarioRecorder

# Where in an operation each check's promise stands; what is not named here is the answer's.
_PLACES: Mapping[str, str] = {
    "negative_data_rejection": "/requestBody",
    "positive_data_acceptance": "/requestBody",
    "missing_required_header": "/parameters",
    "ignored_auth": "/security",
    "object_level_authorization": "/x-required-role",
    "foreign_write": "/x-required-role",
    "own_workspace": "/x-required-role",
    "sdk_parity": "/x-sdk",
}
# Checks of ours that are layers of their own.
_LAYERS: Mapping[str, str] = {"sdk_parity": "differential"}


class Reading:
    """Takes events, one after the other, into a result.

    Args:
        contract: Whose operations are tried.
        base_url: Where they are tried.
        result: What is added to; its seed goes into the replay commands.
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

    def take(self, event: Any) -> None:
        """Read one event. Raises the engine's exception when the engine itself has failed."""
        if isinstance(event, events.ScenarioFinished):
            self._take_scenario(event.recorder)
        elif isinstance(event, events.NonFatalError):
            self._take_error(event.label, f"{event.info.title}: {event.value}")
        elif isinstance(event, events.FatalError):
            raise event.exception

    def _take_scenario(self, recorder: ScenarioRecorder) -> None:
        for case_id, interaction in recorder.interactions.items():
            operation = self.operation(recorder.cases[case_id].value.operation.label)
            response = interaction.response
            if response is not None and HELD_BACK in response.headers:
                self.result.notes["held back by the guard"] += 1
                continue
            self.result.cases[operation.id] += 1
            if response is not None and 200 <= response.status_code < 300:
                self.result.succeeded[operation.id] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    self._take_failure(recorder, case_id, check.name, check.failure_info.failure)

    def _take_failure(
        self, recorder: ScenarioRecorder, case_id: str, check: str, failure: Failure
    ) -> None:
        # A check may have sent a request of its own, and failed on that one.
        if failure.case_id in recorder.interactions:
            case_id = failure.case_id
        interaction = recorder.interactions[case_id]
        operation = self.operation(recorder.cases[case_id].value.operation.label)
        answer = None if interaction.response is None else cases.answer(interaction.response)
        sent = cases.recorded_request(interaction.request, self._base_url)
        if answer is not None and HELD_BACK in answer.headers:
            return
        self.result.add(
            Finding(
                layer=_LAYERS.get(check, self.result.layer),
                operation=operation.id,
                promise=f"{failure.title} ({check})",
                contract=_promised_at(operation, check, answer),
                detail=scrubbed(failure.message),
                sent=sent.as_curl(self._base_url),
                came="no answer" if answer is None else answer.as_text(),
                replay=self._replay(operation.id),
                check=check,
                request=sent,
                answer=answer,
            )
        )

    def _take_error(self, label: str, message: str) -> None:
        operation = self._operations.get(label)
        self.result.add(
            Finding(
                layer=self.result.layer,
                operation=operation.id if operation else "",
                promise="the operation can be tried",
                contract=operation.pointer if operation else "",
                detail=scrubbed(message),
                sent="",
                came="",
                replay=self._replay(operation.id if operation else ""),
            )
        )

    def _replay(self, operation_id: str) -> str:
        words = ["nox -s contract --", f"-k {self.result.layer}", f"--seed {self.result.seed}"]
        words += [f"--operation {operation_id}"] if operation_id else []
        return " ".join(words)


def _promised_at(operation: Operation, check: str, answer: Answer | None) -> str:
    if check in _PLACES:
        return operation.pointer + _PLACES[check]
    if answer is not None and answer.status in operation.responses:
        return f"{operation.pointer}/responses/{escape(str(answer.status))}"
    return f"{operation.pointer}/responses"
