"""The command of a sandbox: runs a client of language models, and reports what it said.

Arguments: the client's name, its program, and the ports of the test that waits for the report and
of a proxy that no client should need. Address and token of the LLM proxy are in the environment, as
in every sandbox.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import Any

SECONDS = 300
"""How long a client may take to answer, at most: usually, it takes 1 to 10."""

ANSWER = "Hello"
TOOL_ROUND = 'use {tool} {{"command": "echo from-the-tool", "description": "Say it"}}'

OPENCODE_CONFIG: dict[str, Any] = {
    "provider": {
        "anthropic": {
            "options": {"baseURL": "{env:ANTHROPIC_BASE_URL}/v1"},
            "models": {"built-in": {"name": "The built-in model"}},
        }
    }
}

CLIENTS: dict[str, tuple[list[str], str, dict[str, str]]] = {
    "claudecode": (
        ["-p", "--output-format", "json", "--allowedTools", "Bash"],
        "Bash",
        {
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
        },
    ),
    "opencode": (
        ["run", "--format", "json", "--model", "anthropic/built-in"],
        "bash",
        {
            "OPENCODE_CONFIG_CONTENT": json.dumps(OPENCODE_CONFIG),
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_SHARE": "1",
            "npm_config_offline": "true",  # it would fetch the types for plugins of one's own
        },
    ),
}
"""Of each client: its arguments, its tool for commands, and what keeps it from calling others."""


def main(name: str, program: str, report_port: str, proxy_port: str) -> None:
    """Run the client once for an answer and once for a tool round, and report both."""
    arguments, tool, variables = CLIENTS[name]
    proxy = f"http://127.0.0.1:{proxy_port}"
    environment = {
        **os.environ,
        **variables,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "127.0.0.1",
    }
    # Connected at once, so that the test sees it if this process dies.
    with socket.create_connection(("127.0.0.1", int(report_port))) as connection:
        report = []
        for prompt in (ANSWER, TOOL_ROUND.format(tool=tool)):
            done = subprocess.run(
                [program, *arguments],
                # Not as an argument: opencode puts backslashes before the quotes in one.
                input=prompt,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            report.append({"status": done.returncode, "output": done.stdout, "errors": done.stderr})
        connection.sendall(json.dumps(report).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
