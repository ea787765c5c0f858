"""The command of a sandbox: uses a cluster with a client of Kubernetes, and reports what it saw.

Arguments: the client's name, the port of the test that waits for the report, and a file with the
certificate of the authority by which the server is known. The test is sent the sandbox's token, and
answers with that of another sandbox, or ends the connection.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS = 30
"""How long a command may take, at most: usually, it takes 0.1."""

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "engine"},
    "spec": {"containers": [{"name": "main", "image": "engine"}]},
}
SCRIPT = ["sh", "-c", 'read line; echo "read $line"; echo failed >&2; exit 3']
SAID = "a line\n"


def kubernetes() -> dict[str, Any]:
    """Use the official client for Python."""
    from kubernetes import client, config
    from kubernetes.stream import stream
    from kubernetes.watch import Watch

    def changes() -> Iterator[list[str]]:
        for event in Watch().stream(core.list_namespaced_pod, "default", resource_version="0"):
            yield [event["type"], event["object"].metadata.name]

    config.load_kube_config()
    core = client.CoreV1Api()
    version = client.VersionApi().get_code().git_version
    core.create_namespaced_pod("default", POD)
    listed = [pod.metadata.name for pod in core.list_namespaced_pod("default").items]
    watched = changes()
    log = Watch().stream(core.read_namespaced_pod_log, "engine", "default", follow=True)
    streamed = [next(watched), next(log)]
    executed = stream(
        core.connect_get_namespaced_pod_exec,
        *("engine", "default"),
        command=SCRIPT,
        stdin=True,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    executed.write_stdin(SAID)
    executed.run_forever(timeout=SECONDS)
    streamed.append(next(log))
    core.delete_namespaced_pod("engine", "default")
    streamed += [next(watched), *log]
    return {
        "version": version,
        "listed": listed,
        "streamed": streamed,
        "executed": [executed.returncode, executed.read_stdout(), executed.read_stderr()],
    }


def refused_kubernetes() -> list[Any]:
    """Return how the client for Python is refused."""
    from kubernetes import client, config

    config.load_kube_config(os.environ["KUBECONFIG"])  # the package reads the variable once
    try:
        client.CoreV1Api().list_namespaced_pod("default")
    except client.ApiException as error:
        return [error.status, error.body]
    return []


def kubectl() -> dict[str, Any]:
    """Use kubectl."""

    def run(*arguments: str) -> str:
        status, output, errors = ran(*arguments)
        assert status == 0, errors
        return output

    def follow(*arguments: str) -> Iterator[list[str]]:
        command = ["kubectl", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield from (line.split() for line in process.stdout or ())
            finally:
                process.kill()

    version = json.loads(run("version", "--output=json"))["serverVersion"]["gitVersion"]
    Path("pod.json").write_text(json.dumps(POD))
    run("apply", "--filename=pod.json")
    listed = [line.split()[0] for line in run("get", "pods", "--no-headers").splitlines()]
    watched = follow("get", "pods", "--watch", "--output-watch-events", "--no-headers")
    log = follow("logs", "--follow", "engine")
    streamed: list[Any] = [next(watched)[:2], " ".join(next(log))]
    executed = ran("exec", "--stdin", "engine", "--", *SCRIPT, said=SAID)
    streamed.append(" ".join(next(log)))
    Path("sent").write_bytes(os.urandom(1 << 20))
    run("cp", "sent", "engine:copy")
    run("cp", "engine:copy", "received")
    assert Path("sent").read_bytes() == Path("received").read_bytes()
    run("delete", "pod", "engine")
    streamed.append(next(watched)[:2])
    assert ["executed", "tar"] in list(log)
    return {"version": version, "listed": listed, "streamed": streamed, "executed": executed}


def refused_kubectl() -> list[Any]:
    """Return how kubectl is refused."""
    status, _, errors = ran("get", "pods")
    return [status, errors]


# Without any token, kubectl asks at the terminal for a name, and sends nothing.
TOKENS = {"kubernetes": ("unknown", ""), "kubectl": ("unknown",)}
"""With which it is tried besides that of another sandbox."""


def ran(*arguments: str, said: str = "") -> tuple[int, str, str]:
    """Run kubectl, and return its status, what it wrote, and its errors."""
    done = subprocess.run(
        ["kubectl", *arguments], input=said, capture_output=True, text=True, timeout=SECONDS
    )
    return done.returncode, done.stdout, done.stderr


CLIENTS = {"kubernetes": (kubernetes, refused_kubernetes), "kubectl": (kubectl, refused_kubectl)}


def main(name: str, port: str, certificate: str) -> None:
    """Use the cluster, then try with tokens of others and with none."""
    os.environ["SSL_CERT_FILE"] = certificate
    use, refused = CLIENTS[name]
    own = os.environ["AGENTSERVER_SANDBOX_TOKEN"]
    # Connected at once, so that the test sees it if this process dies.
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.sendall(f"{own}\n".encode())
        other = connection.makefile().readline().strip()
        if not other:
            return  # it was only asked for its token
        given = Path(os.environ["KUBECONFIG"]).read_text()
        report = {"given": given, "environment": dict(os.environ), **use(), "refused": []}
        os.environ["KUBECONFIG"] = "changed"
        for token in (other, *TOKENS[name]):
            Path("changed").write_text(given.replace(own, token))
            report["refused"].append(refused())
        connection.sendall(json.dumps(report).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
