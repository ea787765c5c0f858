"""An operation as a curl command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from agentserver_contract.contract.document import Contract, Operation

SERVER = "$AGENTSERVER_URL"
SESSION = "$AGENTSERVER_SESSION"
TOKEN = "$AGENTSERVER_TOKEN"  # noqa: S105 (the name of a variable)
LONGEST_BODY = 60


def command(contract: Contract, operation: Operation) -> str:
    """The call with the values of the contract's example."""
    return " \\\n  ".join(_words(contract, operation))


def _words(contract: Contract, operation: Operation) -> Iterator[str]:
    values = {each.name: str(each.example) for each in operation.arguments}
    path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], operation.path)
    asked = {
        each.name: each.example
        for each in operation.arguments
        if each.place == "query" and each.example is not None
    }
    query = f"?{urlencode(_plain(asked), doseq=True)}" if asked else ""
    show = "--include " if "Set-Cookie" in operation.success.headers else ""
    ask = "" if operation.method == "GET" else f"--request {operation.method} "
    yield f'curl {show}{ask}"{SERVER}{path}{query}"'
    for name in operation.schemes[:1]:
        yield _credential(contract.components("securitySchemes")[name])
    for each in operation.arguments:
        if each.place == "header" and each.example is not None:
            yield f"--header '{each.name}: {each.example}'"
    if operation.body_example is not None:
        yield f"--json '{_body(operation.body_example)}'"


def _plain(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values as a query has them: true and false in lower case, lists as they are."""
    return {
        name: json.dumps(value) if isinstance(value, bool) else value
        for name, value in values.items()
    }


def _credential(scheme: Mapping[str, Any]) -> str:
    if scheme["type"] == "apiKey" and scheme["in"] == "cookie":
        return f'--cookie "{scheme["name"]}={SESSION}"'
    return f'--header "Authorization: Bearer {TOKEN}"'


def _body(example: Any) -> str:
    line = json.dumps(example, ensure_ascii=False)
    text = line if len(line) <= LONGEST_BODY else json.dumps(example, ensure_ascii=False, indent=2)
    return text.replace("\n", "\n  ").replace("'", "'\\''")
