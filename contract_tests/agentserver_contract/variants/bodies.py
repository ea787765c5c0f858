"""Bodies that no operation reads, whatever its schema says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace

from agentserver_contract.contract.document import TEXT
from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING
from agentserver_contract.http.messages import Request
from agentserver_contract.variants.drafts import Change


def with_body(body: bytes) -> Change:
    """The change that replaces the body."""
    return lambda request: replace(request, body=body)


def as_text(request: Request) -> Request:
    """The request with a body that is said to be text."""
    return replace(request, headers={**request.headers, "content-type": TEXT})


def as_form(request: Request) -> Request:
    """The request with a body that is said to be a form, as a page of another site can send."""
    kind = "application/x-www-form-urlencoded"
    return replace(request, headers={**request.headers, "content-type": kind})


def compressed(request: Request) -> Request:
    """The request with a compressed body."""
    headers = {**request.headers, "content-encoding": "gzip"}
    return replace(request, headers=headers, body=gzip.compress(b"{}", mtime=0))


def over_limit(request: Request) -> Request:
    """The request with a body that is one byte larger than any may be."""
    fields = {**json.loads(request.body or b"{}"), "padding": ""}
    missing = MAX_BODY_BYTES + 1 - len(json.dumps(fields))
    return replace(request, body=json.dumps({**fields, "padding": "x" * missing}).encode())


def over_limit_in_chunks(request: Request) -> Request:
    """The same, without saying how long it is."""
    headers = {**request.headers, "transfer-encoding": "chunked"}
    return replace(over_limit(request), headers=headers)


def twice(request: Request) -> Request:
    """The request with its body two times."""
    return replace(request, body=(request.body or b"") * 2)


def with_text_behind(request: Request) -> Request:
    """The request with something behind its body."""
    return replace(request, body=(request.body or b"") + b" x")


def nested(request: Request) -> Request:
    """The request with a body that is nested one level deeper than any may be."""
    levels = MAX_NESTING
    return with_raw_field(request, b'"padding": ' + b"[" * levels + b"]" * levels)


def not_utf8(request: Request) -> Request:
    """The request with a field that is not UTF-8."""
    return with_raw_field(request, b'"padding": "\xff"')


def with_raw_field(request: Request, field: bytes) -> Request:
    """The request with one more field, as raw bytes, at the end of its JSON object."""
    body = (request.body or b"{}").rstrip()
    return replace(request, body=body[:-1] + (b", " if len(body) > 2 else b"") + field + b"}")


BROKEN = with_body(b'{"broken": ')
"""Cuts a body off in the middle."""

MISLABELLED: Mapping[str, Change] = {
    "a body called a form": as_form,
    "a compressed body": compressed,
}
"""Changes after which every operation that reads a body answers 415, by name."""

MALFORMED: Mapping[str, Change] = {
    "an array for a body": with_body(b"[]"),
    "null for a body": with_body(b"null"),
    "a string for a body": with_body(b'"{}"'),
    "a body sent twice over": twice,
    "text behind the body": with_text_behind,
    "a body nested too deep": nested,
    "a body that is not UTF-8": not_utf8,
    "a body in UTF-16": with_body("{}".encode("utf-16")),
    "NaN in a body": lambda request: with_raw_field(request, b'"padding": NaN'),
    "a comma too many": with_body(b'{"padding": [1,]}'),
    "single quotes": with_body(b"{'padding': 1}"),
}
"""Changes after which every operation that reads a body answers 400, by name."""
