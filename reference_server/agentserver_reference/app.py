"""The ASGI application, which binds a handler to every operation of the contract."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from uuid import uuid4

import attrs
from starlette.applications import Starlette
from starlette.types import ASGIApp

from agentserver_reference import console, internal
from agentserver_reference import handlers as handler_package
from agentserver_reference.context import Context
from agentserver_reference.contract import Contract, compile_contract, load_contract
from agentserver_reference.domain.passwords import Cost, Passwords
from agentserver_reference.domain.tokens import session_token
from agentserver_reference.gateways.clusters import Clusters
from agentserver_reference.gateways.codex import open_codex
from agentserver_reference.gateways.executors import open_executors
from agentserver_reference.gateways.im import Im, open_im
from agentserver_reference.gateways.im.bridge import Bridge
from agentserver_reference.gateways.im.remote import RemoteIm
from agentserver_reference.gateways.llm import open_llm_proxy
from agentserver_reference.gateways.models import Models
from agentserver_reference.gateways.modelserver import open_modelserver
from agentserver_reference.gateways.oauth import open_oauth
from agentserver_reference.gateways.openid import OpenIDProviders
from agentserver_reference.gateways.sockets import HeldSockets
from agentserver_reference.http import (
    cluster_proxy,
    codex_app,
    consent_pages,
    device_pages,
    executors,
    im_bridge,
    im_elsewhere,
    model_api,
    modelserver_pages,
    oauth,
)
from agentserver_reference.http.dispatch import (
    Dispatcher,
    Endpoint,
    ForeignEndpoint,
    Handler,
    Page,
    Target,
)
from agentserver_reference.http.routing import Router
from agentserver_reference.internal.document import document as internal_document
from agentserver_reference.internal.secret import schemes as internal_schemes
from agentserver_reference.sandbox_backends import open_sandbox_backend
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.schemes import SCHEMES
from agentserver_reference.settings import Settings, local_url
from agentserver_reference.storage import codex_sessions, open_store, sqlite_path, users
from agentserver_reference.storage.encryption_key import find_key
from agentserver_reference.workers import (
    agent_health,
    expired_proofs,
    expired_sessions,
    expired_sign_ins,
    idle_sandboxes,
    im_delivery,
    lost_turns,
    old_messages,
    old_operations,
    old_turns,
    overdue_tasks,
    sandbox_changes,
)
from agentserver_reference.workers.background import Background
from agentserver_reference.workers.runner import Loop, Runner, Wait
from agentserver_reference.workers.sandbox_watch import watched_sandboxes

PASSWORD_OPERATIONS = frozenset({"register_user", "login"})
"""Operations that respond with 405 when password authentication is disabled."""

LOOPS: tuple[Callable[[Context], Loop], ...] = (
    expired_sessions.loop,
    expired_sign_ins.loop,
    expired_proofs.loop,
    sandbox_changes.loop,
    idle_sandboxes.loop,
    agent_health.loop,
    overdue_tasks.loop,
    lost_turns.loop,
    old_turns.loop,
    im_delivery.loop,
    old_messages.loop,
    old_operations.loop,
)
"""What makes each background loop."""


def loops_of(settings: Settings) -> Iterable[Callable[[Context], Loop]]:
    """Return the loops of a server, which holds no lease for what it cannot do."""
    left_out = () if settings.delivers_messages else (im_delivery.loop,)
    return (loop for loop in LOOPS if loop not in left_out)


class BindingError(Exception):
    """Contract and handlers do not match. The text names the operations."""


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a random id: a UUIDv4 in lower case."""
    return str(uuid4())


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    ids: Callable[[], str] = new_id,
    tokens: Callable[[], str] = session_token,
    url: Callable[[], str] | None = None,
    wait: Wait = asyncio.sleep,
    validate_responses: bool = False,
    contract: Contract | None = None,
    handlers: Mapping[str, Handler] | None = None,
    schemes: Mapping[str, CredentialKind] = SCHEMES,
) -> Starlette:
    """Build the application. Its lifespan opens the database and starts the background loops.

    Arguments:
        settings: the settings.
        clock: returns the current time, aware and in UTC.
        ids: returns new ids, for resources, and for requests without an id.
        tokens: returns new session tokens.
        url: returns where the server is reached from its own machine; by default, what the
            settings say.
        wait: how background loops wait, in seconds.
        validate_responses: for tests: raise unexpected errors, and responses that violate the
            contract, also by an undocumented field, instead of sending them.
        contract: for tests: a contract other than the server's own.
        handlers: for tests: the handlers of that contract, by `tag.operationId`.
        schemes: for tests: its kinds of credential, by the names of the security schemes.

    Raises:
        ContractError: the contract cannot be compiled.
        BindingError: an operation has no handler, a handler has no operation, or a kind of
            credential is unknown.
        SettingsError: the folder of the SQLite file cannot be used.
        StoreError: the key file beside the SQLite file is invalid.
    """
    contract = contract or load_contract(closed=validate_responses)
    im = open_im(settings, wait)
    handlers = _handlers(contract, im) if handlers is None else handlers
    endpoints = bind(contract, handlers, schemes)
    key = find_key(settings, sqlite_path(settings.resolved_database_url))
    store = open_store(settings, key)
    background = Background()
    models = Models(settings, clock, ids)
    own_url = url or (lambda: local_url(settings.host, settings.port))
    context = Context(
        settings=settings,
        store=store,
        clock=clock,
        ids=ids,
        tokens=tokens,
        passwords=Passwords(Cost.parse(settings.password_cost)),
        cipher=key.cipher,
        llm_proxy=open_llm_proxy(settings, store, clock),
        models=models,
        modelserver=open_modelserver(settings, models, key.cipher, clock, tokens),
        oauth=open_oauth(settings, store, clock, tokens),
        openid_providers=OpenIDProviders(private_allowed=settings.private_addresses_allowed),
        clusters=Clusters(private_allowed=settings.private_addresses_allowed),
        codex=open_codex(
            settings,
            store,
            clock,
            ids,
            url=own_url,
            background=background.start,
            wait=wait,
        ),
        executors=open_executors(
            settings, store, clock, ids, background=background.start, wait=wait
        ),
        im=im,
        im_bridge=Bridge(),
        sandbox_backend=open_sandbox_backend(settings, store, clock, own_url),
        background=background.start,
        wait=wait,
    )

    loops = [loop(context) for loop in loops_of(settings)]
    workers = Runner(loops, store, clock=clock, holder=new_id(), wait=wait)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await store.open()
        try:
            await context.passwords.add_costs(await store.read(users.hash_costs))
            async with watched_sandboxes(context), workers, background:
                sandbox_changes.take_up(context)
                yield
        finally:
            await context.llm_proxy.close()
            await context.modelserver.close()
            await context.models.close()
            await context.oauth.close()
            await context.openid_providers.close()
            await context.clusters.close()
            await context.codex.close()
            await context.executors.close()
            await context.im.close()
            await context.im_bridge.close()
            await store.close()

    app = _Application(lifespan=lifespan)
    pages = console.pages(contract.document, settings, context.sandbox_backend.describe())
    sessions = HeldSockets("codex sockets", codex_sessions, store, clock, background.start, wait)
    codex_socket = codex_app.endpoint(context, sessions)
    has_own_codex = settings.codex_app_gateway_rest_url is None
    if has_own_codex:
        pages["/"] = attrs.evolve(pages["/"], socket=codex_socket)
    router = route(endpoints, pages, settings)
    add_foreign_paths(router, context)
    for path, (method, target) in executors.endpoints(context).items():
        router.add_path(path)[method] = target
    if has_own_codex:
        router.add_path(codex_app.PATH)["GET"] = codex_socket
    dispatcher = Dispatcher(
        router=router,
        context=context,
        validate_responses=validate_responses,
    )
    app.state.context = context
    app.state.internal = (
        internal_application(context, settings.internal_api_secret, validate_responses)
        if settings.internal_listen and settings.internal_api_secret
        else None
    )
    app.state.stopping = context.stopping
    app.router.default = dispatcher
    return app


