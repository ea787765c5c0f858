"""What operations refuse: requests that are wrong in one way, or in two.

The contract says in which order a request is checked and what a refusal looks like, and a refused
request changes nothing. Schemas can say none of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from agentserver_contract.context import LEFT_OUT, Context
from agentserver_contract.contract.document import JSON, TEXT, Operation, escape
from agentserver_contract.data.tables import Conflict, tables
from agentserver_contract.fixtures.accounts import Account, SetupFailed, log_in
from agentserver_contract.fixtures.callers import credential_for
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.removed import Lifecycle, created_id, lifecycles
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences, snapshot
from agentserver_contract.fixtures.states import (
    LASTING,
    conflict_request,
    in_state,
    reason_impossible,
)
from agentserver_contract.fixtures.workspaces import (
    PARAMETER,
    add_workspace,
    remove_workspace,
    team_with,
)
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.variants.bodies import MALFORMED, MISLABELLED
from agentserver_contract.variants.drafts import Draft
from agentserver_contract.variants.violations import Trial, trials_of, violations_of

NAME = "refusals"
_TOGETHER = 8
"""After how many operations it is seen whether something has changed: that is read everywhere, and
costs more than the requests themselves."""

NO_LIMIT = "the server has no such limit: it accepts one more"
"""Why nothing else is tried in a workspace that was to be full."""

_OWNER = "owner"


def run(context: Context) -> LayerResult:
    """Send every operation what it refuses."""
    trials = _Trials(context)
    for operation in context.operations:
        with attempt(trials.result, operation.id):
            trials.try_operation(operation)
    with attempt(trials.result, NAME):
        trials.check_unchanged()
    return trials.result


@dataclass(frozen=True)
class _Refused:
    """What one operation has refused, since it was last seen whether something has changed."""

    operation: Operation
    trials: list[Trial]

    def __str__(self) -> str:
        return (
            f"after {self.operation.id}: {'; '.join(sorted({each.name for each in self.trials}))}"
        )


class _Trials:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.target = context.target
        self.accounts = context.accounts
        self.result = context.new_result(NAME)
        self.examples = self._prepare()
        self._before: Any = None
        """What could be read before the requests of which nothing is known yet; None where that is
        not known."""
        self._unchecked: list[_Refused] = []
        self._accepted = False
        """Whether the last request was accepted, although it had to be refused."""

    def try_operation(self, operation: Operation) -> None:
        """Send one operation everything that it refuses."""
        in_any_state = [each for each in self._trials(operation) if not _needs_state(each)]
        self._try_all(operation, in_any_state)
        if len(self._unchecked) >= _TOGETHER:
            self.check_unchanged()
        for conflict in tables().conflicts:
            if conflict.operation == operation.id and conflict.state:
                if not self._trials_in_state(operation, conflict):
                    continue
                self.check_unchanged()
                try:
                    self._try_in_state(operation, conflict)
                finally:
                    self._before = None  # what was set for the state stays, or may say when
                if conflict.state in LASTING:
                    self._start_anew()

    def _trials_in_state(self, operation: Operation, conflict: Conflict) -> list[Trial]:
        """The requests that need one state, with the things of now."""
        return [
            trial
            for trial in self._trials(operation)
            if _needs_state(trial) and trial.conflict == conflict
        ]

    def _try_in_state(self, operation: Operation, conflict: Conflict) -> None:
        """Send the requests that need one state together; one by one where something is wrong.

        What is wrong may be that the state was lost. A state that cannot be lost was never reached
        where what it refuses is accepted: there is nothing more to try in it.
        """
        trials = self._trials_in_state(operation, conflict)
        spare = self._spare(operation, conflict)
        with in_state(conflict, self.accounts, self.examples):
            before = snapshot(self.accounts, self.examples)
            answered, accepted = [], ""
            for trial in trials:
                if self._try(operation, trial):
                    answered.append(trial)
                if self._accepted:
                    accepted = trial.name
                    break
            if accepted == conflict.name and conflict.state in LASTING:
                for left in trials[1:]:
                    self.result.not_run[f"{operation.id}, {left.name}"] = NO_LIMIT
                return
            if not self._accepted and snapshot(self.accounts, self.examples) == before:
                self._check_passwords(operation, answered)
                if spare is not None:
                    self._try_room(operation, conflict, spare)
                return
        self._start_anew()
        for name in [trial.name for trial in trials]:
            now = self._trials_in_state(operation, conflict)
            with in_state(conflict, self.accounts, self.examples):
                self._before = None
                self._try_all(operation, [each for each in now if each.name == name])
                self.check_unchanged()

    def _spare(self, operation: Operation, conflict: Conflict) -> Request | None:
        """What removes one of the things that a state has as many of as there may be."""
        cycles = (each for each in lifecycles(self.context.contract) if each.create == operation)
        cycle = next(cycles, None)
        if cycle is None or not conflict.state.endswith(" limit reached"):
            return None
        return self._removal(cycle, self._create(operation, conflict, self.examples))

    def _create(self, operation: Operation, conflict: Conflict, examples: Examples) -> Response:
        self.result.cases[operation.id] += 1
        return self.target.send(conflict_request(conflict, operation, self.accounts, examples))

    def _removal(self, cycle: Lifecycle, made: Response) -> Request | None:
        made_id = created_id(cycle.parameter, made)
        if made_id is None:
            return None
        parameters = {**self.examples.parameters, cycle.parameter: made_id}
        about = replace(self.examples, parameters=parameters, instead={})
        credential = credential_for(self.context.contract, cycle.delete, self.accounts, _OWNER)
        return about.request(cycle.delete, credential)

    def _try_room(self, operation: Operation, conflict: Conflict, spare: Request) -> None:
        """At a limit one more fits when one is gone, and no other; elsewhere there is room."""
        others = self._elsewhere(operation)
        if others is not None:
            there = self._create(operation, conflict, others)
            if there.status == conflict.status:
                promise = f"{conflict.name}: another workspace has room of its own"
                self._found_limit(operation, promise, "2xx", there)
            remove_workspace(self.accounts, _OWNER, others.parameters[PARAMETER])
        if not self.target.send(spare).succeeded:
            return
        first = self._create(operation, conflict, self.examples)
        if not first.succeeded:
            promise = f"{conflict.name}: one more fits when one is gone"
            self._found_limit(operation, promise, "2xx", first)
            return
        second = self._create(operation, conflict, self.examples)
        if second.status != conflict.status:
            promise = f"{conflict.name}: no more than one fits when one is gone"
            self._found_limit(operation, promise, conflict.status, second)
        for cycle in lifecycles(self.context.contract):
            for made in (first, second) if cycle.create == operation else ():
                if removal := self._removal(cycle, made):
                    self.target.send(removal)

    def _elsewhere(self, operation: Operation) -> Examples | None:
        """Examples about another workspace; None for what is in none."""
        field = operation.workspace_field
        if field is None and PARAMETER not in operation.path_parameters:
            return None
        other = add_workspace(self.accounts, _OWNER, team_with("guest"))
        parameters = {**self.examples.parameters, PARAMETER: other}
        examples = replace(self.examples, parameters=parameters)
        return examples.with_body(operation, {field: other}) if field else examples

    def _found_limit(
        self, operation: Operation, promise: str, expected: object, response: Response
    ) -> None:
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=promise,
                contract=operation.pointer,
                detail=f"expected {expected}, got {response.as_text()}",
                check="room",
            )
        )

    def _try_all(self, operation: Operation, trials: list[Trial]) -> None:
        """Send requests, of which it is seen later whether they have changed something."""
        if self._before is None:
            self._before = snapshot(self.accounts, self.examples)
        answered: list[Trial] = []
        self._unchecked.append(_Refused(operation, answered))
        waiting = trials
        while waiting:
            trial, *waiting = waiting
            if self._try(operation, trial):
                answered.append(trial)
            if self._accepted:
                # The state is no longer that of the requests that wait, and does not show any more
                # what those before have changed.
                names = {each.name for each in waiting}
                answered.pop()
                self._check_again()
                waiting = [each for each in self._trials(operation) if each.name in names]
                answered = []
                self._unchecked.append(_Refused(operation, answered))
        self._check_passwords(operation, answered)

    def check_unchanged(self) -> None:
        """See whether what was refused since the last look has changed something."""
        refused = self._taken()
        if not refused:
            return
        before, self._before = self._before, snapshot(self.accounts, self.examples)
        if self._before == before:
            return
        changed = list(differences(before, self._before))
        if [len(each.trials) for each in refused] == [1]:
            self._found_change(refused[0].operation, refused[0].trials[0], changed)
        elif not self._find_changes(refused):
            self._found_no_change(refused, changed)

    def _check_again(self) -> None:
        """See whether what was refused since the last look changes something when it is sent again,
        as it does not show any more what it has changed."""
        refused = self._taken()
        self._start_anew()
        self._before = before = snapshot(self.accounts, self.examples)
        for each in refused:
            list(self._send_again(each))
        if refused and snapshot(self.accounts, self.examples) != before:
            self._find_changes(refused)

    def _taken(self) -> list[_Refused]:
        """What was refused since the last look, of which nothing else keeps a note."""
        refused, self._unchecked = self._unchecked, []
        return [each for each in refused if each.trials]

    def _find_changes(self, refused: list[_Refused]) -> bool:
        """Find the requests that change something; whether there are any."""
        found = [self._find_change(each) for each in refused]
        self._start_anew()
        self._before = snapshot(self.accounts, self.examples)
        return any(found)

    def _start_anew(self) -> None:
        """Have the things of the examples again as they were at the beginning."""
        self.context.reset()
        self.examples = self._prepare()

    def _prepare(self) -> Examples:
        return prepare_examples(
            *(self.context.contract, self.accounts),
            owner="owner",
            members=team_with("guest"),
            caller=self.accounts["owner"],
        )

    def _trials(self, operation: Operation) -> Iterator[Trial]:
        credential = credential_for(self.context.contract, operation, self.accounts)
        draft = Draft(operation, self.examples, credential)
        conflicts = list(self._conflicts(operation))
        violations = violations_of(operation, self.accounts, self.examples, conflicts)
        yield from trials_of(draft, violations)
        for status, changes in ((400, MALFORMED), (415, MISLABELLED)):
            for name, change in changes.items() if operation.body is not None else ():
                yield Trial(name, name, status, TEXT, draft.changed(change))

    def _conflicts(self, operation: Operation) -> Iterator[Conflict]:
        for conflict in tables().conflicts:
            if conflict.operation == operation.id:
                is_long = self.context.plan.is_quick and conflict.state in LASTING
                if reason := LEFT_OUT if is_long else reason_impossible(conflict, self.accounts):
                    self.result.not_run[f"{operation.id}, {conflict.name}"] = reason
                else:
                    yield conflict

    def _try(self, operation: Operation, trial: Trial) -> bool:
        """Send a request and judge its answer; whether it was sent."""
        self.result.cases[operation.id] += 1
        self._accepted = False
        try:
            response = self.target.send(trial.request)
        except Blocked as reason:
            if trial.name == trial.check:  # what is combined with it is blocked as well
                self.result.not_run[f"{operation.id}, {trial.name}"] = str(reason)
            return False
        self._accepted = response.succeeded
        if response.status in OUTSIDE and response.status in operation.responses:
            self.result.not_run[operation.id] = f"an outside service answers {response.status}"
            return False
        if response.status != trial.status:
            self._found(operation, trial, f"got {response.status}", response)
        elif response.media_type != trial.media_type:
            self._found(operation, trial, f"got {trial.status} as {response.media_type}", response)
        return True

    def _find_change(self, refused: _Refused) -> bool:
        """Find the request that changes something: all are sent once more, then each by itself.

        Returns:
            Whether there is one.
        """
        for one_by_one in (False, True):
            self._start_anew()
            before = snapshot(self.accounts, self.examples)
            for trial in self._send_again(refused):
                if one_by_one and before != (after := snapshot(self.accounts, self.examples)):
                    changed = list(differences(before, after))
                    self._found_change(refused.operation, trial, changed)
                    return True
            if snapshot(self.accounts, self.examples) == before:
                break
        return False

    def _send_again(self, refused: _Refused) -> Iterator[Trial]:
        """Send the same requests, about the things of now, and give each after it was sent."""
        names = {trial.name for trial in refused.trials}
        for trial in self._trials(refused.operation):
            if trial.name in names:
                with suppress(Blocked):
                    self.target.send(trial.request)
                yield trial

    def _found_no_change(self, refused: list[_Refused], changed: list[str]) -> None:
        """Something has changed, and no request changes it when it is sent once more."""
        if self.context.plan.guarded:
            return  # another account may have changed it
        self.result.add(
            Finding(
                layer=NAME,
                operation=refused[0].operation.id,
                promise="what is refused changes nothing",
                contract=refused[0].operation.pointer,
                detail="\n".join(["expected no difference, got", *changed, *map(str, refused)]),
                check="changes nothing",
            )
        )

    def _found_change(self, operation: Operation, trial: Trial, changed: list[str]) -> None:
        self._found(operation, trial, "it changed\n" + "\n".join(changed))

    def _check_passwords(self, operation: Operation, trials: list[Trial]) -> None:
        """A refused request gives no account another password, and takes none away."""
        people = (each for each in self.accounts.by_name.values() if each.password)
        by_email = {account.email: account for account in people}
        tried: set[tuple[str, str]] = set()
        for trial in trials:
            sent = _object(trial.request)
            account, password = by_email.get(str(sent.get("email"))), sent.get("password")
            if account is None or not isinstance(password, str):
                continue
            if password == account.password or (account.email, password) in tried:
                continue
            tried.add((account.email, password))
            if self._opens(account, password):
                self._found(operation, trial, f"the password sent opens {account.name}'s account")
            if not self._opens(account, account.password):
                self._found(operation, trial, f"{account.name}'s own password opens nothing more")

    def _opens(self, account: Account, password: str) -> bool:
        try:
            log_in(self.target, account.email, password)
        except SetupFailed:
            return False
        return True

    def _found(
        self, operation: Operation, trial: Trial, wrong: str, response: Response | None = None
    ) -> None:
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=f"{trial.name} is refused with {trial.status}, and changes nothing",
                contract=f"{operation.pointer}/responses/{escape(str(trial.status))}",
                detail=f"expected {trial.status} as {trial.media_type}, {wrong}",
                check=trial.check,
            ).with_exchange(trial.request, response, self.target.base_url)
        )


def _needs_state(trial: Trial) -> bool:
    return trial.conflict is not None and bool(trial.conflict.state)


def _object(request: Request) -> Mapping[str, Any]:
    """The JSON object in a body; empty where it has none."""
    try:
        value = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and request.headers.get("content-type") == JSON else {}
