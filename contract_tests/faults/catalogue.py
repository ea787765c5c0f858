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

_RECORDED = "recordings show it; what a run finds is in entries of its own"
_OF_LOGINS = "it takes an OpenID provider"
_NOT_IMITATED = "the server that stands in for the release follows the contract in it"

NEVER_MET = {
    "account-of-any-name": _NOT_IMITATED,
    "address-before-password": _NOT_IMITATED,
    "addresses-kept-with-blanks": _NOT_IMITATED,
    "agents-of-any-tenant": _RECORDED,
    "allow-has-get": _NOT_IMITATED,
    "allow-missing": _NOT_IMITATED,
    "api-key-created-a-moment-earlier": _NOT_IMITATED,
    "api-key-name-blank": _NOT_IMITATED,
    "api-key-scopes-many": _NOT_IMITATED,
    "api-keys-without-limit": _NOT_IMITATED,
    "bot-token-of-any-form": _NOT_IMITATED,
    "budget-with-paused": _NOT_IMITATED,
    "cancelled-twice-at-once": _NOT_IMITATED,
    "channel-before-body": _NOT_IMITATED,
    "channel-half-changed": _NOT_IMITATED,
    "channel-on-several-sandboxes": _NOT_IMITATED,
    "channels-changed-by-guests": _NOT_IMITATED,
    "channels-for-guests": _NOT_IMITATED,
    "credential-address-spelled-otherwise": _NOT_IMITATED,
    "credential-before-body": _NOT_IMITATED,
    "credential-kind-unknown": _NOT_IMITATED,
    "credential-name-empty": _NOT_IMITATED,
    "credential-name-taken-is-500": _NOT_IMITATED,
    "credential-name-too-long-for-index": _NOT_IMITATED,
    "credential-statuses-never-sent": _NOT_IMITATED,
    "credential-unknown-is-500": _NOT_IMITATED,
    "credentials-for-anybody": _NOT_IMITATED,
    "credentials-of-any-tenant": _NOT_IMITATED,
    "credentials-that-are-not-there": _NOT_IMITATED,
    "escapes-in-paths": _NOT_IMITATED,
    "executor-command-without-keys": _NOT_IMITATED,
    "first-credentials-raced": _NOT_IMITATED,
    "homeserver-anywhere": _NOT_IMITATED,
    "homeserver-refused": _NOT_IMITATED,
    "homeserver-refused-to-all": _NOT_IMITATED,
    "last-administrator-goes": "the tool never takes the role from who started it",
    "last-owners-raced": _NOT_IMITATED,
    "defaults-raced": _NOT_IMITATED,
    "login-completed-in-one-call": _OF_LOGINS,
    "login-in-a-deleted-workspace": _OF_LOGINS,
    "login-without-a-code": _OF_LOGINS,
    "message-ends-in-a-blank": _NOT_IMITATED,
    "metadata-through-floats": _NOT_IMITATED,
    "model-without-name": _NOT_IMITATED,
    "names-twice": _NOT_IMITATED,
    "no-nosniff-of-the-parser": _NOT_IMITATED,
    "owners-in-any-order": _NOT_IMITATED,
    "paths-of-any-length": _NOT_IMITATED,
    "queries-of-any-value": _NOT_IMITATED,
    "redirect-with-page": _NOT_IMITATED,
    "refusals-seldom-sent": _NOT_IMITATED,
    "refusals-never-sent": _NOT_IMITATED,
    "removed-twice-at-once": _NOT_IMITATED,
    "renamed-twice-at-once": _NOT_IMITATED,
    "sandbox-created-a-moment-earlier": _NOT_IMITATED,
    "sandbox-created-a-moment-earlier-elsewhere": _NOT_IMITATED,
    "sandbox-memory-out-of-bounds": "the tool never lifts a limit beyond what the contract allows",
    "sandbox-of-a-body-not-read": _NOT_IMITATED,
    "sandbox-of-a-workspace-that-goes": _NOT_IMITATED,
    "surrogate-in-card": "half of a pair is put into texts alone, and a card is any JSON",
    "tasks-of-any-agent": _RECORDED,
    "tenants-without-walls": _NOT_IMITATED,
    "things-of-a-workspace-that-goes": _NOT_IMITATED,
    "things-of-a-workspace-that-goes-fail": _NOT_IMITATED,
    "token-body-null": _NOT_IMITATED,
    "token-days-of-any-size": _NOT_IMITATED,
    "token-list-of-nul": _NOT_IMITATED,
    "token-query-after-membership": _NOT_IMITATED,
    "token-times-rounded": _NOT_IMITATED,
    "tokens-without-limit": _NOT_IMITATED,
    "trace-unknown-labelled-json": _NOT_IMITATED,
    "trace-without-totals": _NOT_IMITATED,
    "values-of-names-twice": _NOT_IMITATED,
    "weixin-bot-of-any-name": _NOT_IMITATED,
    "weixin-status-passed-on": _NOT_IMITATED,
    "workspace-of-a-body-not-read": _NOT_IMITATED,
}
"""Departures that no run by URL meets on the reference server, each with the reason."""


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