def internal_application(context: Context, secret: str, validate_responses: bool) -> Dispatcher:
    """Return the ASGI application of the internal routes, whose lifespan is that of the server."""
    modules = internal.handler_modules(context.settings)
    tags = {module.__name__.rpartition(".")[2] for module in modules}
    contract = compile_contract(internal_document(tags))
    endpoints = bind(contract, handlers_of(modules), internal_schemes(secret))
    router = route(endpoints, {}, context.settings)
    return Dispatcher(router=router, context=context, validate_responses=validate_responses)


class _Application(Starlette):
    """Starlette without its own handling of errors: the dispatcher answers every error."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the router, inside of what was added with `add_middleware`."""
        app: ASGIApp = self.router
        for middleware, arguments, options in reversed(self.user_middleware):
            app = middleware(app, *arguments, **options)
        return app


def handler_modules() -> list[ModuleType]:
    """Return the modules of handlers, one for each tag of the contract."""
    return [
        import_module(f"{handler_package.__name__}.{module.name}")
        for module in iter_modules(handler_package.__path__)
    ]


def handlers_of(modules: Iterable[ModuleType]) -> dict[str, Handler]:
    """Return the public coroutine functions of these modules, by `module.function`."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def _handlers(contract: Contract, im: Im) -> dict[str, Handler]:
    """Return the handlers of the contract's operations; an IM bridge has some of its own."""
    elsewhere = im_elsewhere.handlers(contract, im) if isinstance(im, RemoteIm) else {}
    return handlers_of(handler_modules()) | elsewhere


