"""The description of the internal routes, as OpenAPI: paths, parameters, bodies and statuses."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agentserver_reference.internal.secret import SCHEME

Node = dict[str, Any]

_TEXT = {"type": "string", "minLength": 1}
_WORKSPACE = {"name": "workspace_id", "in": "query", "required": True, "schema": _TEXT}
_SANDBOX = {"name": "sandbox_id", "in": "query", "schema": _TEXT}
_SINCE = {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 999},
}
_OFFSET = {
    "name": "offset",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
}
_OPTIONAL_TEXT = {"type": ["string", "null"]}
_MAX_RPD = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**31 - 1}

_REFUSED: Node = {"content": {"text/plain": {}}}
_REFUSALS = dict.fromkeys(("400", "401", "404", "413", "415"), _REFUSED)
_JSON: Node = {"content": {"application/json": {}}}


def _operation(
    name: str,
    *parameters: Node,
    body: Node | None = None,
    success: str = "200",
) -> Node:
    """Return the description of an operation; `name` is its tag and its id."""
    tag, _, operation_id = name.partition(".")
    required = [field for field in body or {} if "null" not in body[field]["type"]]  # type: ignore[index]
    schema = {"type": "object", "properties": body, "required": required}
    content = {"application/json": {"schema": schema}}
    return {
        "operationId": operation_id,
        "tags": [tag],
        "x-required-role": "none",
        "security": [{SCHEME: []}],
        "parameters": list(parameters),
        **({} if body is None else {"requestBody": {"required": True, "content": content}}),
        "responses": {success: _JSON if success == "200" else {}, **_REFUSALS},
    }


_PATHS: dict[str, Node] = {
    "/internal/usage": {
        "get": _operation("llm_proxy.get_usage", _WORKSPACE, {**_SANDBOX, "required": True}, _SINCE)
    },
    "/internal/traces": {
        "get": _operation("llm_proxy.list_traces", _WORKSPACE, _SANDBOX, _LIMIT, _OFFSET)
    },
    "/internal/traces/{trace_id}": {"get": _operation("llm_proxy.get_trace", _WORKSPACE, _SANDBOX)},
    "/internal/quotas/{workspace_id}": {
        "get": _operation("llm_proxy.get_quota"),
        "put": _operation("llm_proxy.set_quota", body={"max_rpd": _MAX_RPD}, success="204"),
        "delete": _operation("llm_proxy.delete_quota", success="204"),
    },
    "/internal/codex-auth/validate": {
        "post": _operation(
            "codex_auth.validate",
            body={"scheme": _TEXT, "assertion": _OPTIONAL_TEXT, "account_id": _OPTIONAL_TEXT},
        )
    },
    "/internal/validate-proxy-token": {
        "post": _operation("tokens.validate_proxy_token", body={"proxy_token": _TEXT})
    },
    "/internal/workspace-token": {
        "post": _operation("tokens.get_workspace_token", body={"workspace_id": _TEXT})
    },
}


def document(tags: Collection[str]) -> Node:
    """Return the description of the operations with these tags."""
    paths = {
        path: {
            method: operation for method, operation in item.items() if operation["tags"][0] in tags
        }
        for path, item in _PATHS.items()
    }
    return {"openapi": "3.1.0", "paths": {path: item for path, item in paths.items() if item}}
