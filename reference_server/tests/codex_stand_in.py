"""Stands in for codex: `app-server`, with its arguments, its JSON-RPC and its files, but no agent.

It asks the language model that its configuration names, and does what a turn's first word says:

| word | does |
|---|---|
| `run` | reports a command that was run and one that failed |
| `wait` | goes on until it is interrupted |
| `die` | ends the process |
| `environment` | says what stands in its environment |
| `ask` | asks for an approval, and says what was decided |
| any other | says what the model says, and how many turns the thread has had |
"""

import asyncio
import json
import os
import sys
import tomllib
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

HOME = Path(os.environ["CODEX_HOME"])
CONFIGURATION = tomllib.loads((HOME / "config.toml").read_text())
TOO_LONG = "too long"


class Refused(Exception):
    """An error of JSON-RPC."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


class Threads:
    """The threads, each a file with what was said."""

    def __init__(self) -> None:
        self.folder = HOME / "sessions"
        self.folder.mkdir(exist_ok=True)

    def start(self) -> str:
        thread_id = str(uuid.uuid4())
        self._file(thread_id).write_text("[]")
        return thread_id

    def said(self, thread_id: str) -> list[str]:
        if not self._file(thread_id).exists():
            raise Refused(-32600, f"no rollout found for thread id {thread_id}")
        found: list[str] = json.loads(self._file(thread_id).read_text())
        return found

    def add(self, thread_id: str, text: str) -> int:
        said = [*self.said(thread_id), text]
        self._file(thread_id).write_text(json.dumps(said))
        return len(said)

    def _file(self, thread_id: str) -> Path:
        return self.folder / f"{thread_id}.json"


async def ask_model(text: str) -> tuple[str | None, dict[str, Any] | None]:
    """What the model says, or the error of the turn."""
    provider = CONFIGURATION["model_providers"][CONFIGURATION["model_provider"]]
    headers = {"Authorization": f"Bearer {os.environ[provider['env_key']]}"}
    message = {"role": "user", "content": [{"type": "input_text", "text": text}]}
    body = {"model": CONFIGURATION["model"], "input": [message], "stream": False}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.post(f"{provider['base_url']}/responses", headers=headers, json=body)
    if answer.status_code == 200:
        return answer.json()["output"][0]["content"][0]["text"], None
    info = "usageLimitExceeded" if answer.status_code == 429 else "internalServerError"
    if "context_length_exceeded" in answer.text:
        info = "contextWindowExceeded"
    return None, {"message": answer.text.strip(), "codexErrorInfo": info}


class Session:
    """One connection."""

    def __init__(self, socket: ServerConnection, threads: Threads) -> None:
        self.socket = socket
        self.threads = threads
        self.turns: dict[str, asyncio.Task[None]] = {}
        self.decisions: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            if "method" not in message:
                await self.decisions.put(message)
            elif "id" in message:
                try:
                    result = self.answer(message["method"], message.get("params") or {})
                    await self.send(id=message["id"], result=result)
                except Refused as refused:
                    await self.send(id=message["id"], error=refused.error)

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            return {"userAgent": "stand-in/1.0", "codexHome": str(HOME)}
        if method == "thread/start":
            return {"thread": {"id": self.threads.start()}}
        if method == "thread/resume":
            self.threads.said(params["threadId"])
            return {"thread": {"id": params["threadId"]}}
        if method == "turn/start":
            if not isinstance(params.get("input"), list):
                raise Refused(-32602, "Invalid request: expected a sequence")
            if not all(isinstance(each, dict) for each in params["input"]):
                raise Refused(-32602, "Invalid request: expected an object")
            self.threads.said(params["threadId"])
            turn_id = str(uuid.uuid4())
            turn = self.turn(params["threadId"], turn_id, params["input"])
            self.turns[turn_id] = asyncio.create_task(turn)
            return {"turn": {"id": turn_id, "status": "inProgress", "items": [], "error": None}}
        if method == "turn/interrupt":
            self.turns[params["turnId"]].cancel()
            return {}
        raise Refused(-32601, f"unknown method {method}")

    async def turn(self, thread_id: str, turn_id: str, given: list[dict[str, Any]]) -> None:
        about = {"threadId": thread_id, "turnId": turn_id}
        status, error = "completed", None
        text = "".join(each.get("text", "") for each in given)
        try:
            await self.item(about, type="userMessage", content=given)
            error = await self.work(about, text)
            status = "completed" if error is None else "failed"
        except asyncio.CancelledError:
            status = "interrupted"
        turn = {"id": turn_id, "status": status, "items": [], "itemsView": "notLoaded"}
        late = {"id": "late", "type": "commandExecution", "command": "echo late"}
        if text.startswith("late"):
            await self.notify("item/started", **about, item=late)
        await self.notify("turn/completed", threadId=thread_id, turn=turn | {"error": error})
        if text.startswith("late"):
            done = {"status": "completed", "aggregatedOutput": "late\n", "exitCode": 0}
            await self.notify("item/completed", **about, item=late | done)

    async def work(self, about: dict[str, str], text: str) -> dict[str, Any] | None:
        word = text.partition(" ")[0]
        if word == "die":
            os._exit(3)
        if word == "run":
            command = {"type": "commandExecution", "command": "echo 1", "cwd": str(Path.cwd())}
            done = {"status": "completed", "aggregatedOutput": "1\n", "exitCode": 0}
            await self.item(about, **command, **done)
            failed = {"status": "completed", "aggregatedOutput": "no", "exitCode": 2}
            await self.item(about, **command, **failed)
            call = {"server": "files", "tool": "read", "arguments": {"path": "a"}}
            result = {"status": "completed", "result": {"content": []}, "error": None}
            await self.item(about, type="mcpToolCall", **call, **result)
        if word == "wait":
            await asyncio.Event().wait()
        said, error = json.dumps(dict(os.environ)), None
        if word == "ask":
            await self.send(id="a", method="item/fileChange/requestApproval", params=about)
            await self.send(id="b", method="item/tool/requestUserInput", params=about)
            said = json.dumps([await self.decisions.get(), await self.decisions.get()])
        elif word != "environment":
            number = self.threads.add(about["threadId"], text)
            answer, error = await ask_model(text)
            said = f"{number}: {answer}"
        if error is None:
            await self.item(about, type="agentMessage", text=said, phase=None)
        return error

    async def item(self, about: dict[str, str], **fields: Any) -> None:
        item = {"id": str(uuid.uuid4()), **fields}
        await self.notify("item/started", **about, item=item)
        await self.notify("item/completed", **about, item=item)

    async def notify(self, method: str, **params: Any) -> None:
        await self.send(method=method, params=params)

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))


async def main(arguments: list[str]) -> None:
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    if arguments[0] != "app-server" or options["--listen"] != "ws://127.0.0.1:0":
        sys.exit(2)
    threads = Threads()

    def check(socket: ServerConnection, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if sha256(token.encode()).hexdigest() == options["--ws-token-sha256"]:
            return None
        return Response(401, "Unauthorized", Headers())

    async def hold(socket: ServerConnection) -> None:
        await Session(socket, threads).run()

    async with serve(hold, "127.0.0.1", 0, process_request=check) as server:
        port = server.sockets[0].getsockname()[1]
        print("codex app-server (WebSockets)", file=sys.stderr)
        print(f"  listening on: ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
