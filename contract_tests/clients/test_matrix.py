"""A bot at a real Matrix homeserver: Synapse, which nobody here wrote.

A person invites it to a room and writes; what is written becomes a turn, and its answer comes back.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

import agentserver
from agentserver_contract.local_server import running

PASSWORD = "correct horse battery"  # noqa: S105 (of an account that ends with its server)
NAME = "matrix.example"
SECONDS = 60
"""How long anything may take."""


@attrs.define
class Account:
    """An account at the homeserver, and what it sees of its rooms."""

    client: httpx.Client
    user_id: str
    token: str
    since: str = ""
    seen: list[dict[str, Any]] = attrs.field(factory=list)

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Any:
        answer = self.client.request(
            method,
            f"/_matrix/client/v3/{path}",
            json=body,
            params=query,
            headers={"authorization": f"Bearer {self.token}"},
        )
        assert answer.is_success, answer.text
        return answer.json()

    def until(self, is_so: Callable[[dict[str, Any]], object]) -> None:
        """Follow what happens in its rooms until there is such an event."""
        for _ in range(SECONDS // 5):
            since = {"since": self.since} if self.since else {}
            news = self.ask("GET", "sync", timeout="5000", **since)
            self.since, joined = news["next_batch"], news.get("rooms", {}).get("join", {})
            events = [event for room in joined.values() for event in room["timeline"]["events"]]
            self.seen += events
            if any(map(is_so, events)):
                return
        raise AssertionError(f"it has not happened; seen were {self.seen}")

    def written_by(self, user_id: str) -> list[str]:
        """What somebody has written, as far as this account has seen it."""
        return [
            event["content"]["body"]
            for event in self.seen
            if (event["type"], event["sender"]) == ("m.room.message", user_id)
        ]


@contextmanager
def homeserver(folder: Path) -> Iterator[httpx.Client]:
    """Run Synapse on an empty database."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "tls": False,
        "resources": [{"names": ["client"]}],
    }
    settings = {
        "server_name": NAME,
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "signing_key_path": str(folder / "signing.key"),
        "media_store_path": str(folder / "media"),
        "pid_file": str(folder / "pid"),
        "macaroon_secret_key": "of-this-test",
        "form_secret": "of-this-test",
        "report_stats": False,
        "trusted_key_servers": [],
        "enable_registration": True,
        "enable_registration_without_verification": True,
    }
    configuration = folder / "homeserver.yaml"
    configuration.write_text(json.dumps(settings))  # JSON is YAML
    program = [os.environ["AGENTSERVER_TEST_SYNAPSE"], "-m", "synapse.app.homeserver"]
    command = [*program, "--config-path", str(configuration)]
    subprocess.run([*command, "--generate-keys"], cwd=folder, check=True, capture_output=True)
    log = folder / "homeserver.log"
    with log.open("w") as output, subprocess.Popen(command, cwd=folder, stderr=output) as process:
        try:
            # It is connected to until it listens.
            patient = httpx.HTTPTransport(retries=10)
            address = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=address, transport=patient, timeout=SECONDS) as client:
                assert client.get("/_matrix/client/versions").is_success, log.read_text()
                yield client
        finally:
            process.terminate()


def register(client: httpx.Client, name: str) -> Account:
    """Create an account at the homeserver."""
    account = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    made = client.post("/_matrix/client/v3/register", json=account).json()
    return Account(client, made["user_id"], made["access_token"])


@pytest.mark.skipif("AGENTSERVER_TEST_SYNAPSE" not in os.environ, reason="Synapse is not installed")
def test_a_message_at_a_real_homeserver_is_answered_exactly_once(tmp_path: Path) -> None:
    settings = {"AGENTSERVER_IM": "embedded", "AGENTSERVER_ALLOW_PRIVATE_ADDRESSES": "true"}
    with (
        homeserver(tmp_path) as matrix,
        running(tmp_path, **settings) as url,
        agentserver.Client(url) as client,
    ):
        bot, ada = register(matrix, "bot"), register(matrix, "ada")
        client.auth.register(email="ada@example.com", password=PASSWORD)
        client.auth.login(email="ada@example.com", password=PASSWORD)
        workspace = client.workspaces.create(name="Matrix")
        with pytest.raises(agentserver.BadRequest, match="access_token"):
            client.workspaces.im.configure_matrix(
                workspace.id,
                homeserver_url=str(matrix.base_url),
                access_token="of-nobody",  # noqa: S106
            )
        made = client.workspaces.im.configure_matrix(
            workspace.id, homeserver_url=str(matrix.base_url), access_token=bot.token
        )
        assert made.bot_id == bot.user_id
        room = ada.ask("POST", "createRoom", {"invite": [bot.user_id]})["room_id"]
        ada.until(lambda event: event.get("state_key") == bot.user_id and is_joined(event))
        for number, text in enumerate(("What is an engine?", "And a loom?")):
            path = f"rooms/{room}/send/m.room.message/{number}"
            ada.ask("PUT", path, {"msgtype": "m.text", "body": text})
            ada.until(lambda event: (event["type"], event["sender"]) == ANSWER)
            answers = ada.written_by(bot.user_id)
            assert len(answers) == number + 1, answers
            assert text in answers[number]
        turns = client.operations_log.list(workspace.id)
        assert len(list(turns)) >= len(answers)


ANSWER = ("m.room.message", f"@bot:{NAME}")


def is_joined(event: dict[str, Any]) -> bool:
    """Whether it says that somebody has come to a room."""
    return event["content"].get("membership") == "join"
