"""What all operations have in common: headers, refusals, paths and methods, reading a body."""

from contextvars import ContextVar
from http import HTTPStatus

from replacing import also, fault
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agentserver_reference.domain.errors import BadRequest, NotFound, QuotaExceeded
from agentserver_reference.http.request import (
    PayloadTooLarge,
    UnsupportedMediaType,
    read_body,
    read_query,
)
from agentserver_reference.http.responses import text
from agentserver_reference.http.routing import MethodNotAllowed
from agentserver_reference.security.authorize import Access
from agentserver_reference.security.credentials import find_credentials

# --- what every answer carries --------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.http.dispatch.Dispatcher._request_id",
    kind="wrong-header",
    operations=["check_health", "get_workspace"],
)
def request_id_always_new(original, self, connection):
    """The caller's request id is not returned."""
    return self.context.ids()


@fault(
    replaces="agentserver_reference.http.dispatch.Dispatcher._request_id",
    kind="wrong-header",
    operations=["check_health", "get_workspace"],
)
def request_id_insane(original, self, connection):
    """Any text is accepted and returned as a request id."""
    return connection.headers.get("x-request-id") or self.context.ids()


@fault(
    replaces="agentserver_reference.http.dispatch.Dispatcher._complete",
    kind="wrong-header",
    operations=["get_workspace", "rename_workspace"],
)
def refusals_without_nosniff(original, self, response, target, request_id):
    """Refusals have no X-Content-Type-Options."""
    original(self, response, target, request_id)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        del response.headers["X-Content-Type-Options"]


# --- refusals -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.http.responses.text",
    kind="error-of-another-shape",
    operations=["get_workspace", "create_workspace"],
)
def refusals_as_json(original, status, line):
    """Refusals are JSON."""
    body = original(status, line).body.decode().strip()
    return Response(f'{{"error":"{body}"}}', status, media_type="application/json")


@fault(
    replaces="agentserver_reference.http.responses.TEXT",
    kind="wrong-media-type",
    operations=["get_workspace", "create_workspace"],
)
def refusals_as_html(original):
    """Refusals are sent as text/html."""
    return "text/html"


@fault(
    replaces="agentserver_reference.http.responses.text",
    kind="error-of-another-shape",
    operations=["create_workspace", "login"],
)
def refusals_in_two_lines(original, status, line):
    """Refusals have a second line."""
    body = original(status, line).body + b"see the manual\n"
    return Response(body, status, media_type="text/plain")


@fault(
    replaces="agentserver_reference.http.responses._FORMS",
    kind="error-of-another-shape",
    operations=["create_workspace"],
)
def quota_refusal_as_text(original):
    """The refusal over a quota is plain text instead of JSON."""
    return {error: form for error, form in original.items() if error is not QuotaExceeded}


@fault(
    replaces="agentserver_reference.http.responses._quota",
    kind="fields-swapped",
    operations=["create_workspace"],
)
def quota_refusal_swaps_numbers(original, status, error):
    """The refusal over a quota has count and limit swapped."""
    swapped = QuotaExceeded(error.line, current=error.maximum, maximum=error.current)
    return original(status, swapped)


@fault(
    replaces="agentserver_reference.http.responses.STATUSES",
    kind="undocumented-status",
    operations=["create_workspace", "rename_workspace"],
)
def bodies_too_large_are_400(original):
    """A body over the size limit is refused with 400."""
    return original | {PayloadTooLarge: 400}


# --- paths and methods ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.http.responses._allowed_methods",
    kind="wrong-header",
    operations=["list_workspaces", "create_workspace"],
)
def method_not_allowed_without_allow(original, status, error):
    """405 has no Allow header."""
    return text(status, error.line)


@fault(
    replaces="agentserver_reference.http.routing.MethodNotAllowed.__init__",
    kind="wrong-header",
    operations=["list_workspaces", "create_workspace", "rename_workspace"],
)
def method_not_allowed_names_too_few(original, self, allow):
    """The Allow header of 405 names only one method."""
    original(self, sorted(allow)[:1])


