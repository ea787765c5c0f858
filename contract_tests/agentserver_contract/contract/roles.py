"""Roles, and who may call what requires one: the one table of it.

A row is a value of `x-required-role`, a column one kind of caller. `ok` means that the call is not
refused for who makes it; a number is the status of the refusal.
"""

from __future__ import annotations

from collections.abc import Mapping

_TABLE = """
required    anonymous  invalid-session  expired-session  outsider  guest  developer  maintainer  owner  admin
none        ok         ok               ok               ok        ok     ok         ok          ok     ok
user        401        401              401              ok        ok     ok         ok          ok     ok
guest       401        401              401              403       ok     ok         ok          ok     403
developer   401        401              401              403       403    ok         ok          ok     403
maintainer  401        401              401              403       403    403        ok          ok     403
owner       401        401              401              403       403    403        403         ok     403
admin       401        401              401              403       403    403        403         403    ok
agent       401        401              401              401       401    401        401         401    401
"""  # noqa: E501 - a table is read across

_heading, *_rows = (line.split() for line in _TABLE.split("\n") if line)

CALLERS = tuple(_heading[1:])
"""The kinds of caller. An outsider has an account and nothing to do with the workspace; an admin
administers the installation, and is no member of the workspace."""

ANONYMOUS, INVALID_SESSION, EXPIRED_SESSION = CALLERS[:3]
"""Callers without an account: no credential, a session that never existed, one that expired."""

_ANSWERS: Mapping[str, Mapping[str, str]] = {
    role: dict(zip(CALLERS, answers, strict=True)) for role, *answers in _rows
}

REQUIRED_ROLES = tuple(_ANSWERS)
"""Every value of `x-required-role`."""


def refusal_of(required: str, caller: str) -> int | None:
    """The status with which a caller is refused what requires a role; None where it is not."""
    answer = _ANSWERS[required][caller]
    return None if answer == "ok" else int(answer)


def may_call(required: str) -> frozenset[str]:
    """The callers that may call what requires a role.

    A role that no caller of the table has stands for itself.
    """
    allowed = [caller for caller in CALLERS if refusal_of(required, caller) is None]
    return frozenset(allowed or [required])


WORKSPACE_ROLES = tuple(
    caller for caller in CALLERS if caller in _ANSWERS and "owner" in may_call(caller)
)
"""The roles that a member of a workspace can have, from least to most."""
