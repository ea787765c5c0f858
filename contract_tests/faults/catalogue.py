"""Every fault: of answers, made from the contract; of rules, in `rules/`; and as edits of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from answer_faults import answer_faults
from definitions import CHECKOUT, CatalogueError, Fault, kinds
from edits import edit_faults
from replacing import rule_faults

from agentserver_contract.contract.document import load

DEPARTURES = {
    "addresses-to-the-letter": "addresses-compared-with-case",
    "quota-passed-at-once": "create-raced-past-quota",
    "quota-passed-by-two": "create-raced-past-quota",
    "row-for-each-owner": "workspaces-one-row-an-owner",
    "settings-raced": "limits-lose-update",
    "sandbox-states-raced": "pause-without-comparison",
    "sandbox-limits-raced": "sandboxes-raced-past-quota",
    "resumed-over-budget": "resume-without-budget",
    "task-limits-not-kept": "turns-and-budget-are-dropped",
    "tasks-read-by-any-agent": "tasks-of-every-workspace",
    "tasks-reported-by-any-agent": "anybody-reports",
    "traces-of-any-tenant": "trace-of-any-tenant",
    "session-id-of-opencode": "session-id-names-no-trace",
    "traces-of-the-first-sandbox": "shared-traces-are-of-the-first",
    "agents-use-quota": "agents-use-the-quota",
}
"""Faults that the release has, too, by the names of its listed departures."""

_LOST_ALREADY = re.compile(r":header-lost:((\d+:)?X-Request-Id|X-Content-Type-Options)$")
"""The ids of faults of answers that change nothing on a server that departs as the release does:
it sends none of these headers."""

NEVER_MET = {
    "address-before-password",
    "allow-has-get",
    "allow-missing",
    "api-key-name-blank",
    "api-key-scopes-many",
    "api-keys-without-limit",
    "budget-with-paused",
    "channel-before-body",
    "channels-changed-by-guests",
    "credential-address-spelled-otherwise",
    "credential-before-body",
    "credential-kind-unknown",
    "credential-name-empty",
    "credential-name-taken-is-500",
    "credential-statuses-never-sent",
    "credential-unknown-is-500",
    "credentials-for-anybody",
    "credentials-that-are-not-there",
    "escapes-in-paths",
    "executor-command-without-keys",
    "homeserver-refused-to-all",
    "message-ends-in-a-blank",
    "metadata-through-floats",
    "names-twice",
    "no-nosniff-of-the-parser",
    "paths-of-any-length",
    "queries-of-any-value",
    "redirect-with-page",
    "refusals-never-sent",
    "sandbox-of-a-body-not-read",
    "tenants-without-walls",
    "token-body-null",
    "token-days-of-any-size",
    "token-list-of-nul",
    "token-query-after-membership",
    "token-times-rounded",
    "tokens-without-limit",
    "trace-unknown-labelled-json",
    "values-of-names-twice",
    "workspace-of-a-body-not-read",
}
"""Departures that no run by URL meets on the reference server: what stands in for the release
follows the contract in them. Those whose entry says why a run may not meet it are left out."""


def catalogue() -> list[Fault]:
    """Every fault, tier by tier.

    Raises:
        CatalogueError: An id is given twice, or a kind is unknown.
    """
    faults = list(_read())
    for name, times in Counter(fault.id for fault in faults).items():
        if times > 1:
            raise CatalogueError(f"{name}: {times} faults have this id")
    known = kinds()
    for fault in faults:
        if fault.kind not in known:
            raise CatalogueError(f"{fault.id}: {fault.kind} is no kind of fault")
    return faults


def is_departure(fault_id: str) -> bool:
    """Whether a server that departs as the release does has a fault already."""
    return fault_id in DEPARTURES.values() or bool(_LOST_ALREADY.search(fault_id))


def find(fault_id: str) -> Fault:
    """The fault with this id.

    Raises:
        CatalogueError: There is none.
    """
    for fault in _read():
        if fault.id == fault_id:
            return fault
    raise CatalogueError(f"{fault_id}: no such fault")


def _read() -> Iterator[Fault]:
    yield from edit_faults()
    yield from rule_faults()
    yield from answer_faults(load(CHECKOUT / "openapi.yaml"))
