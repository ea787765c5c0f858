"""The server as an ASGI application, every operation of the contract bound to its handler."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from uuid import uuid4

from starlette.applications import Starlette

from agentserver_reference import console, handlers
from agentserver_reference.call import Services
from agentserver_reference.contract import Contract, load_contract
from agentserver_reference.domain.cipher import KEY_BYTES, Cipher
from agentserver_reference.domain.passwords import Cost, Passwords
from agentserver_reference.domain.tokens import session_token
from agentserver_reference.gateways.llm_proxy import open_llm_proxy
from agentserver_reference.http.dispatch import Dispatcher, Endpoint, Handler, Page
from agentserver_reference.http.routing import Router
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import open_store, sqlite_path
from agentserver_reference.storage.keyfile import read_or_create_key

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
    validate_responses: bool = False,
) -> Starlette:
    """Build the application. Its lifespan opens and closes the database.

    Arguments:
        settings: what the operator set.
        clock: the time, aware and in UTC.
        ids: makes the ids of whatever is created, and of requests that bring none.
        tokens: makes session tokens.
        validate_responses: for tests: an answer that the contract does not document, down to one
            field too many, and any failure of a handler, is raised instead of answered.

    Raises:
        ContractError: the contract cannot be compiled.
        BindingError: an operation without a handler, or a handler without an operation.
        SettingsError: the folder of the SQLite file cannot be used.
        StoreError: the key file beside the SQLite file holds no key.
    """
    contract = load_contract(closed=validate_responses)
    handlers = bind(contract, handler_modules())
    store = open_store(settings)
    services = Services(
        settings=settings,
        store=store,
        clock=clock,
        ids=ids,
        tokens=tokens,
        passwords=Passwords(Cost.parse(settings.password_cost)),
        cipher=Cipher(encryption_key(settings)),
        llm_proxy=open_llm_proxy(settings, store, clock),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await store.open()
        try:
            yield
        finally:
            await services.llm_proxy.close()
            await store.close()

    app = Starlette(lifespan=lifespan)
    app.state.services = services
    app.router.redirect_slashes = False
    app.router.default = Dispatcher(
        router=route(contract, handlers, console.pages(contract.document), settings),
        services=services,
        validate_responses=validate_responses,
    )
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
        import_module(f"{handlers.__name__}.{module.name}")
        for module in iter_modules(handlers.__path__)
    ]


def bind(contract: Contract, modules: Iterable[ModuleType]) -> dict[str, Handler]:
    """The handler of every operation, by operationId.

    Raises:
        BindingError: naming each operation without handler and each handler without operation.
    """
    handlers = {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    wanted = {f"{operation.tag}.{operation.id}" for operation in contract.operations}
    faults = [f"{name}: operation without a handler" for name in sorted(wanted - handlers.keys())]
    faults += [f"{name}: handler without an operation" for name in sorted(handlers.keys() - wanted)]
    if faults:
        raise BindingError("; ".join(faults))
    return {name.partition(".")[2]: handler for name, handler in handlers.items()}


def route(
    contract: Contract,
    handlers: dict[str, Handler],
    pages: dict[str, Page],
    settings: Settings,
) -> Router[Endpoint | Page]:
    """The way from every path to its operation or page."""
    router: Router[Endpoint | Page] = Router()
    off = frozenset() if settings.password_auth_enabled else PASSWORD_OPERATIONS
    for operation in contract.operations:
        methods = router.add_path(operation.path)
        if operation.id not in off:
            methods[operation.method] = Endpoint(operation, handlers[operation.id])
    for path, page in pages.items():
        router.add_path(path)["GET"] = page
    return router
