"""A reference server on a real socket, in this process, with something around it to break it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from answer_middleware import AnswersChanged, App
from answers import Answer
from servers import CHEAPEST_PASSWORDS, prepare_accounts, reset_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.http.target import Target
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.app import create_app
from agentserver_reference.contract import Contract as ServerContract
from agentserver_reference.serve import protocol
from agentserver_reference.settings import Settings


def run_on(
    run: Callable[[Context], LayerResult],
    folder: Path,
    contract: Contract,
    wrap: Callable[[Any], App],
    operations: frozenset[str],
) -> LayerResult:
    """A layer's result on some operations of a server with something around it."""
    with served(folder, wrap) as url, Target(url) as target:
        accounts = prepare_accounts(target)
        plan = Plan(seed=1, operations=operations)
        reset = partial(reset_accounts, accounts)
        return run(Context(target, accounts, contract, plan, reset=reset))


@contextmanager
def served(
    folder: Path,
    wrap: Callable[[Any], App] = lambda app: app,
    contract: ServerContract | None = None,
    *,
    certificate: Path | None = None,
    request_timeout: int = 60,
) -> Iterator[str]:
    """The URL of a server whose application is wrapped.

    Args:
        folder: Where its database is.
        wrap: Makes another application of the right one.
        contract: Another one than the server's own.
        certificate: With its key, in one file: the server is reached over TLS.
        request_timeout: Seconds in which a request must have arrived.
    """
    settings = Settings.from_environment(
        {},
        database_url=f"sqlite:///{folder / 'faulty.db'}",
        password_cost=CHEAPEST_PASSWORDS,
        encryption_key="11" * 32,
        modelserver_auth_url="built-in",
        request_timeout=request_timeout,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        wrap(create_app(settings, contract=contract)),
        http=protocol(settings),  # type: ignore[arg-type]
        log_config=None,
        lifespan="on",
        server_header=False,
        ssl_certfile=certificate,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def without_header(name: str) -> Callable[[Any], App]:
    """Answers of every operation lack a header."""

    def removed(answer: Answer) -> Answer:
        changed = Answer(answer.status, list(answer.headers), answer.body)
        changed.set_header(name, None)
        return changed

    return lambda app: AnswersChanged(app, removed)
