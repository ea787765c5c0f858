"""What is rewritten in a case of Schemathesis before it is sent, and what fails for that reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

from agentserver import QuotaExceeded
from agentserver_contract.context import Context
from agentserver_contract.contract.document import Located
from agentserver_contract.data.tables import (
    depends_on_state,
    is_exception,
    lacks_kept_field,
    status_of_nothing,
)
from agentserver_contract.fixtures.accounts import ABSENT, COLLEAGUE, Account, email_of
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.fixtures.sandboxes import PARAMETER as SANDBOX
from agentserver_contract.fixtures.sandboxes import add_sandbox
from agentserver_contract.fixtures.workspaces import PARAMETER, add_workspace
from agentserver_contract.http.guard import NO_SUCH, SAFE_METHODS, Guard

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis.core.failures import Failure

_DRAWN_AS_VALID = "Positive test case"
"""What Schemathesis says of such a case."""


class CaseRewrites:
    """Rewrites the cases of one caller.

    Args:
        context: The server, and the accounts of the run.
        examples: What the contract's examples are about.
        owner: Name of the account that owns the workspace of the examples.
        caller: The account that calls, and must keep its rights.
        tenants: Accounts that must stay strangers to each other.
    """

    def __init__(
        self,
        context: Context,
        examples: Examples,
        owner: str,
        caller: Account,
        tenants: Sequence[Account] = (),
    ) -> None:
        self._contract = context.contract
        self._accounts = context.accounts
        self._guard = context.target.guard
        self._protects = context.examples is None  # what the run did not create may not be written
        self._examples = examples
        self._owner = owner
        self._caller = caller
        self._of_tenants = {each.email.casefold() for each in tenants}
        self._workspace_id = examples.parameters.get(PARAMETER)
        self.owned = {self._workspace_id} if self._workspace_id is not None else set()
        """The workspaces that were created for the cases."""
        self._stored: set[str] = set()
        """Ids of the cases that rely on a stored value, for which one was stored."""
        self._renamed: set[str] = set()
        """Ids of the cases in which another thing is named than was drawn."""
        self._limits = {
            operation.id: {
                field.name: limit
                for field in operation.fields
                if (limit := self._contract.follow(field.piece).value.get("x-max-bytes"))
            }
            for operation in self._contract.operations.values()
        }
        self._addresses = {
            operation.id: schema
            for operation in self._contract.operations.values()
            for field in operation.fields
            if field.name == "email" and (schema := field.schema) is not None
        }

    def apply(self, case: Case[Any]) -> None:
        """Rewrite a case."""
        self.fit_bytes(case)
        if self._guard is not None and case.method not in SAFE_METHODS:
            self.raise_settings(case, self._guard)
            self.use_owned_ids(case, self._guard)
            self.use_owned_addresses(case, self._guard)
        if self._protects:
            # After the ids, in whose place may now be what the examples are about.
            self.redirect_deletions(case)
        self.keep_tenants_apart(case)
        if self._protects:
            # After the ids, which say in which workspace the value is stored.
            self.store_kept_field(case)

    def explain(self, failure: Failure, case: Case[Any], status: int) -> bool:
        """Whether a failure is none, by what was rewritten or may not be stored.

        An id that was rewritten looks to Schemathesis as if it came from the response before, and
        what was drawn as valid may look invalid afterwards.
        """
        if isinstance(failure, AcceptedNegativeData):
            return case.meta is not None and case.meta.phase.data.description == _DRAWN_AS_VALID
        if isinstance(failure, EnsureResourceAvailability):
            return case.id in self._renamed
        named = operation_id(case)
        return (
            isinstance(failure, RejectedPositiveData)
            and status == 400  # which is right where nothing is stored
            and (status_of_nothing(named) == 400 or depends_on_state(named, case.body))
            and case.id not in self._stored
        )

    def fit_bytes(self, case: Case[Any]) -> None:
        """Cut texts of a valid body to their `x-max-bytes`: Schemathesis counts characters.

        A format of its own for them would do harm: every other text would be taken for invalid.
        """
        invalid = case.meta is None or case.meta.generation.mode.is_negative
        if invalid or not isinstance(case.body, dict):
            return
        fitted = dict(case.body)
        for name, limit in self._limits[operation_id(case)].items():
            text = fitted.get(name)
            if isinstance(text, str):
                fitted[name] = text.encode("utf-8")[:limit].decode("utf-8", "ignore")
        if fitted != case.body:
            case.body = fitted

    def raise_settings(self, case: Case[Any], guard: Guard) -> None:
        """Of a valid body, keep the settings of the installation that the guard would block."""
        operation = self._contract.operations[operation_id(case)]
        is_invalid = case.meta is None or case.meta.generation.mode.is_negative
        if is_invalid or not operation.is_global or not isinstance(case.body, dict):
            return
        case.body = {
            name: guard.settings[name]
            if name in guard.settings and type(value) is int and not guard.may_set(name, value)
            else value
            for name, value in case.body.items()
        }

    def store_kept_field(self, case: Case[Any]) -> None:
        """Where a body relies on a value that is stored already, see to it that one is."""
        in_workspace = self._workspace_id in case.path_parameters.values()
        if in_workspace and lacks_kept_field(operation_id(case), case.body):
            operation = self._contract.operations[operation_id(case)]
            credential = self._accounts[self._owner].credential
            response = self._accounts.target.send(self._examples.request(operation, credential))
            if response.succeeded:
                self._stored.add(case.id)

    def redirect_deletions(self, case: Case[Any]) -> None:
        """Redirect calls that would delete what the examples are about, or the caller's rights.

        The few of them would leave nothing to try for the rest of the run.
        """
        values = case.path_parameters
        if values.get("user_id") == self._caller.id:
            values["user_id"] = self._accounts[COLLEAGUE].id
        operation = self._contract.operations[operation_id(case)]
        if case.method != "DELETE" or operation.method != "DELETE":
            return
        name = operation.path.rpartition("/")[2].strip("{}")
        if name not in (PARAMETER, SANDBOX) or values[name] != self._examples.parameters.get(name):
            return
        try:
            values[name] = self._another(name)
        except QuotaExceeded:  # an earlier case of an administrator has set a quota
            values[name] = f"{NO_SUCH}{name}"

    def _another(self, parameter: str) -> str:
        """Make another workspace, or another sandbox in that of the examples."""
        if parameter == SANDBOX:
            return add_sandbox(self._accounts, self._owner, self._examples.parameters[PARAMETER])
        workspace_id = add_workspace(self._accounts, self._owner, {})
        self.owned.add(workspace_id)
        return workspace_id

    def use_owned_ids(self, case: Case[Any], guard: Guard) -> None:
        """Replace ids that the guard would block; what breaks the contract stays broken."""
        drawn = {draw.parameter_name for draw in case.meta.pool_draws} if case.meta else set()
        for name, value in case.path_parameters.items():
            if isinstance(value, str) and not guard.owns(value):
                # An id from a response belongs to others; any other id need only stay unknown.
                own = self._examples.parameters.get(name) if name in drawn else None
                case.path_parameters[name] = own or f"{NO_SUCH}{value}"
                self._renamed.add(case.id)

    def use_owned_addresses(self, case: Case[Any], guard: Guard) -> None:
        """Replace valid addresses of others by those of the run's accounts."""
        schema = self._addresses.get(operation_id(case))
        if schema is None or not isinstance(case.body, Mapping):
            return
        email, spare = case.body.get("email"), self._accounts.spare
        registers = is_exception("creates-account", operation_id(case))
        if registers and (email, case.body.get("password")) == (spare.email, spare.password):
            return
        if not isinstance(email, str) or not self._is_valid(schema, email):
            return
        if not guard.is_own_email(email):
            addresses = [account.email for account in self._accounts.by_name.values()]
            addresses += [] if registers else [email_of(ABSENT)]
            chosen = addresses[crc32(email.encode("utf-8", "replace")) % len(addresses)]
            case.body = {**case.body, "email": chosen}

    def keep_tenants_apart(self, case: Case[Any]) -> None:
        """Let no case make one tenant a member of another's workspace: the colleague joins instead.

        Whatever tenants may do to each other's workspaces afterwards would look like a fault.
        """
        if PARAMETER not in case.path_parameters or not isinstance(case.body, Mapping):
            return
        email = case.body.get("email")
        if isinstance(email, str) and email.strip().casefold() in self._of_tenants:
            case.body = {**case.body, "email": self._accounts[COLLEAGUE].email}

    def _is_valid(self, schema: Located, email: str) -> bool:
        return self._contract.validator(schema).is_valid(email)


def operation_id(case: Case[Any]) -> str:
    """The operationId of a case."""
    return str(case.operation.definition.raw["operationId"])
