"""A program that is signed in by the device flow, and the person who approves it in a browser."""

from __future__ import annotations

import html
import re
from typing import Any

import attrs
import httpx
from people import PASSWORD, ReferenceServer, User, ok

PAGE = "/oauth2/device"
CLIENT = "agentserver-agent-cli"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid profile agent:register"


@attrs.frozen
class Program:
    """A program that asks to be signed in."""

    client: httpx.AsyncClient

    async def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form, as the client of agents."""
        fields = {"client_id": CLIENT, **form}
        answer = await self.client.post(f"/api/oauth2/{path}", data=fields)
        assert answer.headers["content-type"] == "application/json", answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        return answer

    async def start(self, scope: str = SCOPE) -> Any:
        """Ask for a code."""
        return ok(await self.post("device/auth", scope=scope)).json()

    async def start_as(self, client_id: str) -> httpx.Response:
        """Ask for a code as another client."""
        return await self.post("device/auth", client_id=client_id)

    async def poll(self, code: Any) -> httpx.Response:
        """Ask whether it was approved."""
        return await self.post("token", grant_type=GRANT, device_code=code["device_code"])

    async def refresh(self, token: str, **form: str) -> httpx.Response:
        """Exchange a refresh token."""
        return await self.post("token", grant_type="refresh_token", refresh_token=token, **form)

    async def revoke(self, token: str, **form: str) -> httpx.Response:
        """End a token."""
        return await self.post("revoke", token=token, **form)


@attrs.frozen
class Person:
    """Somebody with a browser, in which they are signed in."""

    user: User

    async def open(self, code: str | None = None) -> httpx.Response:
        """Open the page, with a code in its address if one is given."""
        query = "" if code is None else f"?user_code={code}"
        return await self.user.get(PAGE + query)

    async def send(self, **form: str) -> httpx.Response:
        """Send the form of the page."""
        return await self.user.client.post(
            PAGE, data=form, headers={"Cookie": self.user.cookie, "Sec-Fetch-Site": "same-origin"}
        )

    async def decide(
        self, code: Any, workspace_id: str = "", decision: str = "approve"
    ) -> httpx.Response:
        """Open the page with the code, and approve or deny."""
        shown = ok(await self.open(code["user_code"]))
        return await self.send(
            **hidden_fields(shown.text), workspace_id=workspace_id, decision=decision
        )


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of the form on a page."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


async def signed_in(
    server: ReferenceServer, user: User, workspace_id: str, scope: str = SCOPE
) -> Any:
    """The tokens of a program that a user has approved for a workspace."""
    program = Program(server.client)
    code = await program.start(scope)
    ok(await Person(user).decide(code, workspace_id))
    return ok(await program.poll(code)).json()


async def log_in_by_form(client: httpx.AsyncClient, email: str, **form: str) -> httpx.Response:
    """Send the form that asks who somebody is."""
    return await client.post(f"{PAGE}/sign-in", data={"email": email, "password": PASSWORD, **form})


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of an error."""
    code: str = answer.json()["error"]
    return answer.status_code, code
