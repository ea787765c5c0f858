"""A cassette has every operation and no secret, and plays without its server."""

from __future__ import annotations

from pathlib import Path

import pytest
import vcr
import yaml
from faulty import served

from agentserver import Client
from agentserver_contract.__main__ import BROKEN, COULD_NOT_RUN, HOLDS, main
from agentserver_contract.contract.document import Contract
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.http.messages import SESSION_COOKIE, Exchange, Request, Response
from agentserver_contract.recordings import cassettes

PASSWORD = "never in a cassette"
MADE_BY_NOBODY = "names-what-is-not-there"


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cassette")
    path = folder / "reference.yaml"
    with served(folder) as url, pytest.MonkeyPatch.context() as patched:
        patched.setenv("AGENTSERVER_EMAIL", email_of("admin"))
        patched.setenv("AGENTSERVER_PASSWORD", PASSWORD)
        words = ["record", url, str(path), "--allow-global", "--source", "the reference server"]
        assert main(words) == HOLDS
    return path


def test_every_operation_is_recorded_with_a_success(cassette: Path, contract: Contract) -> None:
    recorded = {
        operation.id
        for exchange in cassettes.read(cassette).exchanges
        if (operation := contract.operation_at(exchange.request.method, exchange.request.path))
        and operation.is_success(exchange.response.status)
    }
    unmade = {name for name in contract.operations if is_exception(MADE_BY_NOBODY, name)}
    assert recorded == contract.operations.keys() - unmade


def test_cassette_names_its_source(cassette: Path) -> None:
    assert cassettes.read(cassette).source == "the reference server"


def test_cassette_holds_no_secret(cassette: Path) -> None:
    text = cassette.read_text()
    assert PASSWORD not in text
    assert "sk-0123456789abcdef" not in text
    document = yaml.safe_load(text)
    for interaction in document["interactions"]:
        for part in ("request", "response"):
            headers = interaction[part]["headers"]
            for value in [*headers.get("cookie", []), *headers.get("set-cookie", [])]:
                token = value.partition(f"{SESSION_COOKIE}=")[2].partition(";")[0]
                assert token in ("", "***"), f"a session in {part}: {value}"


def test_cassette_plays_through_the_sdk_without_a_server(
    cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(cassette)]) == HOLDS
    output = capsys.readouterr().out
    assert "the reference server" in output
    assert "0 findings" in output


def test_vcrpy_plays_the_cassette_too(cassette: Path) -> None:
    exchanges = cassettes.read(cassette).exchanges
    listed = next(e for e in exchanges if e.request.path == "/api/workspaces/quota")
    recorder = vcr.VCR(record_mode="none", match_on=["method", "path"])
    with (
        recorder.use_cassette(str(cassette)),
        Client(cassettes.HOST, session="any", allow_insecure_http=True) as client,
    ):
        quota = client.workspaces.get_creation_quota()
    assert quota.to_dict() == listed.response.json()


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('"current":', '"current"', "the SDK can read the response"),
        ('"current":', '"currently":', "the response is as the contract has it"),
        ("code: 204", "code: 202", "the status is documented"),
    ],
    ids=["no JSON", "a field of another name", "another status"],
)
def test_response_that_the_sdk_does_not_understand_is_found(
    cassette: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    kind: str,
) -> None:
    text = cassette.read_text()
    assert old in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace(old, new))
    status = main(["replay", str(changed)])
    output = capsys.readouterr().out
    assert status == BROKEN, output
    assert kind in output


def test_request_that_the_sdk_would_send_otherwise_is_found(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = cassette.read_text()
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace("/api/workspaces/quota", "/api/workspaces//quota", 1))
    assert main(["replay", str(changed)]) in (HOLDS, BROKEN)
    assert "no operation of the contract" in capsys.readouterr().out


def test_listed_departure_of_a_recorded_answer_breaks_nothing(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed, listed = tmp_path / "changed.yaml", tmp_path / "departures.toml"
    text = cassette.read_text()
    changed.write_text(text.replace("code: 204", "code: 202"))
    listed.write_text(
        "[accepted]\noperations = '*'\nkind = 'status'\nstatus = 202\n"
        "answers = 'Says accepted.'\nwhy = 'It is done already.'\n"
    )
    status = main(["replay", str(changed), "--departures", str(listed)])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    assert f"accepted: {text.count('code: 204')} x, as listed" in output


@pytest.mark.parametrize("text", ["", "version: 1", "- a list", ":\n  - ["], ids=repr)
def test_file_that_is_no_cassette_is_told_in_one_line(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(text)
    assert main(["replay", str(path)]) == COULD_NOT_RUN
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert str(path) in line


def test_secrets_are_hidden_on_both_sides() -> None:
    exchange = cassettes.scrubbed(
        Exchange(
            Request(
                "POST",
                "/api/auth/login",
                {"cookie": f"{SESSION_COOKIE}=secret", "authorization": "Bearer secret"},
                b'{"email": "a@b", "password": "secret", "nested": [{"api_key": "secret"}]}',
            ),
            Response(
                200, {"set-cookie": (f"{SESSION_COOKIE}=secret; Path=/",)}, b'{"api_key": ""}'
            ),
        )
    )
    assert "secret" not in repr((exchange, exchange.request.headers, exchange.response.headers))
    assert exchange.response.headers["set-cookie"] == (f"{SESSION_COOKIE}=***; Path=/",)
    assert exchange.response.body == b'{"api_key": ""}'


def test_cassette_hides_people_who_are_not_of_the_run() -> None:
    own = email_of("owner")
    body = (
        '[{"id": "1", "email": "dana@example.org", "name": "Dana", "picture": null},'
        f' {{"id": "2", "email": "{own}", "name": null, "picture": null}},'
        ' {"id": "3", "name": "Dana\'s plans", "owner": {"email": "dana@example.org"}},'
        f' {{"id": "4", "name": "Renamed", "owner": {{"email": "{own}"}}}}]'
    )
    request = Request("GET", "/api/admin/users", {})
    hidden = cassettes.scrubbed(Exchange(request, Response(200, {}, body.encode()))).response
    assert "dana" not in hidden.text.casefold()
    others, ours, theirs, our_own = hidden.json()
    assert (others["name"], theirs["name"], our_own["name"]) == ("***", "***", "Renamed")
    assert ours["email"] == own
    text = Response(404, {}, b"dana@example.org is unknown\n")
    assert b"dana" not in cassettes.scrubbed(Exchange(request, text)).response.body
