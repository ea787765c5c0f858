"""Reading forms, as browsers and programs send them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.http.request import UnsupportedMediaType, read_bytes

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_BYTES = 64 * 1024
_MAX_FIELDS = 50


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, without the empty ones.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: it is something else, or too long.
        BadRequest: it cannot be read, or has a field twice.
        ClientDisconnect: the client has gone before its end.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMediaType(f"Content-Type: must be {MEDIA_TYPE}")
    raw = await read_bytes(request, MAX_BYTES)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), encoding="utf-8", errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise BadRequest("the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadRequest("the form has a field twice")
    if any("\0" in value for value in fields.values()):
        raise BadRequest("the form has a NUL character")
    return fields
