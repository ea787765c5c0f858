"""Ids that a caller may put into a path, and what the contract has the server answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from agentserver_contract.contract.document import Operation
from agentserver_contract.contract.roles import WORKSPACE_ROLES
from agentserver_contract.data.tables import exceptions
from agentserver_contract.fixtures.workspaces import PARAMETER
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import Request


@dataclass(frozen=True)
class BadId:
    """An id of nothing that the caller has."""

    name: str
    segment: str
    """As it stands in the path, percent-encoded."""


def malformed(own: str) -> list[BadId]:
    """Ids that no server gives out.

    Args:
        own: An id of something of the caller's, which some of these look like.
    """
    texts: Mapping[str, str] = {
        "an over-long id": NO_SUCH + "x" * 300,
        "an id of 4,000 characters": NO_SUCH + "x" * 4000,
        "an id with a slash": f"{NO_SUCH}a/b",
        "an id that climbs a path": f"{NO_SUCH}/../..",
        "an id with a percent sign": f"{NO_SUCH}100%",
        "an id with a dot": f"{NO_SUCH}a.json",
        "an id with a question mark": f"{NO_SUCH}a?b=c",
        "an id with a hash sign": f"{NO_SUCH}a#b",
        "an id with a quote": f"{NO_SUCH}' OR '1'='1",
        "an id with a line break": f"{NO_SUCH}a\nb",
        "an id beyond ASCII": f"{NO_SUCH}ßİı😀",
        "a blank": " ",
        "a wildcard": "%",
        "an id with a blank behind": f"{own} ",
        "an id with a NUL behind": f"{own}\0",
        "an id with a slash behind": f"{own}/",
        "an id cut short": own[:-1],
    }
    raw = {
        "an id with a NUL": f"{NO_SUCH}a%00b",
        "an id that is not UTF-8": f"{NO_SUCH}%FF%FE",
        "half of a surrogate pair": f"{NO_SUCH}%ED%A0%80",
    }
    encoded = {name: quote(text, safe="") for name, text in texts.items()}
    return [BadId(name, segment) for name, segment in (encoded | raw).items()]


def with_segment(
    operation: Operation, segments: Mapping[str, str], parameter: str, segment: str
) -> Callable[[Request], Request]:
    """The change that puts another segment into the place of a path parameter.

    Args:
        operation: Whose path.
        segments: What the other parameters are.
        parameter: Which is changed.
        segment: What it becomes, percent-encoded.
    """

    def change(request: Request) -> Request:
        path = operation.path
        for name in operation.path_parameters:
            value = segment if name == parameter else quote(segments[name], safe="")
            path = path.replace(f"{{{name}}}", value)
        query = f"?{request.query}" if request.query else ""
        return replace(request, target=path + query)

    return change


def status_of_unknown(
    operation: Operation, parameter: str, refused: int | None, required_role: str
) -> frozenset[int]:
    """What a request with a good body is answered where a thing in its path is not the caller's.

    Args:
        operation: Which.
        parameter: The parameter that names the thing.
        refused: The status with which the caller is refused the operation in the workspace of the
            other parameters; None where it is not.
        required_role: The role that the request needs.
    """
    if refused == 401:
        return frozenset({401})
    of_workspace = required_role in WORKSPACE_ROLES
    if parameter == PARAMETER and of_workspace:
        return frozenset({403})  # whether it exists is for its members to know
    role_is_known = required_role == "admin" or PARAMETER in operation.path_parameters
    if refused == 403 and role_is_known:
        return frozenset({403})
    for each in exceptions("accepts-unknown-id"):
        if operation.id in each.operations:
            return frozenset({each.status})
    # Outside of a workspace's path, what belongs to another workspace may be 403 as well.
    return frozenset({404}) if role_is_known else frozenset({403, 404})