@fault(
    replaces="agentserver_reference.http.routing.Router.find",
    kind="undocumented-status",
    operations=["list_workspaces", "create_workspace"],
)
def method_not_allowed_is_404(original, self, method, raw_path):
    """A method that a path does not have is refused with 404."""
    try:
        return original(self, method, raw_path)
    except MethodNotAllowed:
        raise NotFound("not found") from None


@fault(
    replaces="agentserver_reference.http.routing.Router.find",
    kind="undeclared-method-answered",
    operations=["list_workspaces", "get_workspace"],
)
def other_methods_are_get(original, self, method, raw_path):
    """Methods that a path does not have are treated as GET."""
    try:
        return original(self, method, raw_path)
    except MethodNotAllowed:
        return original(self, "GET", raw_path)


@fault(
    replaces="agentserver_reference.http.routing.Router.find",
    kind="rejects-legal-call",
    operations=["list_workspaces", "get_workspace", "admin_list_users"],
)
def head_is_refused(original, self, method, raw_path):
    """HEAD is not answered, although GET is."""
    if method == "HEAD":
        raise MethodNotAllowed(["GET"])
    return original(self, method, raw_path)


@fault(
    replaces="agentserver_reference.http.routing.Router.find",
    kind="undeclared-method-answered",
    operations=["rename_workspace"],
)
def put_renames_too(original, self, method, raw_path):
    """PUT is treated as PATCH."""
    try:
        return original(self, method, raw_path)
    except MethodNotAllowed:
        return original(self, "PATCH" if method == "PUT" else method, raw_path)


@fault(
    replaces="agentserver_reference.http.routing._decode",
    kind="server-error-on-odd-input",
    operations=["get_workspace"],
)
def odd_path_is_server_error(original, segment):
    """A path that is not UTF-8 is a server error."""
    decoded = original(segment)
    if "\ufffd" in decoded:
        raise ValueError("not UTF-8")
    return decoded


@fault(
    replaces="agentserver_reference.http.routing.Router.find",
    kind="existence-shown",
    operations=["get_workspace"],
)
def encoded_slash_divides(original, self, method, raw_path):
    """An encoded slash in an id leads to another operation."""
    return original(self, method, raw_path.replace(b"%2F", b"/"))


# --- reading a body -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.http.request._check_media_type",
    kind="media-type-not-checked",
    operations=["create_workspace", "login"],
)
def any_media_type_is_read(original, request):
    """Bodies of any media type are read as JSON."""


@fault(
    replaces="agentserver_reference.http.request._check_media_type",
    kind="media-type-not-checked",
    operations=["create_workspace", "login"],
)
def text_is_read_as_json(original, request):
    """Bodies sent as text/plain are read as JSON."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "text/plain":
        original(request)


@fault(
    replaces="agentserver_reference.http.request._check_media_type",
    kind="rejects-legal-call",
    operations=["create_workspace"],
)
def media_type_with_case(original, request):
    """`Application/JSON; charset=utf-8` is refused."""
    if request.headers.get("content-type", "application/json") != "application/json":
        raise UnsupportedMediaType("Content-Type: must be application/json")


@fault(
    replaces="agentserver_reference.http.request._check_media_type",
    kind="media-type-not-checked",
    operations=["add_workspace_member"],
)
def members_are_added_by_forms(original, request):
    """One operation reads bodies of any media type."""
    if not request.url.path.endswith("/members"):
        original(request)


@fault(
    replaces="agentserver_reference.http.request.MAX_BYTES",
    kind="size-not-checked",
    operations=["create_workspace", "rename_workspace"],
)
def bodies_up_to_two_mebibytes(original):
    """Bodies up to twice the size limit are read."""
    return 2 * original


@fault(
    replaces="agentserver_reference.http.request._is_too_deep",
    kind="server-error-on-odd-input",
    operations=["rename_workspace"],
)
def rename_of_deep_bodies_fails(original, value):
    """A body nested too deeply is a server error."""
    if original(value):
        raise RecursionError("too many levels")
    return False


@fault(
    replaces="agentserver_reference.http.request._prune",
    kind="rejects-unknown-field",
    operations=["create_workspace", "admin_set_user_quota"],
)
def unknown_fields_refused(original, value, shape):
    """Unknown fields are refused."""
    if isinstance(shape, dict) and isinstance(value, dict) and not value.keys() <= shape.keys():
        raise BadRequest("body: holds an unknown field")
    return original(value, shape)


@fault(
    replaces="agentserver_reference.http.request._prune",
    kind="write-not-stored",
    operations=["admin_set_quota_defaults"],
)
def whole_floats_stay_floats(original, value, shape):
    """1.0 is not stored as 1."""
    return value if isinstance(value, float) else original(value, shape)


@fault(
    replaces="agentserver_reference.http.request._parse",
    kind="accepts-wrong-type",
    operations=["admin_set_workspace_quota", "admin_set_user_quota"],
)
def numbers_may_be_true(original, raw):
    """`true` is accepted for a number, as in Python."""
    body = original(raw)
    return {name: int(v) if isinstance(v, bool) else v for name, v in body.items()}


@fault(
    replaces="agentserver_reference.http.request.explain",
    kind="server-error-on-odd-input",
    operations=["create_workspace", "register_user"],
)
def nul_is_server_error(original, error, examples, at=""):
    """A NUL in a text is a server error."""
    if "\0" in str(error.instance):
        raise ValueError("must not contain NUL")
    return original(error, examples, at)


@fault(
    replaces="agentserver_reference.http.dispatch.Dispatcher._answer",
    kind="existence-shown",
    operations=["rename_workspace", "add_workspace_member"],
)
async def body_checked_before_rights(original, self, endpoint, request, path, request_id):
    """The body is checked before the caller's rights."""
    operation = endpoint.operation
    if operation.body and operation.role != "admin":
        body = await request.body()

        async def again():
            return {"type": "http.request", "body": body, "more_body": False}

        await read_body(Request(request.scope, again), operation.body)
        request = Request(request.scope, again)
    return await original(self, endpoint, request, path, request_id)


