"""Kubeconfigs: what of one is kept, and why one is refused.

A refusal names a place and a rule. It repeats nothing of the file, which is full of secrets.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import attrs

from agentserver_reference.domain.addresses import checked_address
from agentserver_reference.domain.errors import BadRequest

BEARER, CLIENT_CERT, OIDC = "bearer", "client_cert", "oidc"
"""How a user proves to a cluster who it is."""

_FIELD = "config"
_HEADER_VALUE = re.compile(r"[!-~]+")
"""Printable ASCII without blanks, as a token is sent in a header."""
_LOGIN, _GET_TOKEN = "oidc-login", "get-token"
"""The command by which kubectl signs a person in with OpenID Connect."""
_ISSUER, _CLIENT, _SCOPE = "--oidc-issuer-url", "--oidc-client-id", "--oidc-extra-scope"
_OPENID = "openid"
_INLINE = "must be given in place, as {}-data: the server has no file of yours"

ISSUER_SCHEMES = {False: ("https",), True: ("https", "http")}
"""How the address of an OpenID provider may begin, by whether private addresses are allowed."""

Fields = Mapping[str, Any]


@attrs.frozen
class ClusterCredential:
    """What is kept of a kubeconfig: one cluster, and one user of it."""

    server_url: str
    public_meta: dict[str, str]
    auth_type: str
    secret: str = attrs.field(repr=False)
    """What proves who the user is, as JSON."""


def read_kubeconfig(text: str, *, private_allowed: bool) -> ClusterCredential:
    """Return what is kept of a kubeconfig.

    Arguments:
        text: the file, YAML or JSON.
        private_allowed: whether the operator allows clusters in private networks.

    Raises BadRequest, with one line that names the place and the rule.
    """
    # Imported late: PyYAML takes 10 ms at the start, and most servers read no kubeconfig.
    from agentserver_reference.domain.yaml_values import InvalidYaml, read_yaml

    try:
        config = _mapping(read_yaml(text), "")
    except InvalidYaml as error:
        raise BadRequest(f"{_FIELD}: {error}") from None
    for name, only in (("apiVersion", "v1"), ("kind", "Config")):
        if config.get(name) not in (None, "", only):
            raise _refused(name, f"must be {only}")
    cluster, user = _chosen(config)
    return _credential(cluster, user, private_allowed=private_allowed)


def _chosen(config: Fields) -> tuple[tuple[str, Fields], tuple[str, Fields]]:
    """Return the cluster and the user that a kubeconfig is about, each with its place in it."""
    clusters = _named(config, "clusters", "cluster")
    contexts = _named(config, "contexts", "context")
    users = _named(config, "users", "user")
    current = config.get("current-context")
    if current not in (None, ""):
        at, context = _found(contexts, current, "current-context", "contexts")
        cluster = _found(clusters, context.get("cluster"), f"{at}.cluster", "clusters")
        return cluster, _found(users, context.get("user"), f"{at}.user", "users")
    if len(clusters) != 1:
        raise _refused("current-context", "is required unless there is exactly one cluster")
    ((name, cluster),) = clusters.items()
    for at, context in contexts.values():
        if context.get("cluster") == name:
            return cluster, _found(users, context.get("user"), f"{at}.user", "users")
    if len(users) != 1:
        raise _refused("current-context", "is required unless there is exactly one user")
    return cluster, next(iter(users.values()))


def _named(config: Fields, plural: str, singular: str) -> dict[str, tuple[str, Fields]]:
    """Return the entries of a list by their names, each with its place."""
    rows = config.get(plural)
    if rows is None:
        return {}
    if not isinstance(rows, list):
        raise _refused(plural, "must be a list")
    named: dict[str, tuple[str, Fields]] = {}
    for index, row in enumerate(rows):
        at = f"{plural}[{index}]"
        fields = _mapping(row, at)
        name = fields.get("name")
        if not isinstance(name, str):
            raise _refused(f"{at}.name", "must be a text; put it in quotes")
        if name in named:
            raise _refused(f"{at}.name", "is there twice")
        named[name] = (f"{at}.{singular}", _mapping(fields.get(singular), f"{at}.{singular}"))
    return named


def _found(
    named: Mapping[str, tuple[str, Fields]], name: Any, at: str, plural: str
) -> tuple[str, Fields]:
    if not isinstance(name, str) or name not in named:
        raise _refused(at, f"must be a name in {plural}")
    return named[name]


def _credential(
    cluster: tuple[str, Fields], user: tuple[str, Fields], *, private_allowed: bool
) -> ClusterCredential:
    at, fields = cluster
    server = _text(fields, "server", at)
    checked_address(
        server or "",
        field=f"{_FIELD}: {at}.server",
        schemes=("https",),
        private_allowed=private_allowed,
    )
    if _text(fields, "certificate-authority", at):
        raise _refused(f"{at}.certificate-authority", _INLINE.format("certificate-authority"))
    authority = _binary(fields, "certificate-authority-data", at)
    auth_type, secret = _proof(*user, private_allowed=private_allowed)
    return ClusterCredential(
        server_url=server or "",
        public_meta={"ca_data_b64": b64encode(authority).decode()} if authority else {},
        auth_type=auth_type,
        secret=json.dumps(secret),
    )


def _proof(at: str, user: Fields, *, private_allowed: bool) -> tuple[str, dict[str, Any]]:
    """Return how a user proves who it is, and with what; what comes first here counts."""
    if user.get("exec") is not None:
        return OIDC, _login(f"{at}.exec", user["exec"], private_allowed=private_allowed)
    if user.get("auth-provider") is not None:
        raise _refused(f"{at}.auth-provider", "is not supported: give the user a token")
    for refused in ("username", "password"):
        if _text(user, refused, at):
            raise _refused(f"{at}.{refused}", "is not supported: give the user a token")
    if token := _text(user, "token", at):
        if not _HEADER_VALUE.fullmatch(token):
            raise _refused(f"{at}.token", "must be printable ASCII without blanks")
        return BEARER, {"token": token}
    certificate = _binary(user, "client-certificate-data", at)
    key = _binary(user, "client-key-data", at)
    if certificate and key:
        return CLIENT_CERT, {"cert_pem": certificate.decode(), "key_pem": key.decode()}
    for name in ("client-certificate", "client-key"):
        if _text(user, name, at):
            raise _refused(f"{at}.{name}", _INLINE.format(name))
    raise _refused(at, "must have a token, or client-certificate-data and client-key-data")


def _login(at: str, command: Any, *, private_allowed: bool) -> dict[str, Any]:
    """Return the provider, the client and the scopes of a login with OpenID Connect."""
    args = _mapping(command, at).get("args")
    if not isinstance(args, list) or not {_LOGIN, _GET_TOKEN} <= {str(each) for each in args}:
        raise _refused(at, "is not supported: give the user a token")
    flags = _flags(args)
    issuer, client = flags.get(_ISSUER, []), flags.get(_CLIENT, [])
    for name, given in ((_ISSUER, issuer), (_CLIENT, client)):
        if not given or not given[-1]:
            raise _refused(f"{at}.args", f"must have {name}")
    checked_address(
        issuer[-1],
        field=f"{_FIELD}: {at}.args: {_ISSUER}",
        schemes=ISSUER_SCHEMES[private_allowed],
        private_allowed=private_allowed,
    )
    scopes = flags.get(_SCOPE, [])
    return {
        "issuer_url": issuer[-1],
        "client_id": client[-1],
        "scopes": scopes if _OPENID in scopes else [_OPENID, *scopes],
    }


def _flags(args: list[Any]) -> dict[str, list[str]]:
    """Return the values of each flag, written `--name=value` or `--name value`."""
    found: dict[str, list[str]] = {}
    texts = [each if isinstance(each, str) else "" for each in args]
    for index, text in enumerate(texts):
        name, equals, value = text.partition("=")
        if not equals:
            value = texts[index + 1] if index + 1 < len(texts) else ""
            value = "" if value.startswith("-") else value
        if name.startswith("--"):
            found.setdefault(name, []).append(value)
    return found


def _mapping(value: Any, at: str) -> Fields:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refused(at, "must be a mapping")
    return value


def _text(fields: Fields, name: str, at: str) -> str | None:
    """Return a text; None where there is none. What is no text is not taken for one."""
    if name not in fields:
        return None
    value = fields[name]
    if value is not None and not isinstance(value, str):
        raise _refused(f"{at}.{name}", "must be a text; put it in quotes")
    return value


def _binary(fields: Fields, name: str, at: str) -> bytes | None:
    """Return what a text in Base64 stands for; None where there is none."""
    text = _text(fields, name, at)
    if not text:
        return None
    try:
        data = b64decode("".join(text.split()), validate=True)
        data.decode()
    except ValueError:
        raise _refused(f"{at}.{name}", "must be Base64 of a text in UTF-8") from None
    return data


def _refused(at: str, rule: str) -> BadRequest:
    place = f"{at}: " if at else ""
    return BadRequest(f"{_FIELD}: {place}{rule}")