def bind(
    contract: Contract, handlers: Mapping[str, Handler], schemes: Mapping[str, CredentialKind]
) -> list[Endpoint]:
    """Combine every operation with its handler and its kinds of credential.

    Raises:
        BindingError: naming all operations without a handler, handlers without an operation, and
            operations with an unknown kind of credential.
    """
    operations = {f"{one.tag}.{one.id}": one for one in contract.operations}
    wanted, given = operations.keys(), handlers.keys()
    unknown = [
        f"{name}: unknown kind of credential {scheme}"
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
) -> Router[Target]:
    """Return the router for all operations and pages."""
    router: Router[Target] = Router()
    off = frozenset() if settings.password_auth_enabled else PASSWORD_OPERATIONS
    for endpoint in endpoints:
        methods = router.add_path(endpoint.operation.path)
        if endpoint.operation.id not in off:
            methods[endpoint.operation.method] = endpoint
            if endpoint.operation.method == "GET" and not endpoint.operation.consumes:
                methods["HEAD"] = endpoint
    for path, page in pages.items():
        router.add_path(path).update(GET=page, HEAD=page)
    return router


def add_foreign_paths(router: Router[Target], context: Context) -> None:
    """Add the paths that others have defined, but for WebSockets."""
    settings = context.settings
    if settings.llm_proxy_url is None:  # otherwise its routes are elsewhere, or nowhere
        add_model_api(router, context)
    if settings.hydra_admin_url != "off":
        add_oauth(router, context)
    if settings.im != "off":
        for path, respond in im_bridge.endpoints(context).items():
            router.add_path(path)["POST"] = ForeignEndpoint(respond)
    for path, endpoint in cluster_proxy.endpoints(context).items():
        router.add_path(path).update(dict.fromkeys(cluster_proxy.METHODS, endpoint))
    for path, methods in modelserver_pages.endpoints(context).items():
        for method, respond in methods.items():
            router.add_path(path)[method] = ForeignEndpoint(respond)


def add_oauth(router: Router[Target], context: Context) -> None:
    """Add the paths by which agents are signed in."""
    for path, respond in oauth.endpoints(context).items():
        router.add_path(path)["POST"] = ForeignEndpoint(respond)
    is_elsewhere = context.settings.hydra_public_url is not None
    pages = consent_pages if is_elsewhere else device_pages
    for path, methods in pages.endpoints(context).items():
        for method, respond in methods.items():
            router.add_path(path)[method] = ForeignEndpoint(respond)


def add_model_api(router: Router[Target], context: Context) -> None:
    """Add the paths of the embedded LLM proxy."""
    for path, (method, respond) in model_api.endpoints(context).items():
        router.add_path(path)[method] = ForeignEndpoint(respond)
