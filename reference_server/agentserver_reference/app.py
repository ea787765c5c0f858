"""The server as an ASGI application, every operation of the contract bound to its handler."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from uuid import uuid4

from starlette.applications import Starlette

from agentserver_reference import console
from agentserver_reference import handlers as handler_package
from agentserver_reference.context import Context
from agentserver_reference.contract import Contract, load_contract
from agentserver_reference.domain.cipher import KEY_BYTES, Cipher
from agentserver_reference.domain.passwords import Cost, Passwords
from agentserver_reference.domain.tokens import session_token
from agentserver_reference.gateways.llm import open_llm_proxy
from agentserver_reference.http.dispatch import Dispatcher, Endpoint, Handler, Page
from agentserver_reference.http.routing import Router
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.schemes import SCHEMES
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import open_store, sqlite_path
from agentserver_reference.storage.keyfile import read_or_create_key
from agentserver_reference.workers import expired_sessions
from agentserver_reference.workers.runner import Runner, Wait

KEY_FILE = "secret.key"

PASSWORD_OPERATIONS = frozenset({"register_user", "login"})
"""Operations whose paths exist without taking a method when passwords are switched off."""


class BindingError(Exception):
    """Contract and handlers differ. The text names every operation concerned."""


def utc_now() -> datetime:
    """Now, with the time zone UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random id, UUIDv4 in lower case."""
    return str(uuid4())


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    ids: Callable[[], str] = new_id,
    tokens: Callable[[], str] = session_token,
    wait: Wait = asyncio.sleep,
    validate_responses: bool = False,
    contract: Contract | None = None,
    handlers: Mapping[str, Handler] | None = None,
    schemes: Mapping[str, CredentialKind] = SCHEMES,
) -> Starlette:
    """Build the application. Its lifespan opens the database and starts the background loops.

    Arguments:
        settings: what the operator set.
        clock: the time, aware and in UTC.
        ids: makes the ids of whatever is created, and of requests that bring none.
        tokens: makes session tokens.
        wait: how background loops wait, in seconds.
        validate_responses: for tests: an answer that the contract does not document, down to one
            field too many, and any failure of a handler, is raised instead of answered.
        contract: for tests: another contract than the server's own.
        handlers: for tests: the handlers of that contract, each as `tag.operationId`.
        schemes: for tests: the kinds of credential that it names.

    Raises:
        ContractError: the contract cannot be compiled.
        BindingError: an operation without a handler, or a handler without an operation; a
            credential of an unknown kind.
        SettingsError: the folder of the SQLite file cannot be used.
        StoreError: the key file beside the SQLite file holds no key.
    """
    contract = contract or load_contract(closed=validate_responses)
    handlers = handlers_of(handler_modules()) if handlers is None else handlers
    endpoints = bind(contract, handlers, schemes)
    store = open_store(settings)
    context = Context(
        settings=settings,
        store=store,
        clock=clock,
        ids=ids,
        tokens=tokens,
        passwords=Passwords(Cost.parse(settings.password_cost)),
        cipher=Cipher(encryption_key(settings)),
        llm_proxy=open_llm_proxy(settings, store, clock),
    )

    workers = Runner(
        [expired_sessions.loop(context)], store, clock=clock, holder=new_id(), wait=wait
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await store.open()
        try:
            async with workers:
                yield
        finally:
            await context.llm_proxy.close()
            await store.close()

    app = Starlette(lifespan=lifespan)
    dispatcher = Dispatcher(
        router=route(endpoints, console.pages(contract.document), settings),
        context=context,
        validate_responses=validate_responses,
    )
    app.state.context = context
    app.state.stopping = dispatcher.stopping
    app.router.redirect_slashes = False
    app.router.default = dispatcher
    return app


def encryption_key(settings: Settings) -> bytes:
    """The key of the stored secrets: the one set, or the one in the file beside the database.

    Raises:
        SettingsError: the folder cannot be made, read or written.
        StoreError: the file holds no key.
    """
    if settings.encryption_key is not None:
        return settings.encryption_key
    database = sqlite_path(settings.resolved_database_url)
    if database is None:
        return os.urandom(KEY_BYTES)  # what lies in memory is gone with its key
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return read_or_create_key(database.with_name(KEY_FILE))
    except OSError as error:
        where = "--data-dir" if settings.database_url is None else "--database-url"
        raise SettingsError(
            f"{where}: {database.parent} must be a folder that this user may write "
            f"({error.strerror})"
        ) from None


def handler_modules() -> list[ModuleType]:
    """The modules of handlers, one for each tag of the contract."""
    return [
        import_module(f"{handler_package.__name__}.{module.name}")
        for module in iter_modules(handler_package.__path__)
    ]


def handlers_of(modules: Iterable[ModuleType]) -> dict[str, Handler]:
    """The public coroutines of these modules, each as `module.function`."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def bind(
    contract: Contract, handlers: Mapping[str, Handler], schemes: Mapping[str, CredentialKind]
) -> list[Endpoint]:
    """Every operation with its handler and the kinds of credential that it takes.

    Raises:
        BindingError: naming each operation without handler, each handler without operation, and
            each operation with a credential of an unknown kind.
    """
    operations = {f"{one.tag}.{one.id}": one for one in contract.operations}
    wanted, given = operations.keys(), handlers.keys()
    unknown = [
        f"{name}: takes {scheme}, a credential of no known kind"
        for name in sorted(wanted)
        for scheme in operations[name].schemes
        if scheme not in schemes
    ]
    faults = [
        *(f"{name}: operation without a handler" for name in sorted(wanted - given)),
        *(f"{name}: handler without an operation" for name in sorted(given - wanted)),
        *unknown,
    ]
    if faults:
        raise BindingError("; ".join(faults))
    return [
        Endpoint(
            operation, handlers[name], {scheme: schemes[scheme] for scheme in operation.schemes}
        )
        for name, operation in operations.items()
    ]


def route(
    endpoints: Iterable[Endpoint], pages: Mapping[str, Page], settings: Settings
) -> Router[Endpoint | Page]:
    """The way from every path to its operation or page."""
    router: Router[Endpoint | Page] = Router()
    off = frozenset() if settings.password_auth_enabled else PASSWORD_OPERATIONS
    for endpoint in endpoints:
        methods = router.add_path(endpoint.operation.path)
        if endpoint.operation.id not in off:
            methods[endpoint.operation.method] = endpoint
    for path, page in pages.items():
        router.add_path(path)["GET"] = page
    return router
