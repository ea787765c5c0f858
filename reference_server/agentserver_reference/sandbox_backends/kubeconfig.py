"""The kubeconfig of a sandbox: the clusters of its workspace, behind the server's proxy.

The only secret in it is the sandbox's own token.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from agentserver_reference.domain.credentials import CLUSTER, SANDBOX_TOKEN, SANDBOX_USER

FILE = "kubeconfig"


def write_kubeconfig(
    folder: Path, clusters: Collection[Mapping[str, Any]], url: str, token: str | None
) -> Path | None:
    """Write the kubeconfig of a sandbox, or remove it if there is nothing to be in it.

    Arguments:
        folder: the sandbox's own, outside of its home.
        clusters: `id`, `display_name` and `is_default` of each credential for a cluster.
        url: where sandboxes reach the server.
        token: the sandbox's own, if it has one.

    Returns where it is; None if there is none. Raises OSError.
    """
    path = folder / FILE
    if token is None or not clusters:
        path.unlink(missing_ok=True)
        return None
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(_kubeconfig(clusters, url, token), file, indent=2)
    return new.replace(path)


def _kubeconfig(clusters: Collection[Mapping[str, Any]], url: str, token: str) -> dict[str, Any]:
    user: dict[str, Any] = {"token": token}
    if url.startswith("http://"):
        user |= {"as": SANDBOX_USER, "as-user-extra": {SANDBOX_TOKEN: [token]}}
    names = [each["display_name"] for each in clusters]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": each["display_name"], "cluster": {"server": f"{url}/{CLUSTER}/{each['id']}"}}
            for each in clusters
        ],
        "users": [{"name": _user_of(name), "user": user} for name in names],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": _user_of(name)}} for name in names
        ],
        "current-context": next(each["display_name"] for each in clusters if each["is_default"]),
    }


def _user_of(name: str) -> str:
    return f"{name}-user"
