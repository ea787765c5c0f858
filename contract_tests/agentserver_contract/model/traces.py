"""Usage and traces: who sees them. A run makes no requests to models, so that all are empty."""

from __future__ import annotations

from agentserver import NotFound, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, rule
from agentserver_contract.model.readback import expect, expect_refused, read
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.sandboxes import any_sandbox, with_sandbox


@rule(touches=[], precondition=with_sandbox())
def look_at_usage_and_traces(run: ModelRun, choose: Choose) -> None:
    """Members see that there is nothing yet; nobody else sees anything, whatever they name."""
    workspace, sandbox, _ = any_sandbox(run, choose)
    member = choose(list(workspace.members))
    strangers = ["admin", *(user for user in USERS if user not in workspace.members)]

    method = "sandboxes.get_usage"
    usage = list(read(run, member, method, sandbox.id).usage)
    expect(method, "a sandbox that has asked nothing has used nothing", [], usage)
    expect_refused(run, strangers, PermissionDenied, method, sandbox.id)
    expect_refused(run, [member], NotFound, method, NO_SUCH)

    for method, owner in (
        ("traces.list", workspace.id),
        ("traces.list_of_sandbox", sandbox.id),
    ):
        page = read(run, member, method, owner)
        expect(method, "no requests, no traces", ([], 0), (list(page), page.total))
        expect_refused(run, strangers, PermissionDenied, method, owner)

    for method, owner in (("traces.get", workspace.id), ("traces.get_of_sandbox", sandbox.id)):
        expect_refused(run, [member], NotFound, method, owner, NO_SUCH)
        expect_refused(run, strangers, PermissionDenied, method, owner, NO_SUCH)
