"""Roles, and who may call what requires one: the one table of it.

A row is a value of `x-required-role`, a column one kind of caller. `ok` means that the call is not
refused for who makes it; a number is the status of the refusal. The last rows are no such values:
they are what an operation requires of agents about a thing, such as a task, that it names.
"""

from __future__ import annotations

from collections.abc import Mapping

_TABLE = """
required            anonymous  invalid-session  expired-session  outsider  guest  developer  maintainer  owner  admin  agent  other-agent  foreign-agent  ended-agent
none                ok         ok               ok               ok        ok     ok         ok          ok     ok     ok     ok           ok             ok
user                401        401              401              ok        ok     ok         ok          ok     ok     401    401          401            401
guest               401        401              401              403       ok     ok         ok          ok     403    401    401          401            401
developer           401        401              401              403       403    ok         ok          ok     403    401    401          401            401
maintainer          401        401              401              403       403    403        ok          ok     403    401    401          401            401
owner               401        401              401              403       403    403        403         ok     403    401    401          401            401
admin               401        401              401              403       403    403        403         403    ok     401    401          401            401
agent               401        401              401              401       401    401        401         401    401    ok     ok           ok             401
agent-of-workspace  401        401              401              401       401    401        401         401    401    ok     ok           403            401
agent-itself        401        401              401              401       401    401        401         401    401    ok     403          403            401
"""  # noqa: E501 - a table is read across

_heading, *_rows = (line.split() for line in _TABLE.split("\n") if line)

CALLERS = tuple(_heading[1:])
"""The kinds of caller. An outsider has an account and nothing to do with the workspace; an admin
administers the installation, and is no member of the workspace. The agent is the one that things
are about; another one is in its workspace, a foreign one is not, and that of an ended one has been
deleted."""

ANONYMOUS, INVALID_SESSION, EXPIRED_SESSION = CALLERS[:3]
"""Callers without an account: no credential, a session that never existed, one that expired."""

AGENT, OTHER_AGENT, FOREIGN_AGENT, ENDED_AGENT = AGENTS = CALLERS[-4:]
"""Callers with the token of an agent, which is valid no more where the agent has ended."""

_ANSWERS: Mapping[str, Mapping[str, str]] = {
    role: dict(zip(CALLERS, answers, strict=True)) for role, *answers in _rows
}

OF_AGENTS = ("agent-of-workspace", "agent-itself")
"""What is required of agents about a thing: to be in its workspace, or to be whom it is for."""

REQUIRED_ROLES = tuple(role for role in _ANSWERS if role not in OF_AGENTS)
"""Every value of `x-required-role`."""


def refusal_of(required: str, caller: str) -> int | None:
    """The status with which a caller is refused what requires a role; None where it is not."""
    answer = _ANSWERS[required][caller]
    return None if answer == "ok" else int(answer)


def may_call(required: str) -> frozenset[str]:
    """The callers that may call what requires a role."""
    return frozenset(caller for caller in CALLERS if refusal_of(required, caller) is None)


WORKSPACE_ROLES = tuple(
    caller for caller in CALLERS if caller in _ANSWERS and "owner" in may_call(caller)
)
"""The roles that a member of a workspace can have, from least to most."""
