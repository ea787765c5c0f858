"""A call of a route that the contract does not list, made ready to send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from . import _encode
from ._auth import Credentials
from ._errors import ArgumentError
from ._omit import OMIT
from ._operation import UNTYPED, Call, Operation

_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_KEPT: Final = "/%:@!$&'()*+,;=~"
"""What stays as it is in a path; a percent sign begins an escape that is there already."""
_ANY_SUCCESS: Final = dict.fromkeys(range(200, 300), UNTYPED)
_SCHEMES: Final = ("sessionCookie", "bearerToken")


def unlisted_call(
    method: Any, path: Any, json: Any, params: Mapping[str, Any] | None, credentials: Credentials
) -> Call[Any]:
    """Make a call of a route, signed with the session if the client has or can get one.

    Raises:
        ArgumentError: an argument cannot be sent as it is.
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method.upper()):
        raise ArgumentError("method: must be the name of an HTTP method, such as GET")
    operation = Operation[Any](
        id=f"{method.upper()} {_checked(path)}",
        method=method.upper(),
        path=path,
        security=_SCHEMES,
        security_optional=not credentials.any,
        success=_ANY_SUCCESS,
        errors={},
    )
    body = _encode.body({"json": json}, required=False)
    return Call(
        operation,
        quote(path, safe=_KEPT),
        query=_encode.query(params or {}),
        body=body["json"] if isinstance(body, dict) else OMIT,
    )


def _checked(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ArgumentError("path: must be a str that begins with a slash")
    if "?" in path or "#" in path:
        raise ArgumentError("path: must have no query and no fragment; use params=")
    if any(unquote(part) in (".", "..") for part in path.split("/")):
        raise ArgumentError("path: must have no segment that is . or ..")
    if not path.isprintable() or "\\" in path:
        raise ArgumentError("path: contains a character that no path can have")
    return path
