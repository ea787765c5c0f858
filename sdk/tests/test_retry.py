"""Which requests are retried, after how long, and what is raised when the outcome is unknown."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from agentserver import (
    BadRequest,
    ConnectionFailed,
    OutcomeUnknown,
    RateLimited,
    ResponseValidationError,
    ServiceUnavailable,
    TimedOut,
)
from agentserver._retry import backoff, retry_after
from agentserver._transport import FAILURES

METHODS = ("GET", "PUT", "DELETE", "POST", "PATCH")
UNSENT = ("connect", "connect timeout", "pool timeout")
LOST = ("broken", "read timeout", "write timeout")

# By method: what a request is repeated after, once it was sent.
REPEATED = {
    "GET": {*LOST, 408, 429, 500, 502, 503, 504},
    "PUT": {*LOST, 408, 429, 502, 503, 504},
    "DELETE": {*LOST, 408, 429, 502, 503, 504},
    "POST": set(),
    "PATCH": set(),
}
STATUSES = (
    400,
    401,
    403,
    404,
    405,
    408,
    409,
    410,
    413,
    415,
    422,
    429,
    500,
    501,
    502,
    503,
    504,
    520,
)


@pytest.fixture
def outcome(reply, failure) -> Any:
    """Makes an answer, or a failure."""
    return lambda what: failure(what) if isinstance(what, str) else reply(what)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("what", [*LOST, *STATUSES])
def test_only_what_is_safe_to_send_twice_is_sent_twice(
    method, what, flow, call, reply, outcome
) -> None:
    again = what in REPEATED[method]
    answers = [outcome(what), *([reply(200)] if again else [])]
    run = flow.run(call(method), *answers)
    assert len(run.sent) == len(answers), f"{method} answered by {what}"
    assert (run.error is None) == again


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("what", UNSENT)
def test_what_never_left_is_sent_again_whatever_it_is(
    method, what, flow, call, reply, failure
) -> None:
    run = flow.run(call(method), failure(what), failure(what), reply(200))
    assert run.result == "fine"


@pytest.mark.parametrize("what", [kind for kind in FAILURES if not FAILURES[kind].retryable])
def test_what_would_fail_the_same_way_is_not_repeated(what, flow, call, failure) -> None:
    error = flow.run(call(), failure(what)).error
    unreadable = what == "undecodable"
    assert isinstance(error, ResponseValidationError if unreadable else ConnectionFailed)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_write_turned_away_with_a_time_is_sent_again(method, status, flow, call, reply) -> None:
    run = flow.run(call(method), reply(status, retry_after="2"), reply(200))
    assert run.result == "fine"
    assert run.slept == [2.0]


@pytest.mark.parametrize("what", [*LOST, 408, 429, 502, 503, 504])
def test_writes_are_repeated_when_the_caller_says_always(what, flow, call, reply, outcome) -> None:
    run = flow.run(call("POST"), outcome(what), reply(200), retry="always")
    assert run.result == "fine"


@pytest.mark.parametrize("what", [*LOST, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("retry", ["safe", "always"])
def test_a_get_that_consumes_is_never_sent_twice(what, retry, flow, call, reply, outcome) -> None:
    answer = outcome(what) if isinstance(what, str) else reply(what, retry_after="1")
    run = flow.run(call(consumes=True), answer, retry=retry)
    assert len(run.sent) == 1
    assert isinstance(run.error, OutcomeUnknown) == (what in LOST)


def test_there_are_four_retries_unless_max_retries_says_otherwise(flow, call, reply) -> None:
    assert flow.run(call(), *[reply(503)] * 5).error.attempts == 5
    assert flow.run(call(), reply(503), max_retries=0).error.attempts == 1
    assert flow.run(call(), *[reply(503)] * 3, max_retries=2).error.attempts == 3


def test_waits_double_up_to_a_cap_and_half_of_each_is_random() -> None:
    assert [backoff(n, lambda: 1.0) for n in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert backoff(3, lambda: 0.5) == 3.0
    assert backoff(3, lambda: 0.0) == 2.0
    assert backoff(10**9, lambda: 0.0) == 4.0


@pytest.mark.parametrize("random", [0.0, 1.0])
def test_the_retries_outlast_a_restart_of_some_seconds(random, flow, call, failure) -> None:
    flow.chances = random
    run = flow.run(call("POST"), *[failure("connect")] * 5)
    assert 3.7 < sum(run.slept) < 8


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        (formatdate(1_000_030, usegmt=True), 30.0),
        (formatdate(1_000_030), 30.0),
        (formatdate(900_000, usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header, seconds) -> None:
    assert retry_after(header, None, lambda: 1_000_000.0) == seconds


@pytest.mark.parametrize("our_clock", [0.0, 999_990.0, 2_000_000.0])
def test_a_time_that_the_server_names_is_a_time_of_its_clock(our_clock) -> None:
    asked, date = formatdate(1_000_030, usegmt=True), formatdate(1_000_000, usegmt=True)
    assert retry_after(asked, date, lambda: our_clock) == 30.0
    assert retry_after("7", date, lambda: our_clock) == 7.0


def test_a_date_that_cannot_be_read_leaves_our_own_clock() -> None:
    assert retry_after(formatdate(130), "yesterday", lambda: 100.0) == 30.0


def test_a_slow_clock_does_not_make_a_call_wait_longer(flow, call, reply) -> None:
    busy = reply(503, retry_after=formatdate(5_000_002), date=formatdate(5_000_000))
    assert flow.run(call(), busy, reply()).slept == [2.0]


def test_a_retry_after_of_a_minute_is_waited_for_and_a_longer_one_is_not(flow, call, reply) -> None:
    assert flow.run(call(), reply(429, retry_after="60"), reply(200)).slept == [60.0]
    run = flow.run(call(), reply(429, retry_after="61"))
    assert run.slept == []
    assert isinstance(run.error, RateLimited)
    assert run.error.retry_after == 61.0


def test_an_absurd_retry_after_is_not_waited_for(flow, call, reply) -> None:
    run = flow.run(call(), reply(503, retry_after="9" * 400))
    assert isinstance(run.error, ServiceUnavailable)
    assert run.slept == []


def test_a_repeat_that_would_pass_the_deadline_is_left_out(flow, call, reply) -> None:
    flow.takes = 6.0
    run = flow.run(call(), reply(503, retry_after="5"), deadline=10.0)
    assert len(run.sent) == 1
    assert run.error.elapsed == 6.0


def test_every_attempt_of_a_call_ends_by_the_same_deadline(flow, call, reply) -> None:
    flow.takes = 3.0
    run = flow.run(call(), reply(503), reply(503), reply(200), deadline=50.0)
    assert [sent.ends for sent in run.sent] == [1050.0] * 3


def test_a_login_on_the_way_counts_towards_the_deadline(flow, call, reply) -> None:
    flow.takes = 4.0
    client = flow.client(email="a@b.example", password="pw", deadline=5.0)
    run = flow.run(call(security=("sessionCookie",)), reply(503, retry_after="2"), client=client)
    assert isinstance(run.error, ServiceUnavailable)
    assert run.error.operation_id == "login"


# --- the outcome of a write -----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("what", LOST)
def test_a_write_without_an_answer_leaves_its_outcome_unknown(
    method, what, flow, call, failure
) -> None:
    attempts = 5 if what in REPEATED[method] else 1
    error = flow.run(call(method), *[failure(what)] * attempts).error
    if method == "GET":
        assert not isinstance(error, OutcomeUnknown), "a read has no outcome"
    else:
        assert isinstance(error, OutcomeUnknown)
        assert not isinstance(error, TimedOut)


@pytest.mark.parametrize("first", [*LOST, 502, 504])
@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refused_repeat_does_not_tell_what_became_of_the_first(
    first, status, flow, call, reply, outcome
) -> None:
    error = flow.run(call("DELETE"), outcome(first), reply(status, "gone")).error
    assert isinstance(error, OutcomeUnknown)
    assert error.status_code == status
    assert error.attempts == 2


@pytest.mark.parametrize("first", [*UNSENT, 429, 503, 408])
def test_a_refusal_after_an_attempt_that_changed_nothing_is_itself(
    first, flow, call, reply, outcome
) -> None:
    error = flow.run(call("DELETE"), outcome(first), reply(404)).error
    assert type(error).__name__ == "NotFound"


def test_a_repeat_found_malformed_was_malformed_before(flow, call, reply, failure) -> None:
    assert isinstance(flow.run(call("PUT"), failure("broken"), reply(400)).error, BadRequest)


def test_a_repeat_that_cannot_connect_does_not_hide_the_first(flow, call, failure) -> None:
    run = flow.run(call("PUT"), failure("read timeout"), *[failure("connect")] * 4)
    assert isinstance(run.error, OutcomeUnknown)


def test_a_repeat_that_succeeds_settles_it(flow, call, reply, failure) -> None:
    assert flow.run(call("DELETE"), failure("broken"), reply(200)).result == "fine"


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_answer_to_the_only_attempt_is_raised_as_it_is(
    status, flow, call, reply, outcome
) -> None:
    error = flow.run(call("POST"), reply(status)).error
    assert error.status_code == status
    assert not isinstance(error, OutcomeUnknown)


@pytest.mark.parametrize(
    ("kind", "phase", "sent"),
    [("connect timeout", "connect", False), ("pool timeout", "pool", False)],
)
def test_a_timeout_tells_its_phase_and_whether_it_was_sent(
    kind, phase, sent, flow, call, failure
) -> None:
    error = flow.run(call("POST"), *[failure(kind)] * 5).error
    assert isinstance(error, TimedOut)
    assert (error.phase, error.sent) == (phase, sent)
