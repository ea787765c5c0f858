"""One check of a layer that cannot be made leaves all others to be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agentserver_contract.fixtures.callers import NoCaller
from agentserver_contract.http.guard import Blocked
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.results.preparation import UNPREPARED, preparation_failed


@contextmanager
def attempt(result: LayerResult, name: str) -> Iterator[None]:
    """Make a check, and go on after it.

    Args:
        result: The layer's. That the server refuses what the check needs is a finding; that the
            guard does not let it out, or that no caller may make it, is listed as not run.
        name: The name of the check.
    """
    try:
        yield
    except Blocked as reason:
        result.not_run[name] = str(reason).rpartition(": ")[2]
    except NoCaller as reason:
        result.not_run[name] = str(reason)
    except UNPREPARED as error:
        result.collect()  # what is wrong with the response itself says more
        result.add(preparation_failed(result.layer, error))
    result.collect()
