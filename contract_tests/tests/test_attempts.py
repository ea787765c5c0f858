"""A preparation that fails in the middle of a layer is a finding, and ends nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from answer_middleware import App
from faulty import served
from servers import prepare_accounts
from starlette.responses import PlainTextResponse

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.http.target import Target
from agentserver_contract.layers import races, refusals, roles
from agentserver_contract.results.findings import LayerResult

CHANGES = frozenset({"rename_workspace", "add_workspace_member"})
MAKES = {"create_workspace"}
QUOTA = "PUT /api/admin/users/.*/quota"


class Failing:
    """An application that fails once, as soon as it is `armed`, at what a check prepares."""

    def __init__(self, app: App, request: str, number: int, how: Callable[[App], App]) -> None:
        self._app, self._failed = app, how(app)
        self._request, self._left = re.compile(request), number
        self.armed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, but for one request."""
        name = f"{scope.get('method')} {scope.get('path')}"
        is_such = self.armed and self._request.fullmatch(name) is not None
        self._left -= is_such
        fails = is_such and not self._left
        await (self._failed if fails else self._app)(scope, receive, send)


def refused(app: App) -> App:
    return PlainTextResponse("full\n", 500)


def cut(app: App) -> Callable[..., Awaitable[None]]:
    async def hang_up(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError("nothing is answered")

    return hang_up


@pytest.mark.parametrize("how", [refused, cut])
@pytest.mark.parametrize(
    ("layer", "request_", "number", "at_fault", "extra"),
    [
        (roles, "POST /api/workspaces", 2, "create_workspace", set()),
        (
            refusals,
            "PUT /api/admin/users/.*/quota",
            1,
            "admin_set_user_quota",
            {"create_workspace"},
        ),
        (races, "POST /api/workspaces", 2, "create_workspace", set()),
    ],
)
def test_other_checks_go_on(
    layer: Any,
    request_: str,
    number: int,
    at_fault: str,
    extra: set[str],
    how: Callable[[App], App],
    tmp_path: Path,
    contract: Contract,
) -> None:
    applications = []

    def wrap(app: App) -> App:
        applications.append(Failing(app, request_, number, how))
        return applications[-1]

    with served(tmp_path, wrap) as url, Target(url) as target:
        context = Context(
            target,
            prepare_accounts(target),
            contract,
            Plan(seed=1, operations=CHANGES | extra),
        )
        applications[0].armed = True
        result: LayerResult = layer.run(context)
    found = [(each.check, each.operation) for each in result.findings]
    assert found == [("preparation", at_fault)]
    (finding,) = result.findings
    assert finding.sent.split()[0] == request_.split(maxsplit=1)[0]
    assert finding.detail.startswith("expected 2xx, got")
    assert result.cases.keys() >= CHANGES
