"""Faults of an answer, made from the contract: each change, for every operation that can have it.

An id is `operation:change`, then the status of a refusal, then the header or field:
`get_workspace:field-lost:name`. Where one field or refusal is chosen among several, the choice
depends on the operation and the change alone, so that ids are the same in every run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from answer_places import (
    Answers,
    Places,
    a_field,
    a_new_field,
    a_refusal,
    each_field,
    each_json_success,
    each_list,
    each_success,
    each_success_without_body,
    each_whole_list,
    fields_of,
    headers,
)
from answers import (
    OTHER_REFUSAL,
    REMOVED,
    Answer,
    Apply,
    add_field,
    as_text,
    cut_short,
    of_another_type,
    of_answers,
    of_objects,
    of_values,
    other_refusal,
    other_success,
    other_value,
    out_of_range,
    refusal_in_json,
    rename,
    with_body,
    without_header,
    without_zone,
    wrapped,
)
from definitions import AnswerChange, Fault

from agentserver_contract.contract.document import Contract


@dataclass(frozen=True)
class Change:
    """A change that answers of many operations can have."""

    kind: str
    """One of the names in `kinds.toml`."""
    breaks: str
    """What is wrong then; `path` and `status` are filled in."""
    places: Places
    apply: Apply


def answer_faults(contract: Contract) -> Iterator[Fault]:
    """The faults of every operation's answers, in the order of the contract."""
    for operation in contract.operations.values():
        for name, change in CHANGES.items():
            draw = random.Random(f"{operation.id} {name}")  # noqa: S311 - the same in every run
            for place in change.places(Answers(contract, operation, draw)):
                response, path = place.response, place.path
                status = [str(response.status)] if response.is_error else []
                yield Fault(
                    id=":".join([operation.id, name, *status, *([path] if path else [])]),
                    side="server",
                    kind=change.kind,
                    operations=(operation.id,),
                    breaks=change.breaks.format(path=path, status=response.status),
                    change=AnswerChange(operation.id, response.status, name, path),
                )


def changed(contract: Contract, change: AnswerChange, answer: Answer) -> Answer:
    """The answer with the fault; one with another status stays the same."""
    copy = Answer(answer.status, list(answer.headers), answer.body)
    if answer.status == change.status:
        response = contract.operations[change.operation].responses[change.status]
        schemas = {field.path: field.schema for field in fields_of(contract, response)}
        CHANGES[change.change].apply(copy, change.path, schemas.get(change.path, {}))
    return copy


CHANGES: Mapping[str, Change] = {
    "other-success-status": Change(
        "wrong-success-status",
        "a success has another status than {status}",
        each_success,
        of_answers(other_success),
    ),
    "other-refusal-status": Change(
        "undocumented-status",
        f"a refusal has the status {OTHER_REFUSAL} instead of {{status}}",
        a_refusal,
        of_answers(other_refusal),
    ),
    "refusal-in-json": Change(
        "error-of-another-shape",
        "a refusal with {status} is an object instead of a line of text",
        a_refusal,
        of_answers(refusal_in_json),
    ),
    "header-lost": Change(
        "wrong-header", "{status} lacks the header {path}", headers, without_header
    ),
    "said-to-be-text": Change(
        "wrong-media-type", "JSON is sent as text/plain", each_json_success, of_answers(as_text)
    ),
    "body-added": Change(
        "wrong-media-type",
        "an answer without a body has one",
        each_success_without_body,
        of_answers(with_body),
    ),
    "body-cut-short": Change(
        "malformed-body",
        "the last character of the body is missing",
        each_json_success,
        of_answers(cut_short),
    ),
    "list-wrapped": Change(
        "field-of-wrong-type", "the list is inside an object", each_whole_list, of_answers(wrapped)
    ),
    "list-emptied": Change(
        "list-incomplete", "a list is empty", each_list, of_values(lambda value, _: [])
    ),
    "list-cut-short": Change(
        "list-incomplete",
        "the last item of a list is missing",
        each_list,
        of_values(lambda value, _: value[:-1]),
    ),
    "list-reversed": Change(
        "wrong-order", "a list is reversed", each_list, of_values(lambda value, _: value[::-1])
    ),
    "field-lost": Change(
        "field-missing",
        "`{path}` is left out",
        each_field(lambda field: field.required),
        of_values(lambda value, _: REMOVED),
    ),
    "field-renamed": Change(
        "field-renamed",
        "`{path}` has another name",
        a_field(lambda field: field.required),
        of_objects(rename),
    ),
    "field-added": Change(
        "extra-field", "there is a field `{path}`", a_new_field, of_objects(add_field)
    ),
    "field-null": Change(
        "null-where-not-allowed",
        "`{path}` is null",
        a_field(lambda field: field.never_null),
        of_values(lambda value, _: None),
    ),
    "null-left-out": Change(
        "null-left-out",
        "`{path}` is left out instead of null",
        a_field(lambda field: field.null_when_unknown),
        of_values(lambda value, _: REMOVED if value is None else value),
    ),
    "field-of-other-type": Change(
        "field-of-wrong-type",
        "`{path}` has another type",
        a_field(lambda field: field.required),
        of_values(of_another_type),
    ),
    "value-out-of-range": Change(
        "value-out-of-range",
        "`{path}` has a value that is not allowed",
        a_field(lambda field: field.is_bounded),
        of_values(out_of_range),
    ),
    "time-without-zone": Change(
        "malformed-time",
        "`{path}` has no time zone",
        a_field(lambda field: field.is_time),
        of_values(without_zone),
    ),
    "other-value": Change(
        "wrong-value",
        "`{path}` has another valid value",
        each_field(lambda field: field.has_other_values),
        of_values(other_value),
    ),
}
"""The changes by name."""
