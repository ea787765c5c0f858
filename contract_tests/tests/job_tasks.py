"""What the tests of jobs let other processes do: a pickle names these functions."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

from agentserver_contract.context import Plan
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.run import Observer, Outcome, what_ended

URL = "http://127.0.0.1:1"
CASES = 3


def outcome(seed: int = 1) -> Outcome:
    result = LayerResult("roles")
    result.cases["login"] = CASES
    return Outcome(URL, Plan(seed), [result])


def print_and_end(observer: Observer) -> Outcome:
    """What is printed must not get between the reports."""
    print("something that a library prints")
    observer.begins(URL)
    observer.started("roles")
    return outcome()


def wait(observer: Observer) -> Outcome:
    """Do nothing until the reason to stop arrives."""
    observer.begins(URL)
    try:
        threading.Event().wait()
    except KeyboardInterrupt as error:
        observer.finished(LayerResult("clean-up"))
        return Outcome(URL, Plan(1), [], ended_by=str(error))
    raise AssertionError


def wait_in_a_library(observer: Observer) -> Outcome:
    """Do nothing until the reason to stop arrives, which is then lost."""
    observer.begins(URL)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return Outcome(URL, Plan(1), [], ended_by=what_ended(None, KeyboardInterrupt()))


def find(observer: Observer) -> Outcome:
    """End early, as a run that has found enough."""
    return Outcome(URL, Plan(1), [], ended_by="it is enough")


def fail(observer: Observer) -> Outcome:
    """An error in the tool itself."""
    observer.finished(outcome().results[0])
    raise ZeroDivisionError


def die(observer: Observer) -> Outcome:
    """What a system does that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def clean_up_for_ever(observer: Observer) -> Outcome:
    """Wait until interrupted, and then until interrupted again."""
    waiting = threading.Event()
    with suppress(KeyboardInterrupt):
        observer.begins(URL)
        waiting.wait()
    try:
        observer.ended(Outcome(URL, Plan(1), [], ended_by="interrupted"))
        waiting.wait()
    except KeyboardInterrupt:
        return Outcome(URL, Plan(1), [], ended_by="interrupted twice")
    raise AssertionError