@fault(
    replaces="agentserver_reference.http.dispatch.Dispatcher._answer",
    kind="existence-shown",
    operations=["list_workspace_operations", "get_sandbox_usage"],
)
async def query_checked_before_rights(original, self, endpoint, request, path, request_id):
    """The query is checked before the caller's rights."""
    operation = endpoint.operation
    if operation.query and operation.workspace_field is None:
        credentials = find_credentials(request.headers, endpoint.kinds)
        access = Access(operation, path, credentials, self.context.clock)
        await self.context.store.read(access.check_credentials)
        read_query(operation.query, request.query_params)
    return await original(self, endpoint, request, path, request_id)


_last_body = ContextVar("_last_body", default=b"")


@fault(
    replaces="agentserver_reference.http.request.read_bytes",
    kind="secret-shown",
    operations=["set_workspace_llm_config", "login"],
)
async def refusals_show_bodies(original, request, limit):
    """The refusal of a body shows all of it, keys and passwords too."""
    body = await original(request, limit)
    _last_body.set(body)
    return body


@also(refusals_show_bodies, replaces="agentserver_reference.http.request.explain")
def explanation_with_body(original, *args, **kwargs):
    """The explanation, and the body after it."""
    return f"{original(*args, **kwargs)}: {_last_body.get().decode('utf-8', 'replace')}"


# --- requests that are no HTTP --------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.http.connection.BoundedProtocol.on_headers_complete",
    kind="accepts-malformed",
    operations=["check_health"],
)
def hosts_not_counted(original, self):
    """A request without Host, or with several, is answered."""
    self._unparsed = 0
    HttpToolsProtocol.on_headers_complete(self)


@fault(
    replaces="agentserver_reference.http.connection.BoundedProtocol._refuse",
    kind="wrong-header",
    operations=["check_health"],
)
def malformed_requests_refused_by_uvicorn(original, self, status, line):
    """What is no HTTP is refused without the headers of every answer."""
    if status != HTTPStatus.BAD_REQUEST:
        return original(self, status, line)
    self._refusal = status, line
    return self.send_400_response(line)


@fault(
    replaces="agentserver_reference.http.connection.BoundedProtocol._refuse",
    kind="undocumented-status",
    operations=["check_health"],
)
def heads_too_large_are_400(original, self, status, line):
    """A head over the limit is called malformed."""
    too_large = status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return original(self, HTTPStatus.BAD_REQUEST if too_large else status, line)
